-- Verify cardkeep:conflicts on pg

begin;

select 'cardkeep_api.flat'::regproc;
select 'cardkeep_api.conflicts'::regproc;

rollback;
