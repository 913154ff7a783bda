-- Cardkeep's schema, and the upgrade of a database from before it, as one file for an SQL console.
--
-- Run it as it is: all of it is one transaction, so it is applied whole or not at all. Tables
-- business_cards, personal_info and professional_info in schema public are upgraded in place; where
-- there are none, the schema is made empty. Run again it changes nothing. doc/migration.md tells
-- what it does, for how long it locks, and how to go back.
--
-- Made by scripts/gen-migration from the changes in deploy/: edit those.

begin;

-- Another program's long transaction must not make everybody wait behind this one.
set local lock_timeout = '30s';
set local statement_timeout = 0;
set local client_min_messages = notice;

do $$
declare
	v_owner oid := (select d.datdba from pg_database d where d.datname = current_database());
	v_roles text;
	v_table text;
begin
	if current_setting('server_version_num')::integer < 140000 then
		raise exception 'PostgreSQL % is too old: Cardkeep needs 14 or later',
			current_setting('server_version');
	end if;
	if current_setting('server_encoding') <> 'UTF8' then
		raise exception 'database % is %, and Cardkeep needs UTF8', current_database(),
			current_setting('server_encoding')
			using hint = 'Make one: create database NAME template template0 encoding ''UTF8''.';
	end if;
	if not pg_has_role(v_owner, 'usage') then
		raise exception '% must be run by the owner of the database, %', current_database(), v_owner::regrole
			using hint = format('Sign in as %s, or as a member of that role.', v_owner::regrole);
	end if;
	select string_agg(format('create role %s %s;', r.name, r.login), ' ') into v_roles
	from (values ('cardkeep_owner', 'nologin'), ('cardkeep_runtime', 'login'),
		('cardkeep_admin', 'login')) r (name, login)
	where to_regrole(r.name) is null;
	if v_roles is not null
		and not (select u.rolsuper or u.rolcreaterole from pg_roles u where u.rolname = current_user)
	then
		raise exception 'Cardkeep needs three roles, and % may not create them', current_user
			using hint = format('Ask an administrator of the server to run: %s grant cardkeep_owner to %I with admin option;',
				v_roles, current_user);
	end if;
	for v_table in
		select c.oid::regclass from pg_class c
		where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
			and c.relname in ('business_cards', 'personal_info', 'professional_info')
			and not pg_has_role(c.relowner, 'usage')
	loop
		raise exception '% is not the table of %, who therefore cannot upgrade it', v_table, current_user
			using hint = 'Sign in as the owner of the table, or as a member of that role.';
	end loop;
end
$$;

create schema if not exists cardkeep_console;
create table if not exists cardkeep_console.changes (
	name text primary key,
	at timestamptz not null default now()
);
comment on schema cardkeep_console is 'Which of Cardkeep''s changes an SQL console has applied; scripts/up and "cardkeep migrate" go on from there';

do $$
begin
	if to_regclass('sqitch.changes') is not null then
		execute 'insert into cardkeep_console.changes (name)
			select s.change from sqitch.changes s where s.project = ''cardkeep'' on conflict do nothing';
	end if;
end
$$;
