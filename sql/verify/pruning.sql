-- Verify cardkeep:pruning on pg

begin;

select 'cardkeep_api.prune_rows'::regproc;
select 'cardkeep_api.first_kept'::regproc;
select 'cardkeep_api.note_pruned'::regproc;
select 'cardkeep_api.prune_card'::regproc;
select 'cardkeep_api.prune_profile'::regproc;
select 'cardkeep_api.next_history'::regproc;
select 'cardkeep.prune_histories'::regproc;

rollback;
