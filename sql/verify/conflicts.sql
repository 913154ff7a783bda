-- Verify cardkeep:conflicts on pg

begin;

select 'cardkeep_api.field_conflict'::regproc;
select 'cardkeep_api.conflicts'::regproc;

rollback;
