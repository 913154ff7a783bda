-- Verify cardkeep:conflicts on pg

begin;

select 'cardkeep_api.reach'::regproc;
select 'cardkeep_api.conflict_text'::regproc;
select 'cardkeep_api.field_conflict'::regproc;
select 'cardkeep_api.conflicts'::regproc;

rollback;
