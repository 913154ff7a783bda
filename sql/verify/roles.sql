-- Verify cardkeep:roles on pg

begin;

do $$
begin
	assert pg_has_role('cardkeep_admin', 'cardkeep_owner', 'usage');
	assert not pg_has_role('cardkeep_runtime', 'cardkeep_owner', 'member');
	assert has_database_privilege('cardkeep_runtime', current_database(), 'connect');
	assert (select not r.rolcanlogin from pg_roles r where r.rolname = 'cardkeep_owner');
	assert (select s.setconfig @> array['lock_timeout=250ms', 'enable_seqscan=off']
		from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
			join pg_database d on d.oid = s.setdatabase
		where r.rolname = 'cardkeep_runtime' and d.datname = current_database());
end
$$;

rollback;
