-- Verify cardkeep:card_images on pg

begin;

select 'cardkeep_api.card_change'::regtype;
select 'cardkeep_api.content'::regproc;
select 'cardkeep_api.card_json'::regproc;
select 'cardkeep_api.written_alike'::regproc;
select 'cardkeep_api.image'::regproc;
select 'cardkeep_api.card_before'::regproc;
select 'cardkeep_api.card_at'::regproc;
select 'cardkeep_api.card_replay'::regproc;
select 'cardkeep_api.card_kept'::regproc;
select 'cardkeep_api.card_reaches'::regproc;
select 'cardkeep_api.card_base'::regproc;
select 'cardkeep_api.card_conflicts'::regproc;
select 'cardkeep_api.card_conflict'::regproc;

rollback;
