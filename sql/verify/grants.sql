-- Verify cardkeep:grants on pg

begin;

select 1 / (count(*) = 38)::integer from pg_proc p
where p.pronamespace in ('cardkeep'::regnamespace, 'cardkeep_api'::regnamespace)
	and has_function_privilege('cardkeep_runtime', p.oid, 'execute');

rollback;
