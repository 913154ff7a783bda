-- Revert cardkeep:roles from pg
--
-- The roles stay: they belong to the cluster, another database may use them, and a role that owns
-- nothing and may do nothing harms nobody. What they had in this database goes.

begin;

set local role cardkeep_owner;
alter default privileges grant execute on functions to public;
reset role;

do $$
begin
	execute format('alter role cardkeep_runtime in database %I reset all', current_database());
	execute format('alter role cardkeep_admin in database %I reset all', current_database());
	execute format('grant connect, temporary on database %I to public', current_database());
	execute format('revoke connect, temporary on database %I from cardkeep_runtime, cardkeep_admin',
		current_database());
	execute format('revoke create on database %I from cardkeep_owner', current_database());
end
$$;

commit;
