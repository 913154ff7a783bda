-- Deploy cardkeep:roles to pg
--
-- Three roles: the owner owns everything and nobody signs in as it; the runtime role executes the
-- granted functions and can do nothing else; administrators are members of the owner.
--
-- Roles belong to the whole cluster: another database may have made them already, so they are made
-- where missing, and their settings are kept to this database. The timeouts stand on the role, not
-- in connection options, so that every pooler and every client gets them.
--
-- A dump has neither roles nor, unless it makes its database too, what stands on them in a database.
-- So `cardkeep migrate` and `scripts/up` run this file every time: it mends what is missing, and does
-- nothing where all is there.

begin;

do $$
begin
	if current_setting('server_encoding') <> 'UTF8' then
		raise exception 'database % is %, and Cardkeep needs UTF8', current_database(),
			current_setting('server_encoding')
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Make one: create database NAME template template0 encoding ''UTF8''.';
	end if;
end
$$;

do $$
declare
	v_role text;
	v_login text;
	v_right text;
begin
	for v_role, v_login in
		values ('cardkeep_owner', 'nologin'), ('cardkeep_runtime', 'login'), ('cardkeep_admin', 'login')
	loop
		if not exists (select from pg_roles r where r.rolname = v_role) then
			execute format('create role %I %s', v_role, v_login);
		end if;
	end loop;
	-- Scripts create as the owner, so who deploys must be able to become it.
	if not pg_has_role(current_user, 'cardkeep_owner', 'member') then
		execute format('grant cardkeep_owner to %I', current_user);
	end if;
	-- Whoever may not grant is warned each time, also of what is granted already.
	for v_role, v_right in
		select w.* from (values ('cardkeep_owner', 'CREATE'), ('cardkeep_runtime', 'CONNECT'),
			('cardkeep_admin', 'CONNECT')) w (role, privilege)
		where not exists (select from pg_database d, aclexplode(d.datacl) a
			where d.datname = current_database() and a.grantee = w.role::regrole
				and a.privilege_type = w.privilege)
	loop
		execute format('grant %s on database %I to %s', v_right, current_database(), v_role);
	end loop;
end
$$;

do $$
declare
	v_role text;
begin
	foreach v_role in array array['cardkeep_owner', 'pg_monitor', 'pg_signal_backend']
	loop
		if not exists (select from pg_auth_members m
			where m.roleid = v_role::regrole and m.member = 'cardkeep_admin'::regrole)
		then
			execute format('grant %I to cardkeep_admin', v_role);
		end if;
	end loop;
exception when insufficient_privilege then
	raise notice '% is not granted to cardkeep_admin: only a superuser may, here', v_role;
end
$$;

-- A database that is Cardkeep's alone lets nobody in but who has to come, and nobody make temporary tables
-- in it but operators. Where others have tables in it their doors are left as they are.
do $$
begin
	if exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~
			'^(pg_|information_schema$|sqitch$|cardkeep(_(api|legacy|doors|kept|console))?$)'
			and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
				and d.objid = c.oid and d.deptype = 'e'))
	then
		raise notice 'others use this database: who may connect to it, and make temporary tables, is left as it is';
	elsif pg_has_role(current_user, (select d.datdba from pg_database d
		where d.datname = current_database()), 'member')
	then
		execute format('revoke connect, temporary on database %I from public', current_database());
		execute format('grant temporary on database %I to cardkeep_admin', current_database());
	end if;
end
$$;

do $$
declare
	v_setting text;
begin
	-- enable_seqscan: a connection that plans while the tables are nearly empty would keep its
	-- sequential scans while they grow; every look-up of this role has an index.
	-- lock_timeout: functions never wait for a lock; this is the last guard against direct SQL.
	foreach v_setting in array array[
		'statement_timeout = ''5s''', 'lock_timeout = ''250ms''',
		'idle_in_transaction_session_timeout = ''10s''',
		'client_connection_check_interval = ''2s''', 'synchronous_commit = on',
		'default_transaction_isolation = ''read committed''', 'jit = off', 'enable_seqscan = off']
	loop
		-- Whoever may not alter roles may look whether they are as they should be.
		if not exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
			where d.datname = current_database() and s.setrole = 'cardkeep_runtime'::regrole
				and replace(replace(v_setting, ' = ', '='), '''', '') = any (s.setconfig))
		then
			execute format('alter role cardkeep_runtime in database %I set %s', current_database(),
				v_setting);
		end if;
	end loop;
	if not exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
		where d.datname = current_database() and s.setrole = 'cardkeep_admin'::regrole
			and 'search_path=cardkeep, public' = any (s.setconfig))
	then
		execute format('alter role cardkeep_admin in database %I set search_path = cardkeep, public',
			current_database());
	end if;
end
$$;

set local role cardkeep_owner;
alter default privileges revoke execute on functions from public;

commit;
