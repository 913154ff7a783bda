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

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'roles') then
return;
end if;
execute $sql$
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

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('roles');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'schemas') then
return;
end if;
execute $sql$
-- Deploy cardkeep:schemas to pg
--
-- cardkeep holds the tables and the functions promised to everyone; cardkeep_api holds what the
-- service calls, and the parts that both are made of.
--
-- What is called from outside pins its search path: whatever acts as its owner, triggers, and all of
-- cardkeep. What only these call inherits it, for to pin it again costs more than many of them do.


set local role cardkeep_owner;

create schema cardkeep;
comment on schema cardkeep is 'Digital business cards and profiles, and the functions promised to their users';

create schema cardkeep_api;
comment on schema cardkeep_api is 'What the Cardkeep service calls; not for people';

grant usage on schema cardkeep, cardkeep_api to cardkeep_runtime;

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('schemas');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'users') then
return;
end if;
execute $sql$
-- Deploy cardkeep:users to pg
--
-- A user without address and password is one whom nobody can sign in as yet: rows of a database
-- from before Cardkeep are kept under the id that they came with, until somebody adopts them. One
-- that is closed has neither as well, and nobody adopts it: nothing of it is there for anybody any
-- more, and it goes step by step (see erasure), its own row last.
--
-- The address is unique by an index with a condition, which no foreign key can refer to: so giving it
-- up does not lock the row against those who refer to the account, and nobody waits for that.


set local role cardkeep_owner;

create table cardkeep.users (
	id uuid primary key default gen_random_uuid(),
	email text,
	password_hash text,
	password_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	closed_at timestamptz,
	constraint users_email_lower check (email = lower(email collate "C") and email <> ''),
	constraint users_email_and_password check ((email is null) = (password_hash is null)),
	constraint users_closed_without check (closed_at is null or email is null)
);
create unique index users_email on cardkeep.users (email) where email is not null;
create index users_closed on cardkeep.users (id) where closed_at is not null;
comment on table cardkeep.users is 'Accounts';
comment on column cardkeep.users.id is 'The write id of the registration, so that its repeat finds itself';
comment on column cardkeep.users.email is 'Lower case: two spellings are one address; null, as the password, where the user waits to be adopted';
comment on column cardkeep.users.password_hash is 'Argon2id, in its own text form';
comment on column cardkeep.users.password_write is 'The write id of the latest change of the password, so that its repeat finds itself; null where there was none';
comment on column cardkeep.users.closed_at is 'When the account was closed: what it has is nobody''s, and is being erased';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('users');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'sessions') then
return;
end if;
execute $sql$
-- Deploy cardkeep:sessions to pg


set local role cardkeep_owner;

create table cardkeep.sessions (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references cardkeep.users on delete cascade,
	token_hash bytea not null,
	device_name text,
	user_agent text,
	created_at timestamptz not null default clock_timestamp(),
	last_seen_at timestamptz not null default clock_timestamp(),
	expires_at timestamptz not null,
	idle_limit interval not null default '30 days',
	ended_at timestamptz,
	ended_by uuid,
	constraint sessions_token_hash_unique unique (token_hash),
	constraint sessions_token_hash_length check (octet_length(token_hash) = 32),
	constraint sessions_ended_both check ((ended_at is null) = (ended_by is null))
) with (fillfactor = 85);
-- The end is in it so that an account's live sessions, and its oldest, are found among any number of
-- ended ones. Who asks by another key, and also whose they are, says `is true` of the user: where nearly
-- all accounts have one session, the planner takes this index to be as good as the key's own.
create index sessions_user on cardkeep.sessions (user_id, ended_at);
create index sessions_ended_by on cardkeep.sessions (ended_by) where ended_by is not null;
comment on table cardkeep.sessions is 'One row a signed-in device; an ended one stays, so that the repeat of the request that ended it finds itself';
comment on column cardkeep.sessions.id is 'The write id of the sign-in';
comment on column cardkeep.sessions.token_hash is 'SHA-256 of the bearer token, which itself is stored nowhere';
comment on column cardkeep.sessions.last_seen_at is 'When it was last used, to about a minute: written apart from the requests, in batches';
comment on column cardkeep.sessions.idle_limit is 'Unused for this long it is over, as it is at expires_at';
comment on column cardkeep.sessions.ended_by is 'The write id of the request that ended it';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('sessions');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'retired_slugs') then
return;
end if;
execute $sql$
-- Deploy cardkeep:retired_slugs to pg
--
-- A printed code must never lead to a stranger: the slug of a deleted card, or one that direct SQL
-- took from a card, is never given again. Words that paths, people or machines may mean in another
-- way are retired from the start. `card` is not among them: it is what an empty name becomes.


set local role cardkeep_owner;

create table cardkeep.retired_slugs (
	slug text primary key,
	card_id uuid,
	user_id uuid references cardkeep.users on delete set null,
	retired_at timestamptz not null default clock_timestamp(),
	constraint retired_slugs_card_unique unique (card_id)
);
create index retired_slugs_user on cardkeep.retired_slugs (user_id);
comment on table cardkeep.retired_slugs is 'Slugs that are never given again';
comment on column cardkeep.retired_slugs.card_id is 'The deleted card, whose id is never given again either; null for reserved and replaced slugs';
comment on column cardkeep.retired_slugs.user_id is 'Whose card it was; null for reserved words and deleted accounts';

insert into cardkeep.retired_slugs (slug)
select unnest(array[
	'about', 'abuse', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'apps',
	'assets', 'auth', 'billing', 'blog', 'c', 'cardkeep', 'cards', 'contact', 'create', 'css',
	'dashboard', 'delete', 'demo', 'dev', 'docs', 'download', 'edit', 'email', 'error', 'errors',
	'explore', 'faq', 'favicon', 'favicon-ico', 'files', 'fonts', 'forgot-password', 'health',
	'healthz', 'help', 'history', 'home', 'hostmaster', 'images', 'img', 'index', 'info', 'invite',
	'js', 'legal', 'livez', 'login', 'logout', 'mail', 'manifest', 'me', 'metrics', 'new', 'news',
	'null', 'oauth', 'password', 'postmaster', 'pricing', 'privacy', 'profile', 'profiles', 'public',
	'readyz', 'register', 'reset', 'reset-password', 'rest', 'revert', 'robots', 'robots-txt', 'root',
	'rpc', 'search', 'security', 'service-worker', 'session', 'sessions', 'settings', 'sign-in',
	'sign-out', 'sign-up', 'signin', 'signout', 'signup', 'sitemap', 'sitemap-xml', 'static', 'status',
	'status-json', 'support', 'system', 'terms', 'test', 'undefined', 'unsubscribe', 'user', 'users',
	'v1', 'v2', 'verify', 'web', 'webmaster', 'well-known', 'www']);

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('retired_slugs');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'business_cards') then
return;
end if;
execute $sql$
-- Deploy cardkeep:business_cards to pg
--
-- There is no index on version: each update changes it, so an index would end HOT updates, and it
-- cost 10 to 25 % of them when measured, while no query looks cards up by version. The free tenth
-- of each page (fillfactor 85) is what the HOT updates live in.
--
-- What a name is, is decided by who brings it: the service in C, the promised functions by clean_name.
-- The constraint asks nothing that two implementations of Unicode, or two locales, could answer in two
-- ways: no normal form, and no class of characters.


set local role cardkeep_owner;

create table cardkeep.business_cards (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references cardkeep.users on delete cascade,
	name text not null,
	slug text not null,
	template_type text not null default 'personal-small',
	fields_config jsonb not null default '{}',
	design_config jsonb not null default '{}',
	is_public boolean not null default true,
	version integer not null default 1,
	last_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint business_cards_slug_unique unique (slug),
	constraint business_cards_name_valid check (
		octet_length(name) <= 800 and char_length(name) between 1 and 200
		and name !~ '[\u0001-\u001f\u007f-\u009f]'),
	constraint business_cards_slug_valid check (
		char_length(slug) <= 87 and slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
	constraint business_cards_template_type_valid check (
		char_length(template_type) between 1 and 64 and template_type !~ '[^a-z0-9-]'),
	constraint business_cards_fields_config_object check (jsonb_typeof(fields_config) = 'object'),
	constraint business_cards_design_config_object check (jsonb_typeof(design_config) = 'object'),
	constraint business_cards_version_positive check (version >= 1)
) with (fillfactor = 85);
create index business_cards_newest on cardkeep.business_cards (user_id, created_at desc, id desc);
comment on table cardkeep.business_cards is 'Cards as they are now; what they were is in business_card_versions';
comment on column cardkeep.business_cards.id is 'The write id of the creation, so that its repeat finds itself';
comment on column cardkeep.business_cards.last_write is 'The write id of this version; a statement that sets it together with version + 1 keeps history itself, any other is served by the triggers';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('business_cards');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'personal_info') then
return;
end if;
execute $sql$
-- Deploy cardkeep:personal_info to pg


set local role cardkeep_owner;

create table cardkeep.personal_info (
	user_id uuid primary key references cardkeep.users on delete cascade,
	full_name text,
	primary_email text,
	secondary_email text,
	primary_phone text,
	secondary_phone text,
	website text,
	address text,
	version integer not null default 1,
	last_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint personal_info_version_positive check (version >= 1)
) with (fillfactor = 85);
comment on table cardkeep.personal_info is 'Personal profiles; what they were is in personal_info_versions';
comment on column cardkeep.personal_info.last_write is 'The write id of this version; see business_cards.last_write';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('personal_info');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'professional_info') then
return;
end if;
execute $sql$
-- Deploy cardkeep:professional_info to pg


set local role cardkeep_owner;

create table cardkeep.professional_info (
	user_id uuid primary key references cardkeep.users on delete cascade,
	job_title text,
	company_name text,
	department text,
	work_email text,
	work_phone text,
	work_address text,
	company_website text,
	linkedin_url text,
	version integer not null default 1,
	last_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint professional_info_version_positive check (version >= 1)
) with (fillfactor = 85);
comment on table cardkeep.professional_info is 'Professional profiles; what they were is in professional_info_versions';
comment on column cardkeep.professional_info.last_write is 'The write id of this version; see business_cards.last_write';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('professional_info');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'pruned_histories') then
return;
end if;
execute $sql$
-- Deploy cardkeep:pruned_histories to pg
--
-- Which histories no longer begin where they did, because an operator had old versions deleted. It is
-- what permits that: a version can be deleted only when it is below the first one that is kept, and
-- the table says so. So nobody deletes history by mistake, and what is gone can be told from what is
-- lost.


set local role cardkeep_owner;

create table cardkeep.pruned_histories (
	kind text not null,
	id uuid not null,
	first integer not null,
	began_at timestamptz not null,
	constraint pruned_histories_pkey primary key (kind, id),
	constraint pruned_histories_kind_valid check (
		kind in ('business_cards', 'personal_info', 'professional_info')),
	constraint pruned_histories_first_valid check (first > 1)
);
comment on table cardkeep.pruned_histories is 'Histories of which an operator had old versions deleted';
comment on column cardkeep.pruned_histories.kind is 'The table of what the history tells of';
comment on column cardkeep.pruned_histories.id is 'The card, or the user whose profile it is';
comment on column cardkeep.pruned_histories.first is 'The oldest version that is kept';
comment on column cardkeep.pruned_histories.began_at is 'The time of the version it began with';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('pruned_histories');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_history') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_history to pg
--
-- A row holds what was before the change, one nullable column a field, null where the field stayed:
-- half the bytes of before and after together, and what came after is the next row's before, or the
-- card. Version 1 has nothing before it. The deletion is a version of its own and holds everything.
-- There is no foreign key to the card: history outlives it, and goes only with its account, or where an
-- operator has it pruned.


set local role cardkeep_owner;

create table cardkeep.business_card_versions (
	card_id uuid not null,
	version integer not null,
	session_id uuid,
	write_id uuid not null,
	at timestamptz not null,
	is_deletion boolean not null default false,
	b_name text,
	b_slug text,
	b_template_type text,
	b_fields_config jsonb,
	b_design_config jsonb,
	b_is_public boolean,
	constraint business_card_versions_pkey primary key (card_id, version)
);
-- The next change of a field after a version is looked for when an old version is told or brought
-- back. A field that changes often is found at once; these are for those that nearly never change, and
-- cost nothing while they do not. Names and fields_config, which most updates change, have none.
create index business_card_versions_slug on cardkeep.business_card_versions (card_id, version)
	where b_slug is not null;
create index business_card_versions_template on cardkeep.business_card_versions (card_id, version)
	where b_template_type is not null;
create index business_card_versions_design on cardkeep.business_card_versions (card_id, version)
	where b_design_config is not null;
create index business_card_versions_public on cardkeep.business_card_versions (card_id, version)
	where b_is_public is not null;
comment on table cardkeep.business_card_versions is 'Every version of every card: who wrote it, when, and what was before';
comment on column cardkeep.business_card_versions.session_id is 'Null where SQL, not the service, wrote it';
comment on column cardkeep.business_card_versions.at is 'The card''s updated_at as of this version';

create function cardkeep.keep_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'history is never changed: % on %.%', lower(tg_op collate "C"), tg_table_schema, tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep.keep_history is 'Refuses update and truncate of history, whoever asks. Locks nothing.';

create function cardkeep.keep_card_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	-- A slug that is retired without an owner tells that the card and its account are gone. An account
	-- that is closed is going.
	perform from (select d.card_id, max(d.version) as version from deleted d group by d.card_id) d
	left join lateral (
		select true as gone from cardkeep.retired_slugs r
		where r.card_id = d.card_id and (r.user_id is null or exists (
			select from cardkeep.users u where u.id = r.user_id and u.closed_at is not null))
		limit 1) r on true
	left join lateral (
		select true as going from cardkeep.business_cards b
		join cardkeep.users u on u.id = b.user_id and u.closed_at is not null
		where b.id = d.card_id limit 1) b on true
	left join lateral (
		select true as pruned from cardkeep.pruned_histories p
		where p.kind = 'business_cards' and p.id = d.card_id and d.version < p.first limit 1) p on true
	where r.gone is null and b.going is null and p.pruned is null;
	if found then
		raise exception 'the history of a card is kept as long as its account: delete on %.%',
			tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
	end if;
	return null;
end
$$;
comment on function cardkeep.keep_card_history is 'Refuses to delete history of cards, deleted ones too, whose account is there and open, but what pruned_histories tells of, whoever asks. Locks nothing.';

create trigger keep_business_card_versions
	before update or truncate on cardkeep.business_card_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_business_card_versions_of_accounts
	after delete on cardkeep.business_card_versions referencing old table as deleted
	for each statement execute function cardkeep.keep_card_history();

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_history');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'profile_history') then
return;
end if;
execute $sql$
-- Deploy cardkeep:profile_history to pg
--
-- As the history of cards, but the fields are many, short and may be null, so what was before is
-- one document of the changed fields: an absent key stayed, a null one was empty.


set local role cardkeep_owner;

create table cardkeep.personal_info_versions (
	user_id uuid not null,
	version integer not null,
	session_id uuid,
	write_id uuid not null,
	at timestamptz not null,
	before jsonb not null,
	constraint personal_info_versions_pkey primary key (user_id, version)
);
comment on table cardkeep.personal_info_versions is 'Every version of every personal profile: who wrote it, when, and what was before';

create table cardkeep.professional_info_versions (like cardkeep.personal_info_versions including indexes);
comment on table cardkeep.professional_info_versions is 'Every version of every professional profile: who wrote it, when, and what was before';

create function cardkeep.keep_profile_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	perform from deleted d
	cross join lateral (
		select from cardkeep.users u where u.id = d.user_id and u.closed_at is null limit 1) u;
	if not found then
		return null;
	end if;
	perform from deleted d
	where not exists (select from cardkeep.pruned_histories p
		where p.kind || '_versions' = tg_table_name and p.id = d.user_id and d.version < p.first)
	and not exists (select from cardkeep.upgrade_changes c
		join cardkeep_api.profile_versions v on v.kind = c.kind and v.user_id = c.entity_id
			and v.version = d.version and v.write_id = d.write_id
		where c.kind || '_versions' = tg_table_name and c.field = 'user_id'
			and c.reason = 'adopted' and c.was = to_jsonb(d.user_id));
	if found then
		raise exception 'the history of a profile is kept as long as its account: delete on %.%',
			tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
	end if;
	return null;
end
$$;
comment on function cardkeep.keep_profile_history is 'Refuses to delete history of a profile whose account is there and open, whoever asks, but for what pruned_histories tells of, and for versions that stand under the account that adopted the profile. Locks nothing.';

create trigger keep_personal_info_versions
	before update or truncate on cardkeep.personal_info_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_personal_info_versions_of_accounts
	after delete on cardkeep.personal_info_versions referencing old table as deleted
	for each statement execute function cardkeep.keep_profile_history();
create trigger keep_professional_info_versions
	before update or truncate on cardkeep.professional_info_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_professional_info_versions_of_accounts
	after delete on cardkeep.professional_info_versions referencing old table as deleted
	for each statement execute function cardkeep.keep_profile_history();

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('profile_history');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'answers') then
return;
end if;
execute $sql$
-- Deploy cardkeep:answers to pg
--
-- Small functions in the SQL standard's form: their names are bound when they are made, so no
-- search path can turn them, and the planner puts them in place where they are used.


set local role cardkeep_owner;

create type cardkeep_api.answer as (
	status integer,
	version integer,
	replayed boolean,
	detail text,
	body text
);
comment on type cardkeep_api.answer is 'One call''s answer: status as HTTP''s (423: somebody holds it now, nothing was done), the entity''s version or 0, whether this is the first answer of a repeated write, a word for the handler, JSON';

create function cardkeep_api.reply(p_status integer, p_version integer default 0,
	p_body text default '', p_replayed boolean default false, p_detail text default '')
returns cardkeep_api.answer
language sql immutable parallel safe
return row (p_status, p_version, p_replayed, p_detail, p_body)::cardkeep_api.answer;
comment on function cardkeep_api.reply is 'An answer from the parts that it has. Locks nothing.';

create function cardkeep_api.await_standby() returns void
language plpgsql volatile
as $$
begin
	-- A message that nobody reads, but for which the commit has something to wait with: an id of a
	-- transaction, or a row that was only read, is not enough.
	if current_setting('synchronous_standby_names') <> '' then
		perform pg_logical_emit_message(true, 'cardkeep', '');
	end if;
end
$$;
comment on function cardkeep_api.await_standby is 'Makes this transaction''s commit wait for the synchronous standby as if it had written. Costs nothing where none is configured. Locks nothing.';

-- What an earlier transaction wrote may be here and not yet on the standby: a commit whose wait was
-- cancelled, or a crash, leaves it so. Who is told that it is done must not be told before it is there
-- as well, or a failover takes back what was acknowledged.
create function cardkeep_api.reply_kept(p_status integer, p_version integer default 0,
	p_body text default '', p_replayed boolean default true, p_detail text default '')
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	perform cardkeep_api.await_standby();
	return cardkeep_api.reply(p_status, p_version, p_body, p_replayed, p_detail);
end
$$;
comment on function cardkeep_api.reply_kept is 'The answer that something is done which an earlier transaction did: a repeat''s, or that nothing was left to change. Its commit waits as that one''s should have. Locks nothing.';

create function cardkeep_api.lock_key(p_kind text, p_value text) returns bigint
language sql immutable parallel safe
return hashtextextended(p_kind || ':' || p_value, 0);
comment on function cardkeep_api.lock_key is 'The advisory lock that stands for a thing which has no row yet: a slug, an address, a write id, a first profile. Two things may share a key: then one is busy for a moment. Locks nothing itself.';

create function cardkeep_api.stamp(p_at timestamptz) returns text
language sql stable parallel safe
return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
comment on function cardkeep_api.stamp is 'A time as RFC 3339 in UTC with all its microseconds, whatever the connection''s time zone. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('answers');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'writes') then
return;
end if;
execute $sql$
-- Deploy cardkeep:writes to pg
--
-- What was applied under an Idempotency-Key, so that its repeat gets the first answer. A row says
-- which write it was and what came of it, not what was answered: cards and profiles as of the
-- version that the write made are in history, and so is their answer.
--
-- The write id of a keyed write is made of the user and of all that the key is bound to (method,
-- path, query, If-Match, Prefer, body, and the key itself), which the service sends as one hash. So
-- it is the request's fingerprint too: the same key with the same write id is a repeat, with another
-- one it is another request. And it stays the name of the write when its key is swept: the late
-- repeat of a creation still finds its card, and another request under that key makes another card.
--
-- The user is no foreign key: the record of an account's deletion outlives the account. There is no
-- index by age: the sweep walks the table, block by block, which costs the writes nothing.


set local role cardkeep_owner;

create table cardkeep.writes (
	user_id uuid not null,
	key uuid not null,
	write_id uuid not null,
	at timestamptz not null default clock_timestamp(),
	version integer not null,
	status smallint not null,
	constraint writes_pkey primary key (user_id, key)
);
comment on table cardkeep.writes is 'What was applied under an Idempotency-Key, until the key is swept';
comment on column cardkeep.writes.user_id is 'Whose key it is';
comment on column cardkeep.writes.key is 'A hash of the key';
comment on column cardkeep.writes.write_id is 'The write, and the fingerprint of its request';
comment on column cardkeep.writes.version is 'The version that it made, or 0';
comment on column cardkeep.writes.status is 'What it was answered';

create function cardkeep_api.own_write(p_user uuid, p_request uuid) returns uuid
language sql immutable parallel safe
return encode(substr(sha256(uuid_send(p_user) || uuid_send(p_request)), 1, 16), 'hex')::uuid;
comment on function cardkeep_api.own_write is 'The write id of a keyed request: the same request of two users is two writes. Locks nothing.';

create function cardkeep_api.token_write(p_token_hash bytea, p_write uuid) returns uuid
language sql immutable parallel safe
return cardkeep_api.own_write(encode(substr(p_token_hash, 1, 16), 'hex')::uuid, p_write);
comment on function cardkeep_api.token_write is 'own_write for a request whose user will be gone. Locks nothing.';

create function cardkeep_api.try_key(p_user uuid, p_key uuid) returns boolean
language sql volatile
return pg_try_advisory_xact_lock(cardkeep_api.lock_key('key', p_user::text || p_key::text));
comment on function cardkeep_api.try_key is 'Whether the key is now ours, until the transaction ends. Tries its advisory lock, never waits. Locks are re-entrant: two requests of one key in one transaction must run one after the other, and the second then sees what the first recorded.';

create function cardkeep_api.sweep_writes(p_keep interval, p_from bigint)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c_blocks constant bigint := 4; -- looked at by one statement,
	c_reach constant bigint := 256; -- and by one call,
	c_rows constant bigint := 250; -- which ends early when it has deleted as many
	v_end bigint := pg_relation_size('cardkeep.writes') / current_setting('block_size')::bigint;
	v_old timestamptz := clock_timestamp() - p_keep;
	v_at bigint := p_from;
	v_deleted bigint := 0;
	v_count bigint;
begin
	while v_at < least(v_end, p_from + c_reach) and v_deleted < c_rows loop
		delete from cardkeep.writes w
		where w.ctid = any (array(
			select o.ctid from cardkeep.writes o
			where o.ctid >= format('(%s,0)', v_at)::tid
				and o.ctid < format('(%s,0)', v_at + c_blocks)::tid
				and o.at < v_old
			for update skip locked));
		get diagnostics v_count = row_count;
		v_deleted := v_deleted + v_count;
		v_at := v_at + c_blocks;
	end loop;
	if v_at >= v_end then
		delete from cardkeep.closed_accounts c
		where c.write_id = any (array(
			select o.write_id from cardkeep.closed_accounts o
			where o.at < v_old
			limit c_rows
			for update skip locked));
	end if;
	delete from cardkeep.ledger g
	where g.ctid = any (array(
		select o.ctid from cardkeep.ledger o
		where o.at < clock_timestamp() - interval '1 day'
		order by o.at limit c_rows * 4
		for update skip locked));
	return cardkeep_api.reply(200, v_deleted::integer, '', false,
		case when v_at < v_end then v_at::text else '' end);
end
$$;
comment on function cardkeep_api.sweep_writes is 'One small step of a walk through the table, from block p_from on: deletes what is older than p_keep, and at the end the records of deleted accounts too; and what is noted of quotas that are over. Version says how many rows went, detail where the next step goes on, empty at the end. Tries the rows (update, skip locked), never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('writes');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'beginnings') then
return;
end if;
execute $sql$
-- Deploy cardkeep:beginnings to pg
--
-- How every call begins, and how a write ends, once for all of them. Whose session it is comes before
-- anything else: until that is known no other argument is looked at, so that whoever has no session
-- costs an index look-up, whatever they send. scripts/check-sql holds every function that takes a token
-- to it.
--
-- A read begins with begin_read. A write begins with begin_write, which also takes the key and finds out
-- what became of the request before, and ends with end_write. A session that has ended since may still
-- ask how a write of its own came out, for that write was applied while it lived: so writes are told of
-- such a session, and that it is not live. begin_call tells no more than that, for calls that have to
-- look at their arguments before they write.
--
-- The planner puts these three in place where they are used, in a statement of the function's own: as
-- functions that are called they would cost a write without a key 5 us of some 100. That is why they
-- call themselves stable, and why what only keys need are functions apart, which are called.


set local role cardkeep_owner;

create function cardkeep_api.is_live(s cardkeep.sessions) returns boolean
language sql volatile
return s.ended_at is null
	and least(s.expires_at, s.last_seen_at + s.idle_limit) > clock_timestamp();
comment on function cardkeep_api.is_live is 'Whether a session may still act: neither ended, nor expired, nor unused for too long. Locks nothing.';

create type cardkeep_api.caller as (
	session_id uuid,
	user_id uuid,
	live boolean
);
comment on type cardkeep_api.caller is 'Whose a token is: the session, its user, and whether it may still act';

create function cardkeep_api.begin_call(p_token_hash bytea) returns setof cardkeep_api.caller
language sql stable rows 1
begin atomic
	select s.id, s.user_id, cardkeep_api.is_live(s) from cardkeep.sessions s
	where s.token_hash = p_token_hash;
end;
comment on function cardkeep_api.begin_call is 'Whose the token is, also where its session is over; no row where nobody ever had it. Locks nothing.';

create function cardkeep_api.begin_read(p_token_hash bytea)
returns table (session_id uuid, user_id uuid)
language sql stable rows 1
begin atomic
	select s.id, s.user_id from cardkeep.sessions s
	where s.token_hash = p_token_hash and cardkeep_api.is_live(s);
end;
comment on function cardkeep_api.begin_read is 'The beginning of every read: the session that may act with the token, and its user; no row where there is none. Locks nothing.';

create type cardkeep_api.write as (
	user_id uuid,
	session_id uuid,
	id uuid,
	key uuid,
	live boolean,
	told cardkeep_api.answer
);
comment on type cardkeep_api.write is 'A write that has begun: whose it is, the session it came by, its write id, the key that it holds or null, whether the session may still act, and what it is to be told (all null: nothing yet)';

create function cardkeep_api.claim_key(p_user uuid, p_key uuid, p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	w cardkeep.writes;
begin
	if not cardkeep_api.try_key(p_user, p_key) then
		return cardkeep_api.reply(423, 0, '', false, 'key_busy');
	end if;
	select t.* into w from cardkeep.writes t where t.user_id = p_user and t.key = p_key;
	if not found then
		return null;
	end if;
	if w.write_id <> p_write then
		return cardkeep_api.reply(422, 0, '', false, 'key_reused');
	end if;
	return cardkeep_api.reply_kept(w.status, w.version);
end
$$;
comment on function cardkeep_api.claim_key is 'What a request finds under its key: null where it is the first; the status and version of its first answer (replayed); 422 key_reused where the key was spent on another request; 423 key_busy where somebody holds it. Tries the key''s advisory lock, then looks in a later statement; never waits.';

create function cardkeep_api.keyed_write(p_token_hash bytea, p_user uuid, p_write uuid,
	p_by_token boolean)
returns uuid
language plpgsql immutable parallel safe
as $$
begin
	if p_by_token then
		return cardkeep_api.token_write(p_token_hash, p_write);
	end if;
	return cardkeep_api.own_write(p_user, p_write);
end
$$;
comment on function cardkeep_api.keyed_write is 'The write id of a request with a key: the user''s own or, where the user will be gone, the token''s. Locks nothing.';

create function cardkeep_api.find_keyed(c cardkeep_api.caller, p_write uuid, p_key uuid,
	p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	-- A session that is over learns nothing, but how the request went that ended it.
	if not c.live and not exists (
		select from cardkeep.sessions s where s.id = c.session_id and s.ended_by = p_write)
	then
		return cardkeep_api.reply(401);
	end if;
	a := cardkeep_api.claim_key(c.user_id, p_key, p_write);
	if a.status = 422 and p_card is not null and not exists (
		select from cardkeep.business_cards b where b.id = p_card and b.user_id = c.user_id)
	then
		return cardkeep_api.reply(404);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.find_keyed is 'What a request with a key is told before anything is done: what claim_key found; 401 by a session that is over, unless this very write ended it; 404 for a spent key where the request names a card that is not the caller''s. Locks as claim_key.';

create function cardkeep_api.begin_write(p_token_hash bytea, p_write uuid, p_key uuid,
	p_card uuid default null, p_by_token boolean default false)
returns setof cardkeep_api.write
language sql stable rows 1
begin atomic
	select s.user_id, s.id, case when p_key is null then p_write
			else cardkeep_api.keyed_write(p_token_hash, s.user_id, p_write, p_by_token) end,
		p_key, cardkeep_api.is_live(s), case when p_key is not null then cardkeep_api.find_keyed(
			(s.id, s.user_id, cardkeep_api.is_live(s)),
			cardkeep_api.keyed_write(p_token_hash, s.user_id, p_write, p_by_token), p_key, p_card) end
	from cardkeep.sessions s
	where s.token_hash = p_token_hash;
end;
comment on function cardkeep_api.begin_write is 'The beginning of every write: the session that the token is or was of, its user, the write id and, where there is a key, what the request is told before anything is done (see find_keyed); no row where nobody ever had the token. Tries the key''s advisory lock, never waits.';

create function cardkeep_api.keep_key(w cardkeep_api.write, a cardkeep_api.answer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if a.status < 300 and not a.replayed and a.detail <> 'unchanged' then
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		values (w.user_id, w.key, w.id, a.version, a.status);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.keep_key is 'Records what a keyed request came to, where it was applied just now, and passes the answer on. The caller holds the key.';

create function cardkeep_api.end_write(w cardkeep_api.write, a cardkeep_api.answer)
returns cardkeep_api.answer
language sql volatile
return case when w.key is null then a else cardkeep_api.keep_key(w, a) end;
comment on function cardkeep_api.end_write is 'The end of every write: its answer, which is recorded under the key where there is one (see keep_key). The caller holds the key.';

create function cardkeep_api.or_unknown(a cardkeep_api.answer) returns cardkeep_api.answer
language sql immutable parallel safe
return case when a.status is null then cardkeep_api.reply(401) else a end;
comment on function cardkeep_api.or_unknown is 'The end of a write by a session that is over, or by none: the first answer where one was found, else 401. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('beginnings');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'slugs') then
return;
end if;
execute $sql$
-- Deploy cardkeep:slugs to pg
--
-- A slug has no row until its card is inserted, so an advisory lock stands for it: who tries a
-- candidate takes its lock first, without waiting, and looks in a later statement, whose snapshot
-- sees what the lock guarded. Deleting a card takes the same lock. Candidates that are locked are
-- taken, as far as anybody else can tell.


set local role cardkeep_owner;

create function cardkeep_api.slugify(p_text text) returns text
language sql immutable parallel safe
return case
	-- What the service sends is one already.
	when octet_length(p_text) <= 80 and p_text ~ '^[a-z0-9]+(-[a-z0-9]+)*$' then p_text
	-- Bounded before it is normalised, which takes time by the square of a run of marks: 400 take 4 ms.
	else coalesce(nullif(rtrim(left(btrim(regexp_replace(
	lower((regexp_replace(normalize(
		replace(replace(replace(replace(replace(replace(replace(replace(
			-- Those without a letter to stand for them, at the end, are silent.
			translate(coalesce(left(p_text, 400), ''), 'ŁłØøĐđÐðıĦħŦŧĿŀŊŋĸƏəƎǝƐɛƆɔ''’ʻʼʾʿ',
				'LlOoDdDdiHhTtLlNnkEeEeEeOo'),
			'ß', 'ss'), 'ẞ', 'SS'), 'Æ', 'AE'), 'æ', 'ae'), 'Œ', 'OE'), 'œ', 'oe'), 'Þ', 'TH'), 'þ', 'th'),
		nfkd), '[\u0300-\u036f]', '', 'g')) collate "C"),
	'[^a-z0-9]+', '-', 'g'), '-'), 80), '-'), ''), 'card')
end;
comment on function cardkeep_api.slugify is 'SQL''s own slug rule, for callers that come without the service''s transliteration: Latin letters lose their marks, apostrophes vanish, anything else but a-z and 0-9 becomes one dash, at most 80 characters of the first 400, "card" where nothing is left. A slug stays as it is. Locks nothing.';

create function cardkeep_api.slug_candidate(p_base text, p_attempt integer) returns text
language plpgsql volatile
as $$
declare
	c_letters constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
	v_slug text := p_base;
begin
	if p_attempt > 1 then
		v_slug := v_slug || '-';
		for i in 1..6 loop
			v_slug := v_slug || substr(c_letters, 1 + floor(random() * 36)::integer, 1);
		end loop;
	end if;
	return v_slug;
end
$$;
comment on function cardkeep_api.slug_candidate is 'The bare slug at the first attempt, then the slug with six random characters. Locks nothing.';

create function cardkeep_api.slug_held_here(p_slug text) returns boolean
language plpgsql volatile
as $$
declare
	v_key bigint := cardkeep_api.lock_key('slug', p_slug);
begin
	return exists (
		select from pg_locks l
		where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.granted and l.objsubid = 1
			and l.database = (select d.oid from pg_database d where d.datname = current_database())
			and ((l.classid::bigint << 32) | l.objid::bigint) = v_key);
end
$$;
comment on function cardkeep_api.slug_held_here is 'Whether this transaction has reserved the slug already: advisory locks are re-entrant, so trying would not tell. Reads the lock table, so it is kept off the service''s path. Locks nothing.';

create function cardkeep.generate_unique_slug(base_slug text, max_attempts integer default 10)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_base text := cardkeep_api.slugify(base_slug);
	v_slug text;
begin
	if max_attempts is null or max_attempts < 1 then
		raise exception 'max_attempts must be at least 1'
			using errcode = 'invalid_parameter_value';
	end if;
	for v_attempt in 1..max_attempts loop
		v_slug := cardkeep_api.slug_candidate(v_base, v_attempt);
		if not cardkeep_api.slug_held_here(v_slug)
			and pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', v_slug))
		then
			perform from cardkeep.business_cards b where b.slug = v_slug
			union all
			select from cardkeep.retired_slugs r where r.slug = v_slug;
			if not found then
				return v_slug;
			end if;
		end if;
	end loop;
	raise exception 'no free slug for "%" in % attempts', v_base, max_attempts
		using errcode = 'unique_violation',
			hint = 'Call again with more attempts, or with another base_slug.';
end
$$;
comment on function cardkeep.generate_unique_slug is 'A slug that no card has or ever had and that no other transaction holds: the base made a slug, else that with six random characters. It stays reserved until this transaction ends, and a second call in it gives another one. Raises 23505 after max_attempts, 22023 where max_attempts is not at least 1. Takes the advisory lock of each candidate, never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('slugs');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'quotas') then
return;
end if;
execute $sql$
-- Deploy cardkeep:quotas to pg
--
-- What one account may take of the database: cards, bytes of documents, bytes of history a day,
-- creations an hour. Operators change the figures in cardkeep.limits, at any time, and they hold from
-- then on; 0 is no limit.
--
-- A quota must not cost the writes that it guards. A count for each account would be a row that all
-- its writers wait for, and counting costs more the more there is. So a write only looks whether the
-- account is known to have too much (over_quota, nearly always empty), and then draws lots: with a
-- chance in proportion to its own size it notes in the ledger, where rows are added and never changed,
-- as much as those that drew a blank may be expected to have taken. Only who notes something also adds
-- up. So what is spent is known to some ten percent, at a hundred notes for a limit and more. In its
-- single form a call first draws against a gate that needs no look at the limits: one in 60 creations,
-- and a change by its bytes of 64 KiB. That is less often than small limits would have it, which so may
-- be overstepped by some tens of creations.
--
-- How many cards there are, and how large, is not noted but looked at, as rarely. Bytes are those that
-- documents take in the tables, compressed.


set local role cardkeep_owner;

create table cardkeep.limits (
	one boolean primary key default true,
	cards integer not null default 10000,
	creations_an_hour integer not null default 20000,
	document_bytes bigint not null default 1073741824,
	history_bytes_a_day bigint not null default 2147483648,
	card_share double precision generated always as (
		case when cards = 0 then 0 when cards <= 1000 then 1 else 32.0 / cards end) stored,
	creation_share double precision generated always as (
		case when creations_an_hour = 0 then 0 else least(1, 100.0 / creations_an_hour) end) stored,
	document_share double precision generated always as (
		case when document_bytes = 0 then 0 else 250.0 / document_bytes end) stored,
	history_share double precision generated always as (
		case when history_bytes_a_day = 0 then 0 else 500.0 / history_bytes_a_day end) stored,
	constraint limits_one check (one),
	constraint limits_valid check (
		least(cards, creations_an_hour, document_bytes, history_bytes_a_day) >= 0)
);
insert into cardkeep.limits default values;
comment on table cardkeep.limits is 'What one account may have and do, in one row for operators to change; 0: no limit';
comment on column cardkeep.limits.document_bytes is 'Of all documents of its cards as they are now';
comment on column cardkeep.limits.history_bytes_a_day is 'What its changes leave behind in history within 24 hours';
comment on column cardkeep.limits.card_share is 'The chance of a creation to count the cards; the other shares likewise, those of bytes for each byte';

create table cardkeep.ledger (
	user_id uuid not null,
	kind text not null,
	at timestamptz not null default clock_timestamp(),
	amount bigint not null,
	constraint ledger_kind_valid check (kind in ('creations', 'history'))
);
create index ledger_user on cardkeep.ledger (user_id, kind, at);
create index ledger_old on cardkeep.ledger (at);
comment on table cardkeep.ledger is 'What accounts took, noted by lot; rows older than a day mean nothing any more';

create table cardkeep.over_quota (
	user_id uuid not null,
	kind text not null,
	until timestamptz not null,
	constraint over_quota_pkey primary key (user_id, kind),
	constraint over_quota_kind_valid check (kind in ('cards', 'creations', 'documents', 'history'))
);
comment on table cardkeep.over_quota is 'Accounts that have too much of something: what it is, and when to look again';

create function cardkeep_api.quota_window(p_kind text) returns interval
language sql immutable parallel safe
return case p_kind when 'creations' then interval '1 hour' when 'history' then interval '1 day' end;
comment on function cardkeep_api.quota_window is 'How far back the ledger counts; null where it does not. Locks nothing.';

create function cardkeep_api.quota_limit(p_kind text) returns bigint
language sql stable
begin atomic
	select nullif(case p_kind when 'cards' then l.cards when 'creations' then l.creations_an_hour
		when 'documents' then l.document_bytes else l.history_bytes_a_day end, 0)
	from cardkeep.limits l where l.one;
end;
comment on function cardkeep_api.quota_limit is 'The limit of a kind; null where there is none. Locks nothing.';

create function cardkeep_api.quota_used(p_user uuid, p_kind text) returns bigint
language plpgsql stable
as $$
begin
	-- Branches rather than one expression, of which all parts would be made ready each time.
	if p_kind = 'cards' then
		return (select count(*) from (
			select from cardkeep.business_cards b where b.user_id = p_user
			limit cardkeep_api.quota_limit('cards')) c);
	elsif p_kind = 'documents' then
		return (select coalesce(sum(pg_column_size(c.fields_config)
				+ pg_column_size(c.design_config)), 0) from (
			select b.fields_config, b.design_config from cardkeep.business_cards b
			where b.user_id = p_user limit 20000) c);
	end if;
	return (select coalesce(sum(g.amount), 0) from cardkeep.ledger g
		where g.user_id = p_user and g.kind = p_kind
			and g.at > clock_timestamp() - cardkeep_api.quota_window(p_kind));
end
$$;
comment on function cardkeep_api.quota_used is 'How much an account has, or took lately; reads as many cards as may be, or the notes. Locks nothing.';

create function cardkeep_api.quota_free_at(p_user uuid, p_kind text) returns timestamptz
language sql volatile
return greatest(clock_timestamp() + interval '5 seconds', (
	select min(g.at) + cardkeep_api.quota_window(p_kind) from cardkeep.ledger g
	where g.user_id = p_user and g.kind = p_kind
		and g.at > clock_timestamp() - cardkeep_api.quota_window(p_kind)));
comment on function cardkeep_api.quota_free_at is 'When it is worth while to look again: once the oldest note is out of the window, in some seconds for what is deleted. Locks nothing.';

create function cardkeep_api.judge_quota(p_user uuid, p_kind text) returns void
language plpgsql volatile
as $$
begin
	-- Whoever else judges it now will come to the same.
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('quota', p_user::text || p_kind)) then
		return;
	end if;
	if cardkeep_api.quota_used(p_user, p_kind) >= cardkeep_api.quota_limit(p_kind) then
		insert into cardkeep.over_quota as o (user_id, kind, until)
		values (p_user, p_kind, cardkeep_api.quota_free_at(p_user, p_kind))
		on conflict (user_id, kind) do update set until = excluded.until;
	else
		delete from cardkeep.over_quota o where o.user_id = p_user and o.kind = p_kind;
	end if;
end
$$;
comment on function cardkeep_api.judge_quota is 'Finds out whether an account has too much of a kind, and keeps that. Tries the advisory lock of account and kind, under which alone the row is written; never waits.';

create function cardkeep_api.note_use(p_user uuid, p_kind text, p_amount bigint) returns void
language plpgsql volatile
as $$
begin
	insert into cardkeep.ledger (user_id, kind, amount) values (p_user, p_kind, p_amount);
	perform cardkeep_api.judge_quota(p_user, p_kind);
end
$$;
comment on function cardkeep_api.note_use is 'Notes what an account took, and finds out whether that is too much. Locks as judge_quota.';

create function cardkeep_api.note_creation(p_user uuid, p_lot double precision, p_bytes integer,
	p_gate double precision default 1)
returns void
language plpgsql volatile
as $$
declare
	l cardkeep.limits;
begin
	select t.* into l from cardkeep.limits t where t.one;
	if p_lot < l.creation_share then
		perform cardkeep_api.note_use(p_user, 'creations',
			round(1 / least(l.creation_share, p_gate))::bigint);
	end if;
	if p_lot < l.card_share then
		perform cardkeep_api.judge_quota(p_user, 'cards');
	end if;
	if p_lot < l.document_share * p_bytes then
		perform cardkeep_api.judge_quota(p_user, 'documents');
	end if;
end
$$;
comment on function cardkeep_api.note_creation is 'What a creation that has drawn this lot (0 to 1) has to note, with the bytes of its documents; only lots below the gate come here. Locks as judge_quota.';

create function cardkeep_api.note_change(p_user uuid, p_lot double precision, p_left integer,
	p_bytes integer, p_gate double precision default 1)
returns void
language plpgsql volatile
as $$
declare
	l cardkeep.limits;
begin
	select t.* into l from cardkeep.limits t where t.one;
	if p_lot < l.history_share * p_left then
		perform cardkeep_api.note_use(p_user, 'history',
			round(p_left / least(l.history_share * p_left, p_gate, 1))::bigint);
	end if;
	if p_lot < l.document_share * p_bytes then
		perform cardkeep_api.judge_quota(p_user, 'documents');
	end if;
end
$$;
comment on function cardkeep_api.note_change is 'As note_creation, for a change that left so many bytes in history and made documents of so many. Locks as judge_quota.';

create function cardkeep_api.history_bytes(p_content integer) returns integer
language sql immutable parallel safe
return 200 + p_content;
comment on function cardkeep_api.history_bytes is 'What a row of history takes with so many bytes of documents, or of a profile''s fields. Locks nothing.';

create function cardkeep_api.note_history(p_user uuid, p_lot double precision, p_content integer)
returns void
language plpgsql volatile
as $$
declare
	v_left integer := cardkeep_api.history_bytes(p_content);
	v_gate double precision := v_left / 65536::double precision;
begin
	if p_lot < v_gate then
		perform cardkeep_api.note_change(p_user, p_lot, v_left, 0, v_gate);
	end if;
end
$$;
comment on function cardkeep_api.note_history is 'As note_change, for what leaves a row of history with so many bytes of content and makes no documents. Locks as judge_quota.';

create function cardkeep_api.quota_told(p_kind text, p_until timestamptz)
returns cardkeep_api.answer
language sql volatile
return cardkeep_api.reply(case when cardkeep_api.quota_window(p_kind) is null then 422 else 429 end,
	case when cardkeep_api.quota_window(p_kind) is not null then
		greatest(1, ceil(extract(epoch from p_until - clock_timestamp())))::integer else 0 end,
	case p_kind when 'cards' then format('an account has at most %s cards', cardkeep_api.quota_limit(p_kind))
		when 'documents' then format('the documents of an account''s cards take at most %s bytes',
			cardkeep_api.quota_limit(p_kind))
		when 'creations' then format('an account creates at most %s cards an hour',
			cardkeep_api.quota_limit(p_kind))
		else format('the changes of an account leave at most %s bytes of history in 24 hours',
			cardkeep_api.quota_limit(p_kind)) end, false, 'quota');
comment on function cardkeep_api.quota_told is 'The refusal of what would be too much, whose body names the limit: 429, with the seconds after which it may go as version, where time helps, else 422. Locks nothing.';

create function cardkeep_api.quota_refusal(p_user uuid, p_kinds text[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	o cardkeep.over_quota;
begin
	for o in select q.* from cardkeep.over_quota q where q.user_id = p_user and q.kind = any (p_kinds) loop
		if o.until <= clock_timestamp() then
			perform cardkeep_api.judge_quota(p_user, o.kind);
			select q.until into o.until from cardkeep.over_quota q
			where q.user_id = p_user and q.kind = o.kind;
		end if;
		if o.until > clock_timestamp() then
			return cardkeep_api.quota_told(o.kind, o.until);
		end if;
	end loop;
	return null;
end
$$;
comment on function cardkeep_api.quota_refusal is 'What an account that was found over a quota is told when it wants more of these kinds; null where that is over now. Looks again when it is time to. Locks as judge_quota.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('quotas');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'conflicts') then
return;
end if;
execute $sql$
-- Deploy cardkeep:conflicts to pg
--
-- Conflicts are told field by field: the top-level keys of a card's two documents are fields of their
-- own, `fields_config.KEY` and `design_config.KEY`.


set local role cardkeep_owner;

create function cardkeep_api.reach() returns integer
language sql immutable parallel safe
return 1000;
comment on function cardkeep_api.reach is 'How many versions back a conflict or a merge looks for its base. Locks nothing.';

create function cardkeep_api.conflict_text(p_field text, p_base jsonb, p_mine jsonb, p_theirs jsonb)
returns text
language sql stable parallel safe
return format('{"field":%s,%s"mine":%s,"theirs":%s}', to_json(p_field), '"base":' || p_base::text || ',',
	p_mine, p_theirs);
comment on function cardkeep_api.conflict_text is 'A field in conflict as clients read it; without a base where that is null. Locks nothing.';

create function cardkeep_api.field_conflict(p_field text, p_base jsonb, p_mine jsonb, p_theirs jsonb)
returns text
language sql stable parallel safe
return case when p_mine is not null and p_theirs <> coalesce(p_base, p_mine)
	then cardkeep_api.conflict_text(p_field, p_base, p_mine, p_theirs) end;
comment on function cardkeep_api.field_conflict is 'One field of a request that others changed since the base, as clients read it; null where nobody did, or the request leaves it out. Without a base (null), one that differs. Locks nothing.';

create function cardkeep_api.conflicts(p_prefix text, p_whole boolean, p_base jsonb, p_mine jsonb,
	p_theirs jsonb)
returns text
language plpgsql stable parallel safe
as $$
declare
	c_most constant integer := 100; -- keys that are told of
	-- Each side in one piece: of a stored one every look at a key would fetch and unpack it anew, in
	-- all plans that do not know the arguments.
	v_base jsonb := p_base || '{}';
	v_mine jsonb := p_mine || '{}';
	v_theirs jsonb := p_theirs || '{}';
	v_before jsonb := coalesce(v_base, v_mine);
begin
	if v_mine is null or v_theirs = v_before then
		return null;
	end if;
	return (
		select string_agg(case when f.place <= c_most then cardkeep_api.conflict_text(p_prefix || f.key,
				case when v_base is not null then coalesce(v_base -> f.key, 'null') end,
				coalesce(v_mine -> f.key, 'null'), coalesce(v_theirs -> f.key, 'null')) end,
				',' order by f.place)
			|| case when count(*) > c_most then format(',{"field":%s,"more":%s}',
				to_json(rtrim(p_prefix, '.')), count(*) - c_most) else '' end
		from (
			select k.key, row_number() over (order by k.key) as place
			from jsonb_object_keys(
				case when p_whole then coalesce(v_base, '{}') || v_mine || v_theirs else v_mine end) k(key)
			where case when p_whole then v_theirs -> k.key is distinct from v_before -> k.key
				else coalesce(v_theirs -> k.key, 'null') <> coalesce(v_before -> k.key, 'null')
				end) f);
end
$$;
comment on function cardkeep_api.conflicts is 'As field_conflict, of each key that the request holds and, where it replaces the whole document, each of the base and of what is there now, as it would be gone; separated by commas; null where there is none. A key that a side lacks is shown as null; only in a whole document is it something else than null. Of more than 100 keys the first are told, and then, with the document as the field, how many more there are. Fetches each side once, however many keys it has. Locks nothing.';

create function cardkeep_api.conflict(p_version integer, p_current text, p_conflicts text)
returns cardkeep_api.answer
language sql stable parallel safe
return cardkeep_api.reply(409, p_version, format(
	'{"currentVersion":%s,"current":%s,"conflictingFields":[%s]}', p_version, p_current, p_conflicts));
comment on function cardkeep_api.conflict is 'The refusal of a write that expected an older version: what is there now, and what conflicts (null: nothing). Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('conflicts');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_images') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_images to pg
--
-- What a card's own fields are. What a request makes of them travels as one value, a card_change, and
-- what they were as a row of history; what either does to each field is said here for all that changes,
-- keeps and tells cards. Besides, the tables name the fields, the set-wise forms (card_sets), and what is
-- promised by name: functions, the rows of REST clients, the views in the place of older tables.
--
-- What a card was at a version is rebuilt from what was before the later changes: a field's value
-- then is the oldest image of it after that version, or what the card holds now. Each field asks
-- for its own oldest image, so that large documents are never gathered up.


set local role cardkeep_owner;

-- What a client sees, in the order in which it sees it. A row becomes JSON without blanks.
create type cardkeep_api.card_view as (
	id uuid,
	user_id uuid,
	name text,
	slug text,
	template_type text,
	fields_config jsonb,
	design_config jsonb,
	is_public boolean,
	version integer,
	created_at text,
	updated_at text
);
comment on type cardkeep_api.card_view is 'A card as clients see it';

create type cardkeep_api.card_change as (
	name text,
	template_type text,
	fields_config jsonb,
	design_config jsonb,
	is_public boolean
);
comment on type cardkeep_api.card_change is 'What a request makes of a card''s own fields: what it leaves out is null, and stays';

create function cardkeep_api.change_of(p_name text default null, p_template text default null,
	p_fields jsonb default null, p_design jsonb default null, p_public boolean default null)
returns cardkeep_api.card_change
language sql immutable parallel safe
return row(p_name, p_template, p_fields, p_design, p_public)::cardkeep_api.card_change;
comment on function cardkeep_api.change_of is 'A change of the fields that are given. Locks nothing.';

create function cardkeep_api.content(c cardkeep.business_cards) returns cardkeep_api.card_change
language sql immutable parallel safe
return row(c.name, c.template_type, c.fields_config, c.design_config, c.is_public);
comment on function cardkeep_api.content is 'The request that would make a card what this one is. Locks nothing.';

create function cardkeep_api.card_json(c cardkeep.business_cards) returns text
language sql stable parallel safe
return row_to_json(row(c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config,
	c.design_config, c.is_public, c.version, cardkeep_api.stamp(c.created_at),
	cardkeep_api.stamp(c.updated_at))::cardkeep_api.card_view)::text;
comment on function cardkeep_api.card_json is 'A card as clients see it. Locks nothing.';

create function cardkeep_api.written_alike(p_document jsonb, p_other jsonb) returns boolean
language sql immutable parallel safe
return p_document = p_other and p_document::text = p_other::text;
comment on function cardkeep_api.written_alike is 'Whether two documents are the same to the digit: 1.5 equals 1.50, and is written otherwise. Prints nothing where they differ by value. Locks nothing.';

create function cardkeep_api.image(p_before jsonb, p_after jsonb) returns jsonb
language sql immutable parallel safe
return case when not cardkeep_api.written_alike(p_before, p_after) then p_before end;
comment on function cardkeep_api.image is 'What history keeps of a document that a change may have changed: what was before, null where it stayed as it was written. Locks nothing.';

create function cardkeep_api.card_same(c cardkeep.business_cards, m cardkeep_api.card_change)
returns boolean
language sql immutable parallel safe
return coalesce(c.name = m.name, true) and coalesce(c.template_type = m.template_type, true)
	and coalesce(c.is_public = m.is_public, true)
	and coalesce(cardkeep_api.written_alike(c.fields_config, m.fields_config), true)
	and coalesce(cardkeep_api.written_alike(c.design_config, m.design_config), true);
comment on function cardkeep_api.card_same is 'Whether a request would change nothing, no digit of a number either. Locks nothing.';

create function cardkeep_api.new_card(p_user uuid, p_write uuid, p_slug text,
	m cardkeep_api.card_change, p_now timestamptz)
returns cardkeep.business_cards
language sql immutable parallel safe
return row(p_write, p_user, m.name, p_slug, coalesce(m.template_type, 'personal-small'),
	coalesce(m.fields_config, '{}'), coalesce(m.design_config, '{}'), coalesce(m.is_public, true), 1,
	p_write, p_now, p_now)::cardkeep.business_cards;
comment on function cardkeep_api.new_card is 'The card that a creation makes; what its request leaves out has its default. Locks nothing.';

create function cardkeep_api.change_card(p_card uuid, p_write uuid, m cardkeep_api.card_change)
returns cardkeep.business_cards
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
begin
	update cardkeep.business_cards b
	set name = coalesce(m.name, b.name), template_type = coalesce(m.template_type, b.template_type),
		fields_config = coalesce(m.fields_config, b.fields_config),
		design_config = coalesce(m.design_config, b.design_config),
		is_public = coalesce(m.is_public, b.is_public), version = b.version + 1, last_write = p_write,
		updated_at = greatest(clock_timestamp(), b.updated_at)
	where b.id = p_card
	returning b.* into c;
	return c;
end
$$;
comment on function cardkeep_api.change_card is 'The next version of a card; what the request leaves out (null) stays. The caller has locked the card''s row, and writes its history.';

create function cardkeep_api.card_image(o cardkeep.business_cards, n cardkeep.business_cards,
	m cardkeep_api.card_change, p_session uuid)
returns cardkeep.business_card_versions
language sql immutable parallel safe
return row(n.id, n.version, p_session, n.last_write, n.updated_at, false, nullif(o.name, n.name),
	nullif(o.slug, n.slug), nullif(o.template_type, n.template_type),
	case when m.fields_config is not null then cardkeep_api.image(o.fields_config, m.fields_config) end,
	case when m.design_config is not null then cardkeep_api.image(o.design_config, m.design_config) end,
	nullif(o.is_public, n.is_public))::cardkeep.business_card_versions;
comment on function cardkeep_api.card_image is 'The row of history of a change that made n of o; of documents that its request left out (null) nothing is looked at. Locks nothing.';

create function cardkeep_api.last_image(c cardkeep.business_cards, p_session uuid, p_write uuid)
returns cardkeep.business_card_versions
language sql volatile
return row(c.id, c.version + 1, p_session, p_write, greatest(clock_timestamp(), c.updated_at), true,
	c.name, c.slug, c.template_type, c.fields_config, c.design_config,
	c.is_public)::cardkeep.business_card_versions;
comment on function cardkeep_api.last_image is 'The row of history of a card''s deletion, which holds all of it. Locks nothing.';

create function cardkeep_api.card_before(p_card uuid, p_version integer,
	p_name boolean default true, p_slug boolean default true, p_template boolean default true,
	p_fields boolean default true, p_design boolean default true, p_public boolean default true)
returns cardkeep.business_card_versions
language plpgsql stable
as $$
declare
	v cardkeep.business_card_versions;
begin
	-- One statement for each: a single one would set up all its scans, wanted or not.
	if p_name then
		v.b_name := (select h.b_name from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_name is not null
			order by h.version limit 1);
	end if;
	if p_slug then
		v.b_slug := (select h.b_slug from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_slug is not null
			order by h.version limit 1);
	end if;
	if p_template then
		v.b_template_type := (select h.b_template_type from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_template_type is not null
			order by h.version limit 1);
	end if;
	if p_fields then
		v.b_fields_config := (select h.b_fields_config from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_fields_config is not null
			order by h.version limit 1);
	end if;
	if p_design then
		v.b_design_config := (select h.b_design_config from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_design_config is not null
			order by h.version limit 1);
	end if;
	if p_public then
		v.b_is_public := (select h.b_is_public from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_is_public is not null
			order by h.version limit 1);
	end if;
	return v;
end
$$;
comment on function cardkeep_api.card_before is 'The oldest image of each wanted field after a version; null for a field that nobody changed since. Reads all later versions where a field never changed, so callers bound how far back they ask. Locks nothing.';

create function cardkeep_api.card_with(c cardkeep.business_cards,
	v cardkeep.business_card_versions)
returns cardkeep.business_cards
language plpgsql immutable parallel safe
as $$
begin
	c.name := coalesce(v.b_name, c.name);
	c.slug := coalesce(v.b_slug, c.slug);
	c.template_type := coalesce(v.b_template_type, c.template_type);
	c.fields_config := coalesce(v.b_fields_config, c.fields_config);
	c.design_config := coalesce(v.b_design_config, c.design_config);
	c.is_public := coalesce(v.b_is_public, c.is_public);
	return c;
end
$$;
comment on function cardkeep_api.card_with is 'A card with the images of an earlier version in it. Locks nothing.';

create function cardkeep_api.card_at(p_card uuid, p_version integer)
returns cardkeep.business_cards
language plpgsql stable
as $$
declare
	c cardkeep.business_cards;
	v cardkeep.business_card_versions := cardkeep_api.card_before(p_card, p_version);
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card;
	if not found then
		c.id := p_card;
		c.user_id := (select r.user_id from cardkeep.retired_slugs r where r.card_id = p_card);
		c.created_at := coalesce((select p.began_at from cardkeep.pruned_histories p
			where p.kind = 'business_cards' and p.id = p_card),
			(select h.at from cardkeep.business_card_versions h
			where h.card_id = p_card order by h.version limit 1));
	end if;
	c := cardkeep_api.card_with(c, v);
	c.version := p_version;
	c.updated_at := (select h.at from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version = p_version);
	return c;
end
$$;
comment on function cardkeep_api.card_at is 'A card as it was at a version that history holds, also after its deletion. Locks nothing.';

create function cardkeep_api.card_content(c cardkeep.business_cards) returns jsonb
language sql immutable parallel safe
return jsonb_build_object('name', c.name, 'slug', c.slug, 'template_type', c.template_type,
	'fields_config', c.fields_config, 'design_config', c.design_config, 'is_public', c.is_public);
comment on function cardkeep_api.card_content is 'The fields of a card that history knows, as one document. Locks nothing.';

create function cardkeep_api.card_version_before(h cardkeep.business_card_versions) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	return coalesce((select jsonb_object_agg(f.name, f.value)
		from (values ('name', to_jsonb(h.b_name)), ('slug', to_jsonb(h.b_slug)),
			('template_type', to_jsonb(h.b_template_type)), ('fields_config', h.b_fields_config),
			('design_config', h.b_design_config), ('is_public', to_jsonb(h.b_is_public)))
			f(name, value)
		where f.value is not null or h.version = 1), '{}');
end
$$;
comment on function cardkeep_api.card_version_before is 'What the fields that a version changed were before; version 1 made them all, from null. Locks nothing.';

create function cardkeep_api.card_images_after(p_card uuid, p_oldest integer, p_newest integer)
returns cardkeep.business_card_versions
language plpgsql stable
as $$
declare
	v cardkeep.business_card_versions;
begin
	select b.* into v
	from (
		select bool_or(h.b_name is not null or h.version = 1) as name,
			bool_or(h.b_slug is not null or h.version = 1) as slug,
			bool_or(h.b_template_type is not null or h.version = 1) as template,
			bool_or(h.b_fields_config is not null or h.version = 1) as fields,
			bool_or(h.b_design_config is not null or h.version = 1) as design,
			bool_or(h.b_is_public is not null or h.version = 1) as public
		from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version between p_oldest and p_newest) w
	cross join lateral cardkeep_api.card_before(p_card, p_newest, w.name, w.slug, w.template,
		w.fields, w.design, w.public) b;
	return v;
end
$$;
comment on function cardkeep_api.card_images_after is 'The oldest image after p_newest of each field that p_oldest to p_newest changed. Reads later versions up to the next change of each. Locks nothing.';

create function cardkeep_api.card_replay(p_card uuid, p_user uuid, p_version integer,
	p_status integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards := cardkeep_api.card_at(p_card, p_version);
begin
	if c.user_id is distinct from p_user then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply_kept(p_status, p_version, cardkeep_api.card_json(c));
end
$$;
comment on function cardkeep_api.card_replay is 'The first answer of a write that was applied before: the card as of the version it made. Locks nothing.';

create function cardkeep_api.card_kept(p_card uuid, p_now integer, p_version integer)
returns boolean
language plpgsql stable
as $$
begin
	return p_now - p_version + 1 = (select count(*) from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version between p_version and p_now);
end
$$;
comment on function cardkeep_api.card_kept is 'Whether history holds every version from p_version to p_now. Without the row of p_version itself nobody knows that it ever was: a card from before Cardkeep begins where others had counted to. Locks nothing.';

create function cardkeep_api.card_reaches(p_card uuid, p_now integer, p_version integer)
returns boolean
language plpgsql stable
as $$
begin
	return p_version between greatest(p_now - cardkeep_api.reach(), 1) and p_now
		and cardkeep_api.card_kept(p_card, p_now, p_version);
end
$$;
comment on function cardkeep_api.card_reaches is 'Whether a card at version p_now can be rebuilt as it was at an older one: not where that never was, lies more than 1,000 versions back, or rows are missing. Locks nothing.';

create function cardkeep_api.card_base(c cardkeep.business_cards, p_version integer,
	m cardkeep_api.card_change)
returns cardkeep.business_cards
language plpgsql stable
as $$
declare
	b cardkeep.business_cards;
	v cardkeep.business_card_versions;
begin
	if c.version - 1 = p_version then
		-- Nearly always one change came between: its row tells all that it changed.
		select case when m.name is not null then h.b_name end,
			case when m.template_type is not null then h.b_template_type end,
			case when m.fields_config is not null then h.b_fields_config end,
			case when m.design_config is not null then h.b_design_config end,
			case when m.is_public is not null then h.b_is_public end
		into v.b_name, v.b_template_type, v.b_fields_config, v.b_design_config, v.b_is_public
		from cardkeep.business_card_versions h
		join cardkeep.business_card_versions o on o.card_id = h.card_id and o.version = p_version
		where h.card_id = c.id and h.version = c.version;
		if not found then
			return null;
		end if;
	elsif coalesce(cardkeep_api.card_reaches(c.id, c.version, p_version), false) then
		v := cardkeep_api.card_before(c.id, p_version, m.name is not null, false,
			m.template_type is not null, m.fields_config is not null, m.design_config is not null,
			m.is_public is not null);
	else
		return null;
	end if;
	b := cardkeep_api.card_with(c, v);
	b.version := p_version;
	return b;
end
$$;
comment on function cardkeep_api.card_base is 'The fields of a request as the card had them at a version; those that it leaves out (null) are not looked at, and are as they are now. All null where history does not reach that far. Locks nothing.';

create function cardkeep_api.card_conflicts(c cardkeep.business_cards, p_version integer,
	m cardkeep_api.card_change)
returns text
language plpgsql stable
as $$
declare
	b cardkeep.business_cards := cardkeep_api.card_base(c, p_version, m);
begin
	-- A document is replaced as a whole: keys that the request leaves out are part of it.
	return concat_ws(',',
		cardkeep_api.conflicts('design_config.', true, b.design_config, m.design_config, c.design_config),
		cardkeep_api.conflicts('fields_config.', true, b.fields_config, m.fields_config, c.fields_config),
		cardkeep_api.field_conflict('is_public', to_jsonb(b.is_public), to_jsonb(m.is_public),
			to_jsonb(c.is_public)),
		cardkeep_api.field_conflict('name', to_jsonb(b.name), to_jsonb(m.name), to_jsonb(c.name)),
		cardkeep_api.field_conflict('template_type', to_jsonb(b.template_type),
			to_jsonb(m.template_type), to_jsonb(c.template_type)));
end
$$;
comment on function cardkeep_api.card_conflicts is 'The fields of a request that others changed since a version, as clients read them; what the request leaves out (null) is in no conflict, and not looked at. Locks nothing.';

create function cardkeep_api.card_conflict(c cardkeep.business_cards, p_expected integer[],
	m cardkeep_api.card_change default null)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	v_newest integer := p_expected[1];
begin
	if cardinality(p_expected) > 1 then
		v_newest := (select max(e) from unnest(p_expected) e);
	end if;
	return cardkeep_api.conflict(c.version, cardkeep_api.card_json(c), cardkeep_api.card_conflicts(c,
		v_newest, m));
end
$$;
comment on function cardkeep_api.card_conflict is 'The refusal of a write that expected an older version: the card now, and the fields of the request that others changed since the newest version it expected. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_images');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_triggers') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_triggers to pg
--
-- For direct SQL alone. The service's own statements set version and last_write together and keep
-- history themselves; the triggers' conditions let them pass at no cost, where a trigger function
-- on every update took an eighth of the rate. Here, and only here, waiting is right: the advisory
-- locks make the service's tries see what direct SQL is about to do.


set local role cardkeep_owner;

create function cardkeep_api.must_be_open(p_user uuid) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	perform from cardkeep.users u where u.id = p_user and u.closed_at is not null;
	if found then
		raise exception 'account % is closed', p_user using errcode = 'foreign_key_violation';
	end if;
end
$$;
comment on function cardkeep_api.must_be_open is 'For direct SQL: refuses a closed account with 23503, as one that is not there. Locks nothing.';

create function cardkeep_api.await_slug(p_slug text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c_slugs constant integer := 2000;
	v_held integer := coalesce(nullif(current_setting('cardkeep.slugs_held', true), ''), '0')::integer;
begin
	-- The table of locks is everybody's: who fills it stops them all.
	if v_held >= c_slugs then
		raise exception 'a transaction takes up or gives up at most % slugs of young cards', c_slugs
			using errcode = 'program_limit_exceeded',
				hint = 'Commit in between. Cards that are older than a minute are deleted without this limit.';
	end if;
	perform pg_advisory_xact_lock(cardkeep_api.lock_key('slug', p_slug));
	perform set_config('cardkeep.slugs_held', (v_held + 1)::text, true);
end
$$;
comment on function cardkeep_api.await_slug is 'For direct SQL: waits for a slug''s advisory lock, at most 2,000 of them in a transaction; 54000 beyond.';

create function cardkeep_api.claim_slug(p_slug text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.await_slug(p_slug);
	perform from cardkeep.retired_slugs r where r.slug = p_slug;
	if found then
		raise exception 'slug "%" is retired', p_slug
			using errcode = 'unique_violation', constraint = 'retired_slugs_pkey',
				hint = 'A slug that a card once had, or a reserved word, is never given again.';
	end if;
end
$$;
comment on function cardkeep_api.claim_slug is 'For direct SQL: waits for the slug''s advisory lock, then refuses a retired slug with 23505.';

create function cardkeep_api.retire_slug(p_slug text, p_card uuid, p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- The account may be going in this very statement, its cards with it.
	insert into cardkeep.retired_slugs (slug, card_id, user_id)
	values (p_slug, p_card, (select u.id from cardkeep.users u where u.id = p_user))
	on conflict do nothing;
end
$$;
comment on function cardkeep_api.retire_slug is 'Keeps a slug from ever being given again. The caller holds the slug''s advisory lock.';

create function cardkeep.begin_business_card() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.must_be_open(new.user_id);
	perform cardkeep_api.claim_slug(new.slug);
	new.version := 1;
	new.last_write := gen_random_uuid();
	new.created_at := coalesce(new.created_at, clock_timestamp());
	new.updated_at := new.created_at;
	return new;
end
$$;
comment on function cardkeep.begin_business_card is 'A card inserted by direct SQL starts at version 1 with a slug that was never given before, unless its account is closed. Waits for the slug''s advisory lock.';

create function cardkeep.note_business_card() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.business_card_versions (card_id, version, write_id, at)
	values (new.id, new.version, new.last_write, new.created_at)
	on conflict do nothing;
	return null;
end
$$;
comment on function cardkeep.note_business_card is 'Writes version 1 into the history of a card inserted by direct SQL. Locks nothing but its row.';

create function cardkeep_api.note_card_change(o cardkeep.business_cards, n cardkeep.business_cards)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	h cardkeep.business_card_versions := cardkeep_api.card_image(o, n, cardkeep_api.content(n), null);
begin
	insert into cardkeep.business_card_versions values (h.*);
	if n.slug is distinct from o.slug then
		perform cardkeep_api.claim_slug(n.slug);
		perform cardkeep_api.await_slug(o.slug);
		perform cardkeep_api.retire_slug(o.slug, null, n.user_id);
	end if;
end
$$;
comment on function cardkeep_api.note_card_change is 'For direct SQL: writes the history of an update and retires a slug that it replaces. The card''s row is locked by the update; then waits for the advisory locks of the new slug and the old.';

create function cardkeep.end_business_card() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.await_slug(old.slug);
	return old;
end
$$;
comment on function cardkeep.end_business_card is 'Before a young card goes: waits for its slug''s advisory lock (the service''s own deletion holds it already), so that a creation does not have to wait for the deletion.';

create function cardkeep.bury_business_cards() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	-- The account may be going in this very statement, its cards with it.
	insert into cardkeep.retired_slugs (slug, card_id, user_id)
	select d.slug, d.id, u.id from deleted d
	left join lateral (
		select t.id from cardkeep.users t where t.id = d.user_id and t.closed_at is null limit 1) u
		on true
	on conflict do nothing;
	insert into cardkeep.business_card_versions
	select h.* from deleted d
	left join lateral (
		select true as closed from cardkeep.users t
		where t.id = d.user_id and t.closed_at is not null limit 1) u on true
	cross join lateral cardkeep_api.last_image(d::cardkeep.business_cards, null, gen_random_uuid()) h
	where u.closed is null
	on conflict do nothing;
	return null;
end
$$;
comment on function cardkeep.bury_business_cards is 'After cards went, by whomever: their slugs are retired, and the history of each ends in a row that holds all of it (where the service''s statement has not written that already), but for those of a closed account, which keep nothing. The rows and the slugs are locked by then.';

create trigger begin_business_card before insert on cardkeep.business_cards
	for each row when (new.last_write is null)
	execute function cardkeep.begin_business_card();
create trigger note_business_card after insert on cardkeep.business_cards
	for each row when (new.last_write <> new.id)
	execute function cardkeep.note_business_card();
-- A creation looks whether a slug's card is there, then inserts: a card that came after the look and
-- goes before the insertion would pass unseen. No statement lasts a minute, so older cards need no
-- lock, and an account with thousands of them can go without filling the lock table.
create trigger end_business_card before delete on cardkeep.business_cards
	for each row when (old.created_at > clock_timestamp() - interval '1 minute')
	execute function cardkeep.end_business_card();
-- One for the statement: an account with many cards goes in few statements.
create trigger bury_business_cards after delete on cardkeep.business_cards
	referencing old table as deleted
	for each statement execute function cardkeep.bury_business_cards();

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_triggers');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'profile_core') then
return;
end if;
execute $sql$
-- Deploy cardkeep:profile_core to pg
--
-- The two profiles differ in their columns alone. Everything that decides works on their fields as
-- one document; only what reads or writes a row names the columns, and picks its table by the name
-- p_kind. The views pick in the same way: of each union, the planner's one-time filter runs only
-- the side that is asked for.
--
-- A profile that was never written has no row: it is at version 0, and an advisory lock stands for
-- it.


set local role cardkeep_owner;

create type cardkeep_api.profile as (
	fields jsonb,
	version integer,
	created_at timestamptz,
	updated_at timestamptz
);
comment on type cardkeep_api.profile is 'Either profile: its fields as one document; version 0 and no times where it was never written';

create function cardkeep_api.profile_fields(p_row jsonb) returns jsonb
language sql immutable parallel safe
return p_row - array['user_id', 'version', 'last_write', 'created_at', 'updated_at'];
comment on function cardkeep_api.profile_fields is 'The fields of a profile''s row, as one document. Locks nothing.';

create view cardkeep_api.profiles as
	select 'personal_info' as kind, p.user_id, cardkeep_api.profile_fields(to_jsonb(p)) as fields,
		p.version, p.created_at, p.updated_at
	from cardkeep.personal_info p
	union all
	select 'professional_info', p.user_id, cardkeep_api.profile_fields(to_jsonb(p)), p.version,
		p.created_at, p.updated_at
	from cardkeep.professional_info p;
comment on view cardkeep_api.profiles is 'Both profiles in one shape, told apart by kind';

create view cardkeep_api.profile_versions as
	select 'personal_info' as kind, v.* from cardkeep.personal_info_versions v
	union all
	select 'professional_info', v.* from cardkeep.professional_info_versions v;
comment on view cardkeep_api.profile_versions is 'Both profiles'' histories in one shape, told apart by kind';

create type cardkeep_api.personal_view as (
	full_name text,
	primary_email text,
	secondary_email text,
	primary_phone text,
	secondary_phone text,
	website text,
	address text,
	version integer,
	created_at text,
	updated_at text
);
comment on type cardkeep_api.personal_view is 'A personal profile as clients see it';

create type cardkeep_api.professional_view as (
	job_title text,
	company_name text,
	department text,
	work_email text,
	work_phone text,
	work_address text,
	company_website text,
	linkedin_url text,
	version integer,
	created_at text,
	updated_at text
);
comment on type cardkeep_api.professional_view is 'A professional profile as clients see it';

create function cardkeep_api.profile_members(p cardkeep_api.profile) returns jsonb
language sql stable parallel safe
return (p).fields || jsonb_build_object('version', p.version, 'created_at',
	cardkeep_api.stamp(p.created_at), 'updated_at', cardkeep_api.stamp(p.updated_at));
comment on function cardkeep_api.profile_members is 'What clients see of a profile, in no order. Locks nothing.';

create function cardkeep_api.profile_json(p_kind text, p cardkeep_api.profile) returns text
language sql stable parallel safe
return case p_kind when 'personal_info' then row_to_json(jsonb_populate_record(
		null::cardkeep_api.personal_view, cardkeep_api.profile_members(p)))
	else row_to_json(jsonb_populate_record(
		null::cardkeep_api.professional_view, cardkeep_api.profile_members(p))) end::text;
comment on function cardkeep_api.profile_json is 'Either profile as clients see it, in the order of its view. Locks nothing.';

create function cardkeep_api.read_profile(p_kind text, p_user uuid) returns cardkeep_api.profile
language plpgsql volatile
as $$
declare
	p cardkeep_api.profile;
begin
	select t.fields, t.version, t.created_at, t.updated_at into p
	from cardkeep_api.profiles t where t.kind = p_kind and t.user_id = p_user;
	if not found then
		p.fields := '{}';
		p.version := 0;
	end if;
	return p;
end
$$;
comment on function cardkeep_api.read_profile is 'A profile as it is now; version 0 where it was never written. Locks nothing.';

create function cardkeep_api.try_profile(p_kind text, p_user uuid, p_expected integer[])
returns boolean
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		perform from cardkeep.personal_info p
		where p.user_id = p_user and p.version = any (p_expected) for no key update skip locked;
	else
		perform from cardkeep.professional_info p
		where p.user_id = p_user and p.version = any (p_expected) for no key update skip locked;
	end if;
	return found;
end
$$;
comment on function cardkeep_api.try_profile is 'Whether the profile is at one of the expected versions and its row is now ours. Tries the row (no key update, skip locked), never waits.';

create function cardkeep_api.await_profile(p_kind text, p_user uuid) returns boolean
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		perform from cardkeep.personal_info p where p.user_id = p_user for no key update;
	else
		perform from cardkeep.professional_info p where p.user_id = p_user for no key update;
	end if;
	return found;
end
$$;
comment on function cardkeep_api.await_profile is 'For direct callers: waits for the profile''s row and locks it (no key update); false where there is none.';

create function cardkeep_api.profile_before(p_old jsonb, p_new jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	return coalesce((select jsonb_object_agg(n.key, coalesce(p_old -> n.key, 'null'))
		from jsonb_each(p_new) n
		where coalesce(p_old -> n.key, 'null') <> n.value), '{}');
end
$$;
comment on function cardkeep_api.profile_before is 'What the fields that changed were before. Locks nothing.';

create function cardkeep_api.note_profile(p_kind text, p_user uuid, p_version integer,
	p_session uuid, p_write uuid, p_at timestamptz, p_before jsonb)
returns void
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		insert into cardkeep.personal_info_versions (user_id, version, session_id, write_id, at, before)
		values (p_user, p_version, p_session, p_write, p_at, p_before)
		on conflict do nothing;
	else
		insert into cardkeep.professional_info_versions
			(user_id, version, session_id, write_id, at, before)
		values (p_user, p_version, p_session, p_write, p_at, p_before)
		on conflict do nothing;
	end if;
end
$$;
comment on function cardkeep_api.note_profile is 'Writes one version into a profile''s history, unless it is there. The caller holds the profile.';

create function cardkeep_api.insert_profile(p_kind text, p_user uuid, p_write uuid, p cardkeep_api.profile)
returns void
language plpgsql volatile
as $$
declare
	v_row jsonb := p.fields || jsonb_build_object('user_id', p_user, 'version', p.version,
		'last_write', p_write, 'created_at', p.created_at, 'updated_at', p.updated_at);
begin
	if p_kind = 'personal_info' then
		insert into cardkeep.personal_info
		select r.* from jsonb_populate_record(null::cardkeep.personal_info, v_row) r;
	else
		insert into cardkeep.professional_info
		select r.* from jsonb_populate_record(null::cardkeep.professional_info, v_row) r;
	end if;
end
$$;
comment on function cardkeep_api.insert_profile is 'The first version of a profile. The caller holds the advisory lock of the first profile; the account''s row is locked by the foreign key (key share).';

create function cardkeep_api.update_profile(p_kind text, p_user uuid, p_write uuid, p cardkeep_api.profile)
returns void
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		update cardkeep.personal_info t
		set full_name = r.full_name, primary_email = r.primary_email,
			secondary_email = r.secondary_email, primary_phone = r.primary_phone,
			secondary_phone = r.secondary_phone, website = r.website, address = r.address,
			version = p.version, updated_at = p.updated_at, last_write = p_write
		from jsonb_populate_record(null::cardkeep.personal_info, p.fields) r
		where t.user_id = p_user;
	else
		update cardkeep.professional_info t
		set job_title = r.job_title, company_name = r.company_name, department = r.department,
			work_email = r.work_email, work_phone = r.work_phone, work_address = r.work_address,
			company_website = r.company_website, linkedin_url = r.linkedin_url,
			version = p.version, updated_at = p.updated_at, last_write = p_write
		from jsonb_populate_record(null::cardkeep.professional_info, p.fields) r
		where t.user_id = p_user;
	end if;
end
$$;
comment on function cardkeep_api.update_profile is 'The next version of a profile, whose row the caller has locked.';

create function cardkeep_api.profile_images(p_kind text, p_user uuid, p_version integer,
	p_wanted text[])
returns jsonb
language plpgsql stable
as $$
declare
	h record;
	v_wanted text[] := p_wanted;
	v_images jsonb := '{}';
begin
	for h in
		select v.before from cardkeep_api.profile_versions v
		where v.kind = p_kind and v.user_id = p_user and v.version > p_version
		order by v.version
	loop
		exit when cardinality(v_wanted) = 0;
		if (h.before ?| v_wanted) is not false then
			v_images := h.before || v_images;
			if p_wanted is not null then
				v_wanted := array(select w from unnest(v_wanted) w where not h.before ? w);
			end if;
		end if;
	end loop;
	return v_images - array(select i from jsonb_object_keys(v_images) i where i <> all (p_wanted));
end
$$;
comment on function cardkeep_api.profile_images is 'The oldest image of each wanted field (null: of every one) after a version; without those that nobody changed since. Reads later versions until it has them all. Locks nothing.';

create function cardkeep_api.profile_at(p_kind text, p_user uuid, p_version integer) returns jsonb
language plpgsql stable
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
begin
	return p.fields || cardkeep_api.profile_images(p_kind, p_user, p_version,
		case when p.version > 0 then array(select jsonb_object_keys(p.fields)) end);
end
$$;
comment on function cardkeep_api.profile_at is 'The fields as of an older version, rebuilt from what was before the later changes. Reads all later versions, so callers bound how far back they ask. Locks nothing.';

create function cardkeep_api.profile_kept(p_kind text, p_user uuid, p_now integer, p_version integer)
returns boolean
language sql stable parallel safe
return p_now - greatest(p_version, 1) + 1 = (select count(*) from cardkeep_api.profile_versions h
	where h.kind = p_kind and h.user_id = p_user and h.version between p_version and p_now);
comment on function cardkeep_api.profile_kept is 'Whether history holds every version from p_version to p_now; version 0 was empty, and has no row. Locks nothing.';

create function cardkeep_api.profile_base(p_kind text, p_user uuid, p_now integer, p_version integer)
returns jsonb
language plpgsql stable
as $$
begin
	if p_version is null or p_version not between greatest(p_now - cardkeep_api.reach(), 0) and p_now
		or not cardkeep_api.profile_kept(p_kind, p_user, p_now, p_version)
	then
		return null;
	end if;
	return cardkeep_api.profile_at(p_kind, p_user, p_version);
end
$$;
comment on function cardkeep_api.profile_base is 'The fields at an older version; null where history does not reach: a version that never was, more than 1,000 versions back, or rows that are missing. Version 0 is known to be empty. Locks nothing.';

create function cardkeep_api.profile_conflict(p_kind text, p_user uuid, p cardkeep_api.profile,
	p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	v_base jsonb := cardkeep_api.profile_base(p_kind, p_user, p.version,
		(select max(e) from unnest(p_expected) e));
begin
	return cardkeep_api.conflict(p.version, cardkeep_api.profile_json(p_kind, p),
		cardkeep_api.conflicts('', false, v_base, p_patch, p.fields));
end
$$;
comment on function cardkeep_api.profile_conflict is 'The refusal of a write that expected an older version: the profile now, and the fields of the request that others changed since the newest version it expected. Locks nothing.';

create function cardkeep_api.profile_answered(p_kind text, p_user uuid, p_version integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
begin
	p.version := p_version;
	p.updated_at := (select h.at from cardkeep_api.profile_versions h
		where h.kind = p_kind and h.user_id = p_user and h.version = p_version);
	p.fields := cardkeep_api.profile_at(p_kind, p_user, p_version);
	return cardkeep_api.profile_saved(p_kind, p, true);
end
$$;
comment on function cardkeep_api.profile_answered is 'The first answer of the write that made this version of a profile. Locks nothing.';

create function cardkeep_api.profile_replay(p_kind text, p_user uuid, p_expected integer[],
	p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
begin
	select h.version into v_version
	from unnest(p_expected) e(version)
	cross join lateral (
		select t.version from cardkeep_api.profile_versions t
		where t.kind = p_kind and t.user_id = p_user and t.version = e.version::bigint + 1
			and t.write_id = p_write
		limit 1) h;
	if not found then
		return null;
	end if;
	return cardkeep_api.profile_answered(p_kind, p_user, v_version);
end
$$;
comment on function cardkeep_api.profile_replay is 'The first answer of a write that was applied before, with the profile as of the version it made; null where it was not. Reads one history row for each expected version. Locks nothing.';

create function cardkeep_api.profile_saved(p_kind text, p cardkeep_api.profile, p_replayed boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_body text := cardkeep_api.profile_json(p_kind, p);
begin
	if p_replayed then
		perform cardkeep_api.await_standby();
	end if;
	if p.version = 1 then
		return cardkeep_api.reply(201, 1, left(v_body, -1) || ',"isNew":true}', p_replayed);
	end if;
	return cardkeep_api.reply(200, p.version, v_body, p_replayed);
end
$$;
comment on function cardkeep_api.profile_saved is 'The answer of an applied write: 201 with isNew for version 1, else 200. Locks nothing.';

create function cardkeep_api.start_profile(p_kind text, p_user uuid, p_session uuid, p_write uuid,
	p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_now timestamptz := clock_timestamp();
	p cardkeep_api.profile := (p_patch, 1, v_now, v_now);
begin
	-- History first: the row's own trigger, there for direct SQL, then finds it written.
	perform cardkeep_api.note_profile(p_kind, p_user, 1, p_session, p_write, v_now,
		cardkeep_api.profile_before('{}', p_patch));
	perform cardkeep_api.insert_profile(p_kind, p_user, p_write, p);
	return cardkeep_api.profile_saved(p_kind, p, false);
end
$$;
comment on function cardkeep_api.start_profile is 'Writes version 1 of a profile and of its history. The caller holds the advisory lock of the first profile.';

create function cardkeep_api.change_profile(p_kind text, p_user uuid, p_session uuid, p_write uuid,
	p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_lot double precision := random();
	v_before jsonb;
	o cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
	n cardkeep_api.profile := o;
	a cardkeep_api.answer;
begin
	n.fields := o.fields || p_patch;
	if n.fields = o.fields then
		return cardkeep_api.reply_kept(200, o.version, cardkeep_api.profile_json(p_kind, o), false,
			'unchanged');
	end if;
	perform from cardkeep.over_quota q where q.user_id = p_user;
	if found then
		a := cardkeep_api.quota_refusal(p_user, '{history}');
		if a.status is not null then
			return a;
		end if;
	end if;
	n.version := o.version + 1;
	n.updated_at := greatest(clock_timestamp(), o.updated_at);
	v_before := cardkeep_api.profile_before(o.fields, n.fields);
	perform cardkeep_api.update_profile(p_kind, p_user, p_write, n);
	perform cardkeep_api.note_profile(p_kind, p_user, n.version, p_session, p_write, n.updated_at, v_before);
	perform cardkeep_api.note_history(p_user, v_lot, pg_column_size(v_before));
	return cardkeep_api.reply(200, n.version, cardkeep_api.profile_json(p_kind, n));
end
$$;
comment on function cardkeep_api.change_profile is 'Writes the next version of a profile and of its history, or nothing where nothing changes (unchanged); 429 quota where the account''s changes left too much today. The caller has locked the profile''s row; locks as quota_refusal besides.';

create function cardkeep_api.save_profile_core(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_patch jsonb := cardkeep_api.clear_empty(p_patch);
	p cardkeep_api.profile;
begin
	if cardkeep_api.try_profile(p_kind, p_user, p_expected) then
		return cardkeep_api.change_profile(p_kind, p_user, p_session, p_write, v_patch);
	end if;
	p := cardkeep_api.read_profile(p_kind, p_user);
	if p.version = 0 and 0 = any (p_expected) then
		if not pg_try_advisory_xact_lock(cardkeep_api.lock_key(p_kind, p_user::text)) then
			return cardkeep_api.reply(423);
		end if;
		p := cardkeep_api.read_profile(p_kind, p_user);
		if p.version = 0 then
			return cardkeep_api.start_profile(p_kind, p_user, p_session, p_write, v_patch);
		end if;
	end if;
	return cardkeep_api.profile_not_applied(p_kind, p_user, p_write, p, p_expected, v_patch);
end
$$;
comment on function cardkeep_api.save_profile_core is 'Changes a profile that is at one of the expected versions, 0 where it was never written, and writes its history; the empty string clears a field. 200; 201 for the first; else as profile_not_applied. Tries the profile''s row (no key update, skip locked), or the advisory lock of the first profile; never waits; a stale request locks nothing.';

create function cardkeep_api.clear_empty(p_patch jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	return coalesce((select jsonb_object_agg(e.key, coalesce(nullif(e.value, '""'), 'null'))
		from jsonb_each(p_patch) e), '{}');
end
$$;
comment on function cardkeep_api.clear_empty is 'A patch in which the empty string is null: an empty field has one form. Locks nothing.';

create function cardkeep_api.profile_not_applied(p_kind text, p_user uuid, p_write uuid,
	p cardkeep_api.profile, p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer := cardkeep_api.profile_replay(p_kind, p_user, p_expected, p_write);
begin
	if a.status is not null then
		return a;
	end if;
	if p.version = any (p_expected) then
		if p.fields || p_patch = p.fields then
			return cardkeep_api.reply_kept(200, p.version, cardkeep_api.profile_json(p_kind, p),
				false, 'unchanged');
		end if;
		return cardkeep_api.reply(423, p.version);
	end if;
	return cardkeep_api.profile_conflict(p_kind, p_user, p, p_expected, p_patch);
end
$$;
comment on function cardkeep_api.profile_not_applied is 'What a write that was not applied now comes to: its first answer where it was applied before, 200 unchanged where it changes nothing, 423 where somebody holds the profile, else 409 with both sides. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('profile_core');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'version_triggers') then
return;
end if;
execute $sql$
-- Deploy cardkeep:version_triggers to pg
--
-- Every update raises the version by one, whoever makes it. A statement that sets version + 1 and a
-- write id of its own keeps history itself and passes by; see card_triggers.


set local role cardkeep_owner;

create function cardkeep_api.is_waiting(p_user uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return exists (select from cardkeep.users u where u.id = p_user and u.email is null
		and u.closed_at is null);
end
$$;
comment on function cardkeep_api.is_waiting is 'Whether nobody can sign in as this user yet. Locks nothing.';

create function cardkeep.increment_version() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := new.user_id;
begin
	-- What a waiting user has was never read under a version: it changes hands as it is.
	if v_user <> old.user_id and cardkeep_api.is_waiting(old.user_id) then
		new := old;
		new.user_id := v_user;
		return new;
	end if;
	new.user_id := old.user_id;
	new.created_at := old.created_at;
	new.version := old.version + 1;
	new.updated_at := greatest(clock_timestamp(), old.updated_at);
	new.last_write := gen_random_uuid();
	if tg_table_name = 'business_cards' then
		new.id := old.id;
		perform cardkeep_api.note_card_change(old, new);
	else
		perform cardkeep_api.note_profile(tg_table_name, new.user_id, new.version, null,
			new.last_write, new.updated_at, cardkeep_api.profile_before(
				cardkeep_api.profile_fields(to_jsonb(old)), cardkeep_api.profile_fields(to_jsonb(new))));
	end if;
	return new;
end
$$;
comment on function cardkeep.increment_version is 'Every update by direct SQL raises the version by one and writes the history row, in the update''s own transaction; id, owner and time of creation stay what they were, whatever it says. One exception: what belongs to a waiting user is given to another, with nothing else changed, under the version it has. The row is locked by the update; a changed slug''s advisory locks come after it.';

create function cardkeep.begin_profile() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.must_be_open(new.user_id);
	perform pg_advisory_xact_lock(cardkeep_api.lock_key(tg_table_name, new.user_id::text));
	new.version := 1;
	new.last_write := gen_random_uuid();
	new.created_at := coalesce(new.created_at, clock_timestamp());
	new.updated_at := new.created_at;
	return new;
end
$$;
comment on function cardkeep.begin_profile is 'A profile inserted by direct SQL starts at version 1, unless its account is closed. Waits for the advisory lock of the first profile, which the service only tries.';

create function cardkeep.note_profile_start() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.note_profile(tg_table_name::text, new.user_id, new.version, null,
		new.last_write, new.created_at,
		cardkeep_api.profile_before('{}', cardkeep_api.profile_fields(to_jsonb(new))));
	return null;
end
$$;
comment on function cardkeep.note_profile_start is 'Writes version 1 into the history of a profile inserted by direct SQL; the service''s own is there already. Locks nothing but its row.';

create trigger increment_business_cards_version before update on cardkeep.business_cards
	for each row when (new.last_write is not distinct from old.last_write
		or new.version is distinct from old.version + 1)
	execute function cardkeep.increment_version();
create trigger begin_personal_info before insert on cardkeep.personal_info
	for each row when (new.last_write is null) execute function cardkeep.begin_profile();
create trigger note_personal_info after insert on cardkeep.personal_info
	for each row execute function cardkeep.note_profile_start();
create trigger increment_personal_info_version before update on cardkeep.personal_info
	for each row when (new.last_write is not distinct from old.last_write
		or new.version is distinct from old.version + 1)
	execute function cardkeep.increment_version();
create trigger begin_professional_info before insert on cardkeep.professional_info
	for each row when (new.last_write is null) execute function cardkeep.begin_profile();
create trigger note_professional_info after insert on cardkeep.professional_info
	for each row execute function cardkeep.note_profile_start();
create trigger increment_professional_info_version before update on cardkeep.professional_info
	for each row when (new.last_write is not distinct from old.last_write
		or new.version is distinct from old.version + 1)
	execute function cardkeep.increment_version();

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('version_triggers');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'account_calls') then
return;
end if;
execute $sql$
-- Deploy cardkeep:account_calls to pg
--
-- Registration and sign-in name what they make by the write id, so that a repeat finds itself by
-- primary key. What has no row yet, an address or an id, is stood for by an advisory lock.


set local role cardkeep_owner;

create type cardkeep_api.user_view as (id uuid, email text, created_at text);
comment on type cardkeep_api.user_view is 'An account as its owner sees it';

create function cardkeep_api.user_json(u cardkeep.users) returns text
language sql stable parallel safe
return row_to_json(row(u.id, u.email, cardkeep_api.stamp(u.created_at))::cardkeep_api.user_view)::text;
comment on function cardkeep_api.user_json is 'An account as its owner sees it. Locks nothing.';

create type cardkeep_api.session_view as (
	id uuid,
	device_name text,
	user_agent text,
	created_at text,
	last_seen_at text,
	expires_at text,
	current boolean
);
comment on type cardkeep_api.session_view is 'A session as its owner sees it';

create function cardkeep_api.session_json(s cardkeep.sessions, p_current uuid) returns text
language sql stable parallel safe
return row_to_json(row(s.id, s.device_name, s.user_agent, cardkeep_api.stamp(s.created_at),
	cardkeep_api.stamp(s.last_seen_at), cardkeep_api.stamp(s.expires_at),
	s.id = p_current)::cardkeep_api.session_view)::text;
comment on function cardkeep_api.session_json is 'A session as its owner sees it from the session p_current. Locks nothing.';

create function cardkeep_api.check_session(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep_api.caller;
begin
	select b.* into c from cardkeep_api.begin_call(p_token_hash) b;
	if not found then
		perform from cardkeep.closed_accounts k where k.token_hash = p_token_hash;
		return cardkeep_api.reply(401, 0, '', false, case when found then 'over' else '' end);
	end if;
	if not c.live then
		return cardkeep_api.reply(401, 0, '', false, 'over');
	end if;
	return cardkeep_api.reply(200, 0, '', false, c.user_id::text);
end
$$;
comment on function cardkeep_api.check_session is 'Whose session the token is: 200 with the account''s id as detail where it may act; 401 with detail over where it was one and is over, or has deleted its account, so that the repeat of a write is still told how it went; 401 for a token that nobody ever had. Locks nothing.';

create function cardkeep_api.find_account(p_email text) returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	u cardkeep.users;
begin
	select a.* into u from cardkeep.users a where a.email = lower(p_email collate "C") collate "default";
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, 0, u.id::text, false, u.password_hash);
end
$$;
comment on function cardkeep_api.find_account is 'The password hash and, as body, the id of the account with this address; 404. Locks nothing.';

create function cardkeep_api.insert_session(p_write uuid, p_user uuid, p_token_hash bytea,
	p_device text, p_agent text, p_lifetime interval, p_idle interval)
returns void
language plpgsql volatile
as $$
declare
	v_now timestamptz := clock_timestamp();
begin
	insert into cardkeep.sessions (id, user_id, token_hash, device_name, user_agent, created_at,
		last_seen_at, expires_at, idle_limit)
	values (p_write, p_user, p_token_hash, p_device, p_agent, v_now, v_now, v_now + p_lifetime,
		p_idle);
end
$$;
comment on function cardkeep_api.insert_session is 'A new session with the write id as its id. The caller holds the id''s advisory lock; the account''s row is locked by the foreign key (key share).';

create function cardkeep_api.signed_in(p_session uuid, p_replayed boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	u cardkeep.users;
	s cardkeep.sessions;
	v_ended text;
	v_ids text;
begin
	select t.* into s from cardkeep.sessions t where t.id = p_session;
	select a.* into u from cardkeep.users a where a.id = s.user_id;
	select ',"ended_sessions":[' || string_agg(cardkeep_api.session_json(t, p_session), ','
			order by t.last_seen_at, t.id) || ']',
		string_agg(t.id::text, ' ' order by t.last_seen_at, t.id)
	into v_ended, v_ids
	from cardkeep.sessions t where t.ended_by = p_session and (t.user_id = s.user_id) is true;
	if p_replayed then
		perform cardkeep_api.await_standby();
	end if;
	return cardkeep_api.reply(201, 0, format('{"user":%s,"session":%s%s}',
		cardkeep_api.user_json(u), cardkeep_api.session_json(s, p_session), v_ended), p_replayed,
		coalesce(v_ids, ''));
end
$$;
comment on function cardkeep_api.signed_in is '201 with the account, its new session, and those that gave way to it, where any did, whose ids are the detail. Locks nothing.';

create function cardkeep_api.make_room(p_user uuid, p_write uuid, p_limit integer)
returns boolean
language plpgsql volatile
as $$
declare
	v_excess uuid[];
	v_locked bigint;
begin
	v_excess := array(
		select s.id from cardkeep.sessions s where s.user_id = p_user and cardkeep_api.is_live(s)
		order by s.last_seen_at desc, s.created_at desc, s.id desc offset p_limit - 1);
	-- Of an empty array, as a constant, any partial index would do, from end to end.
	if cardinality(v_excess) = 0 then
		return true;
	end if;
	select count(*) into v_locked from (
		select from cardkeep.sessions s where s.id = any (v_excess) and cardkeep_api.is_live(s)
		for no key update skip locked) l;
	if v_locked < cardinality(v_excess) then
		return false;
	end if;
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = p_write
	where s.id = any (v_excess);
	return true;
end
$$;
comment on function cardkeep_api.make_room is 'Ends the least recently seen sessions of an account until one more is within the limit; false where one of them is held now, and nothing was done. The caller holds the account''s row, so that no two sign-ins make the same room. Tries the sessions'' rows (no key update, skip locked), never waits.';

-- A plan that was made for an account with few sessions would sort all of one that has many.
create function cardkeep_api.forget_sessions(p_user uuid) returns void
language plpgsql volatile
set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off
as $$
declare
	c_kept constant integer := 200;
	c_rows constant integer := 100;
	v_old timestamptz := clock_timestamp() - interval '7 days';
begin
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.user_id = p_user and o.ended_at < v_old
		order by o.ended_at limit c_rows for update skip locked));
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.user_id = p_user and o.ended_at is null
			and least(o.expires_at, o.last_seen_at + o.idle_limit) < v_old
		limit c_rows for update skip locked));
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.user_id = p_user and o.ended_at is not null
		order by o.ended_at desc
		offset c_kept limit c_rows for update skip locked));
end
$$;
comment on function cardkeep_api.forget_sessions is 'Deletes an account''s sessions that have been over for a week, by which time nobody repeats a request that ended one, and of those that ended all but the latest 200; so an account has few rows however often it signs in. Tries the sessions'' rows (update, skip locked), never waits.';

create function cardkeep_api.register(p_write uuid, p_email text, p_password_hash text,
	p_token_hash bytea, p_device text, p_agent text, p_lifetime interval,
	p_idle interval default '30 days')
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_email text := lower(p_email collate "C");
begin
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('session', p_write::text))
		or not pg_try_advisory_xact_lock(cardkeep_api.lock_key('email', v_email))
	then
		return cardkeep_api.reply(423);
	end if;
	perform from cardkeep.users u join cardkeep.sessions s on s.id = p_write
	where u.id = p_write and u.email = v_email;
	if found then
		return cardkeep_api.signed_in(p_write, true);
	end if;
	insert into cardkeep.users (id, email, password_hash)
	values (p_write, v_email, p_password_hash)
	on conflict do nothing;
	if not found then
		return cardkeep_api.reply(409, 0, '', false, 'address_taken');
	end if;
	perform cardkeep_api.insert_session(p_write, p_write, p_token_hash, p_device, p_agent,
		p_lifetime, p_idle);
	return cardkeep_api.signed_in(p_write, false);
end
$$;
comment on function cardkeep_api.register is 'An account and its first session, both with the write id as id. 201; 201 replayed; 409 address_taken; 423 where somebody registers that address or this write now. Tries the advisory locks of the write id, then of the address; never waits.';

create function cardkeep_api.open_session(p_write uuid, p_user uuid, p_seen_password_hash text,
	p_token_hash bytea, p_device text, p_agent text, p_lifetime interval,
	p_idle interval default '30 days', p_limit integer default 50, p_fresh_hash text default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('session', p_write::text)) then
		return cardkeep_api.reply(423);
	end if;
	perform from cardkeep.sessions s where s.id = p_write and (s.user_id = p_user) is true;
	if found then
		return cardkeep_api.signed_in(p_write, true);
	end if;
	-- Held, so that no password changes between this look and the session's insertion, and no other
	-- sign-in counts the same sessions.
	perform from cardkeep.users u where u.id = p_user and u.password_hash = p_seen_password_hash
	for no key update skip locked;
	if not found then
		perform from cardkeep.users u where u.id = p_user and u.password_hash = p_seen_password_hash;
		return cardkeep_api.reply(case when found then 423 else 401 end);
	end if;
	if not cardkeep_api.make_room(p_user, p_write, p_limit) then
		return cardkeep_api.reply(423);
	end if;
	perform cardkeep_api.forget_sessions(p_user);
	perform cardkeep_api.insert_session(p_write, p_user, p_token_hash, p_device, p_agent, p_lifetime,
		p_idle);
	if p_fresh_hash is not null then
		update cardkeep.users u set password_hash = p_fresh_hash where u.id = p_user;
	end if;
	return cardkeep_api.signed_in(p_write, false);
end
$$;
comment on function cardkeep_api.open_session is 'A new session with the write id as its id, for an account whose password is still the one that was checked; where the account has p_limit already, the least recently seen one gives way. p_fresh_hash, where there is one, takes the place of the hash that was checked: the same password''s, at today''s cost. 201; 201 replayed; 401 where the account is gone or its password changed; 423. Tries the advisory lock of the write id, then the account''s row (no key update, skip locked), then as make_room and forget_sessions; never waits.';

create function cardkeep_api.list_sessions(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_session uuid;
	v_user uuid;
	v_list text;
begin
	select s.session_id, s.user_id into v_session, v_user
	from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select string_agg(cardkeep_api.session_json(s, v_session), ',' order by s.last_seen_at desc, s.id)
	into v_list
	from cardkeep.sessions s where s.user_id = v_user and cardkeep_api.is_live(s);
	return cardkeep_api.reply(200, 0, format('{"sessions":[%s]}', v_list));
end
$$;
comment on function cardkeep_api.list_sessions is 'The caller''s live sessions, the last seen one first; 401. Locks nothing.';

create function cardkeep_api.end_session(p_token_hash bytea, p_write uuid, p_session uuid,
	p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_caller cardkeep.sessions;
	v_target cardkeep.sessions;
	v_locked boolean;
	v_detail text;
	w cardkeep_api.write;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	v_detail := case when coalesce(p_session, w.session_id) = w.session_id then 'own' else '' end;
	if (w.told).replayed then
		return cardkeep_api.reply_kept(204, 0, '', true, v_detail);
	elsif (w.told).status <> 422 then
		return w.told;
	end if;
	perform from cardkeep.sessions s
	where s.id = coalesce(p_session, w.session_id) and (s.user_id = w.user_id) is true
	for no key update skip locked;
	v_locked := found;
	select s.* into v_caller from cardkeep.sessions s where s.token_hash = p_token_hash;
	select s.* into v_target from cardkeep.sessions s
	where s.id = coalesce(p_session, v_caller.id) and (s.user_id = v_caller.user_id) is true;
	-- The repeat first: the first time may have ended the very session that asks.
	if v_target.ended_by = w.id then
		return cardkeep_api.reply_kept(204, 0, '', true, v_detail);
	end if;
	if v_caller.id is null or not cardkeep_api.is_live(v_caller) then
		return cardkeep_api.reply(401);
	end if;
	if v_target.id is null or not cardkeep_api.is_live(v_target) then
		return cardkeep_api.reply(404);
	end if;
	if (w.told).status = 422 then
		return w.told;
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = w.id
	where s.id = v_target.id;
	return cardkeep_api.end_write(w, cardkeep_api.reply(204, 0, '', false, v_detail));
end
$$;
comment on function cardkeep_api.end_session is 'Ends one of the caller''s sessions, null the caller''s own. 204, with detail own where it is the caller''s; 204 replayed, also where it ended the caller''s own; 401; 404 where it is unknown, foreign or over; 422 key_reused; 423. Tries the key, then the session''s row (no key update, skip locked), never waits; looks after it tried.';

create function cardkeep_api.read_user(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	u cardkeep.users;
	v_user uuid;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	select a.* into u from cardkeep.users a where a.id = v_user;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, format('{"user":%s}', cardkeep_api.user_json(u)));
end
$$;
comment on function cardkeep_api.read_user is 'The caller''s account; 401. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('account_calls');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_core') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_core to pg
--
-- One core for every caller: the service's calls resolve a session and come here, the promised
-- functions wait for the row and come here. Nothing here waits. A write that finds the version it
-- expects cannot have been applied before, so only writes that did not are looked at further: the
-- card is read, and in a later statement the repeat is looked up, whose snapshot sees at least what
-- the read saw.


set local role cardkeep_owner;

create function cardkeep_api.document_fits(p_document jsonb) returns boolean
language plpgsql immutable parallel safe
as $$
declare
	c_printed constant integer := 524288;
	-- What a document of that length takes unprinted, at most: an element as short as "0, ", or as
	-- "{}, ", takes 12 bytes.
	c_unprinted constant integer := 4 * c_printed + 1024;
	v_document jsonb;
	v_number numeric;
	v_digits integer := 0;
begin
	if p_document is null then
		return null;
	end if;
	v_document := case when jsonb_typeof(p_document) in ('object', 'array')
		then p_document - '{}'::text[] -- the same, unpacked
		else p_document end;
	if pg_column_size(v_document) > c_unprinted then
		return false;
	end if;
	-- A number of 8 bytes may be printed with 16,384 digits, if it is very large, very small, or a zero.
	-- Each that is long is printed alone, and the first too many end it. Those that are plainly short are
	-- passed over first. The rest is taken as one array: row by row (jsonb_path_query) PostgreSQL moves
	-- all that are left for each.
	for v_number in
		select q.number::numeric
		from jsonb_array_elements(jsonb_path_query_array(v_document, 'strict $.** ? (@.type() == "number"
			&& !(@ > 1e-40 && @ < 1e40))')) q(number)
		where scale(q.number::numeric) > 40 or abs(q.number::numeric) >= 1e40
	loop
		v_digits := v_digits + octet_length(v_number::text);
		if v_digits > c_printed then
			return false;
		end if;
	end loop;
	return octet_length(v_document::text) <= c_printed;
end
$$;
comment on function cardkeep_api.document_fits is 'Whether a document is small enough to be answered over and over, as it is printed: 1e300 is 301 digits then. Twice what the service takes with numbers written out, as printing adds a blank behind each comma and colon. Nothing is printed before it is known that it is not much longer. Locks nothing.';

create function cardkeep_api.document_keys_fit(p_document jsonb) returns boolean
language sql immutable parallel safe
return jsonb_array_length(jsonb_path_query_array(p_document,
	'strict $.** ? (@.type() == "object").*.type()')) <= 4096;
comment on function cardkeep_api.document_keys_fit is 'Whether a document has few enough keys, those of the objects in it counted: 4,096. The caller knows that it is not too large. Locks nothing.';

create function cardkeep_api.document_fault(p_document jsonb) returns text
language plpgsql immutable parallel safe
as $$
begin
	if not cardkeep_api.document_fits(p_document) then
		return 'a document of a card takes at most 512 KiB when it is printed';
	elsif not cardkeep_api.document_keys_fit(p_document) then
		return 'a document of a card has at most 4,096 keys';
	end if;
	return null;
end
$$;
comment on function cardkeep_api.document_fault is 'What keeps a document from being stored; null where nothing does, or where there is none. Locks nothing.';

create function cardkeep_api.insert_card(p_user uuid, p_session uuid, p_write uuid, p_slug text,
	m cardkeep_api.card_change, p_over boolean)
returns cardkeep.business_cards
language plpgsql volatile
as $$
declare
	v_now timestamptz := clock_timestamp();
	n cardkeep.business_cards := cardkeep_api.new_card(p_user, p_write, p_slug, m, v_now);
	c cardkeep.business_cards;
begin
	insert into cardkeep.business_cards
	select n.*
	where not exists (select from cardkeep.retired_slugs r where r.slug = p_slug)
		and not exists (select from cardkeep.retired_slugs r where r.card_id = p_write)
		and (p_over or not exists (select from cardkeep.over_quota q where q.user_id = p_user))
	on conflict do nothing
	returning * into c;
	if found then
		insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at)
		values (p_write, 1, p_session, p_write, v_now);
	end if;
	return c;
end
$$;
comment on function cardkeep_api.insert_card is 'Inserts a card and version 1 of its history, unless its slug or its id was ever taken, or the account was found over a quota (p_over: and may go on nevertheless): then all null. The caller holds the advisory locks of the slug and of the id.';

-- As volatile as what it is made of, so that the planner puts it in place.
create function cardkeep_api.document_bytes(p_fields jsonb, p_design jsonb) returns integer
language sql stable parallel safe
return coalesce(pg_column_size(p_fields), 0) + coalesce(pg_column_size(p_design), 0);
comment on function cardkeep_api.document_bytes is 'How many bytes a card''s documents take; null is none. Locks nothing.';

create function cardkeep_api.create_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_base text, m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c_rounds constant integer := 10;
	v_base text := cardkeep_api.slugify(coalesce(p_base, m.name));
	v_slug text;
	v_over boolean := false; -- was found over a quota, and may go on nevertheless
	v_lot double precision := random();
	v_gate double precision := (1000 + cardkeep_api.document_bytes(m.fields_config, m.design_config))
		/ 65536::double precision;
	c cardkeep.business_cards;
	a cardkeep_api.answer;
begin
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('card', p_write::text)) then
		return cardkeep_api.reply(423);
	end if;
	for v_round in 1..c_rounds loop
		v_slug := cardkeep_api.slug_candidate(v_base, v_round);
		-- Seen before it is locked: creations of one popular name do not keep its card locked.
		if not exists (select from cardkeep.business_cards b where b.slug = v_slug)
			and pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', v_slug))
		then
			c := cardkeep_api.insert_card(p_user, p_session, p_write, v_slug, m, v_over);
			if c.id is not null then
				if v_lot < v_gate then
					perform cardkeep_api.note_creation(p_user, v_lot,
						cardkeep_api.document_bytes(c.fields_config, c.design_config), v_gate);
				end if;
				return cardkeep_api.reply(201, 1, cardkeep_api.card_json(c), false,
					case when v_round > 1 then (v_round - 1)::text else '' end);
			end if;
		end if;
		if v_round = 1 then
			perform from cardkeep.business_card_versions h where h.card_id = p_write;
			if found then
				return cardkeep_api.created_before(p_write, p_user);
			end if;
			perform from cardkeep.over_quota q where q.user_id = p_user;
			if found then
				a := cardkeep_api.quota_refusal(p_user, '{cards,creations,documents,history}');
				if a.status is not null then
					return a;
				end if;
				v_over := true;
			end if;
		end if;
	end loop;
	return cardkeep_api.reply(500, 0, '', false, 'slug_exhausted');
end
$$;
comment on function cardkeep_api.create_card_core is 'A card whose id is the write id, with the first free slug: bare, else with six random characters. 201, whose detail counts the slugs that were taken; 201 replayed where the id exists; 409 id_taken; 422 or 429 quota; 423 where somebody holds the id; 500 slug_exhausted after ten slugs. Tries the advisory locks of the id, then of each slug, and where it notes what the account took as judge_quota; never waits.';

create function cardkeep_api.created_before(p_card uuid, p_user uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
	a cardkeep_api.answer;
begin
	perform from cardkeep.pruned_histories p where p.kind = 'business_cards' and p.id = p_card;
	if found then
		select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
		if not found then
			return cardkeep_api.reply(404);
		end if;
		return cardkeep_api.reply_kept(201, c.version, cardkeep_api.card_json(c));
	end if;
	a := cardkeep_api.card_replay(p_card, p_user, 1, 201);
	if a.status = 404 then
		return cardkeep_api.reply(409, 0, '', false, 'id_taken');
	end if;
	return a;
end
$$;
comment on function cardkeep_api.created_before is 'The first answer of a creation: the card as of version 1, or 409 id_taken where it is somebody else''s. Where history no longer tells of version 1 the card as it is, or 404. Locks nothing.';

create function cardkeep_api.card_write_version(p_card uuid, p_expected integer[], p_write uuid,
	p_deletion boolean)
returns integer
language plpgsql stable
as $$
begin
	-- Nearly always there is one, and an array costs more than the look-up.
	if cardinality(p_expected) = 1 then
		return (select h.version from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version = p_expected[1]::bigint + 1
				and h.write_id = p_write and h.is_deletion = p_deletion);
	end if;
	return (select h.version
		from unnest(p_expected) e(version)
		cross join lateral (
			select t.version from cardkeep.business_card_versions t
			where t.card_id = p_card and t.version = e.version::bigint + 1
				and t.write_id = p_write and t.is_deletion = p_deletion
			limit 1) h
		limit 1);
end
$$;
comment on function cardkeep_api.card_write_version is 'The version that this write made, where it was applied before; else null. Reads one history row for each expected version. Locks nothing.';

create function cardkeep_api.change_refused(o cardkeep.business_cards, p_fields jsonb, p_design jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if cardkeep_api.document_bytes(p_fields, p_design)
		<= cardkeep_api.document_bytes(o.fields_config, o.design_config)
	then
		return cardkeep_api.quota_refusal(o.user_id, '{history}');
	end if;
	return cardkeep_api.quota_refusal(o.user_id, '{history,documents}');
end
$$;
comment on function cardkeep_api.change_refused is 'What a change by an account that was found over a quota is told: documents may shrink; null where it may go on. Locks as quota_refusal.';

create function cardkeep_api.update_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[], m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_lot double precision := random();
	v_gate double precision;
	o cardkeep.business_cards;
	n cardkeep.business_cards;
	h cardkeep.business_card_versions;
	a cardkeep_api.answer;
begin
	select b.* into o from cardkeep.business_cards b
	where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
		and not cardkeep_api.card_same(b, m)
		and not exists (select from cardkeep.over_quota q where q.user_id = p_user)
	for no key update skip locked;
	if not found then
		select b.* into o from cardkeep.business_cards b
		where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
			and not cardkeep_api.card_same(b, m)
			and exists (select from cardkeep.over_quota q where q.user_id = p_user)
		for no key update skip locked;
		if not found then
			return cardkeep_api.card_not_applied(p_user, p_write, p_card, p_expected, m);
		end if;
		a := cardkeep_api.change_refused(o, m.fields_config, m.design_config);
		if a.status is not null then
			return a;
		end if;
	end if;
	n := cardkeep_api.change_card(p_card, p_write, m);
	h := cardkeep_api.card_image(o, n, m, p_session);
	insert into cardkeep.business_card_versions values (h.*);
	v_gate := (cardkeep_api.history_bytes(cardkeep_api.document_bytes(o.fields_config, o.design_config))
		+ cardkeep_api.document_bytes(n.fields_config, n.design_config)) / 65536::double precision;
	if v_lot < v_gate then
		perform cardkeep_api.note_change(p_user, v_lot,
			cardkeep_api.history_bytes(cardkeep_api.document_bytes(h.b_fields_config, h.b_design_config)),
			cardkeep_api.document_bytes(n.fields_config, n.design_config), v_gate);
	end if;
	return cardkeep_api.reply(200, n.version, cardkeep_api.card_json(n));
end
$$;
comment on function cardkeep_api.update_card_core is 'Changes a card that is at one of the expected versions, and writes its history; null keeps a field. 200; 422 or 429 quota; else as card_not_applied. Tries the card''s row (no key update, skip locked), and where it notes what the account took locks as judge_quota; never waits; a stale or unchanged request locks nothing.';

create function cardkeep_api.card_not_applied(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
	return cardkeep_api.card_refusal(c, cardkeep_api.card_write_version(p_card, p_expected, p_write,
		false), p_user, p_card, p_expected, m);
end
$$;
comment on function cardkeep_api.card_not_applied is 'What an update that was not applied now comes to: looks for the card and then for the write, and answers as card_refusal. Locks nothing.';

create function cardkeep_api.card_refusal(c cardkeep.business_cards, p_written integer,
	p_user uuid, p_card uuid, p_expected integer[], m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if p_written is not null then
		return cardkeep_api.card_replay(p_card, p_user, p_written, 200);
	end if;
	if c.id is null then
		return cardkeep_api.reply(404);
	end if;
	if c.version = any (p_expected) then
		if cardkeep_api.card_same(c, m) then
			return cardkeep_api.reply_kept(200, c.version, cardkeep_api.card_json(c), false,
				'unchanged');
		end if;
		return cardkeep_api.reply(423, c.version);
	end if;
	return cardkeep_api.card_conflict(c, p_expected, m);
end
$$;
comment on function cardkeep_api.card_refusal is 'The answer to an update that was not applied now, given the card (all null: there is none) and the version that the same write made before, if it did: 200 replayed, 404, 200 unchanged where it changes nothing, 423 where somebody holds the card, else 409 with both sides. Locks nothing.';

create function cardkeep_api.delete_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_lot double precision := random();
	c cardkeep.business_cards;
	h cardkeep.business_card_versions;
begin
	select b.* into c from cardkeep.business_cards b
	where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
	for update skip locked;
	if not found then
		return cardkeep_api.deletion_not_applied(p_user, p_write, p_card, p_expected);
	end if;
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', c.slug)) then
		return cardkeep_api.reply(423, c.version);
	end if;
	h := cardkeep_api.last_image(c, p_session, p_write);
	insert into cardkeep.business_card_versions values (h.*);
	delete from cardkeep.business_cards b where b.id = p_card;
	-- Taken whatever the account has, but not free: who makes cards and deletes them fills a disk too.
	perform cardkeep_api.note_history(p_user, v_lot,
		cardkeep_api.document_bytes(c.fields_config, c.design_config));
	return cardkeep_api.reply(204, c.version + 1);
end
$$;
comment on function cardkeep_api.delete_card_core is 'Deletes a card that is at one of the expected versions, ends its history and retires its slug. 204; else as deletion_not_applied. Tries the card''s row (update, skip locked), then its slug''s advisory lock, so that a creation never waits for it, and where it notes what the account took as judge_quota; never waits.';

create function cardkeep_api.deletion_not_applied(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
	v_version integer;
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
	v_version := cardkeep_api.card_write_version(p_card, p_expected, p_write, true);
	if v_version is not null then
		return cardkeep_api.reply_kept(204, v_version);
	end if;
	if c.id is null then
		return cardkeep_api.reply(404);
	end if;
	if c.version = any (p_expected) then
		return cardkeep_api.reply(423, c.version);
	end if;
	return cardkeep_api.card_conflict(c, p_expected);
end
$$;
comment on function cardkeep_api.deletion_not_applied is 'What a deletion that was not applied now comes to: 204 replayed where it was applied before, 404, 423 where somebody holds the card, else 409. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_core');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_calls') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_calls to pg
--
-- What the service calls: the beginning that all calls have (see beginnings), then the core. p_write is
-- the id of the request; with p_key it is the hash of all that the key is bound to (see writes).


set local role cardkeep_owner;

create function cardkeep_api.check_card(p_token_hash bytea, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	v_version integer;
	v_slug text;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select b.version, b.slug into v_version, v_slug from cardkeep.business_cards b
	where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, v_version, p_detail => v_slug);
end
$$;
comment on function cardkeep_api.check_card is '200 where the caller has this card, with its slug as the detail; 401, 404. Locks nothing.';

create function cardkeep_api.read_card(p_token_hash bytea, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	c cardkeep.business_cards;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, c.version, cardkeep_api.card_json(c));
end
$$;
comment on function cardkeep_api.read_card is 'One of the caller''s cards: 200, 401, 404. Locks nothing.';

create function cardkeep_api.card_cursor(c cardkeep.business_cards) returns text
language sql stable parallel safe
return (extract(epoch from c.created_at) * 1000000)::bigint::text || '-' || c.id::text;
comment on function cardkeep_api.card_cursor is 'Where a page ended: the card''s time of creation in microseconds, and its id. Locks nothing.';

create function cardkeep_api.list_cards(p_token_hash bytea, p_limit integer, p_after_us bigint,
	p_after_id uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c_page_bytes constant integer := 1048576 - 1024;
	v_user uuid;
	v_after timestamptz;
	c cardkeep.business_cards;
	v_item text;
	v_items text[] := '{}';
	v_bytes integer := 0;
	v_cursor text;
	v_last text := '';
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	-- In two parts, as an interval is multiplied by a double, which has no room for so many digits.
	v_after := coalesce('epoch'::timestamptz + p_after_us / 1000000 * interval '1 second'
		+ p_after_us % 1000000 * interval '1 microsecond', 'infinity');
	for c in
		select b.* from cardkeep.business_cards b
		where b.user_id = v_user and (b.created_at, b.id)
			< (v_after, coalesce(p_after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
		order by b.created_at desc, b.id desc
		limit p_limit + 1
	loop
		v_item := cardkeep_api.card_json(c);
		v_bytes := v_bytes + octet_length(v_item) + 1;
		if cardinality(v_items) = p_limit or (v_bytes > c_page_bytes and v_last <> '') then
			v_cursor := v_last;
			exit;
		end if;
		v_items := v_items || v_item;
		v_last := cardkeep_api.card_cursor(c);
	end loop;
	return cardkeep_api.reply(200, 0, '{"cards":[' || array_to_string(v_items, ',')
		|| '],"next":' || coalesce(to_json(v_cursor)::text, 'null') || '}', false, coalesce(v_cursor, ''));
end
$$;
comment on function cardkeep_api.list_cards is 'A page of the caller''s cards, newest first: at most p_limit of them and 1 MiB of JSON, but at least one; next, and detail, say where it ended when more follow. 200, 401. Locks nothing.';

create function cardkeep_api.create_card(p_token_hash bytea, p_write uuid, p_base text,
	m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).replayed then
		return cardkeep_api.created_before(w.id, w.user_id);
	elsif (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.create_card_core(w.user_id, w.session_id, w.id, p_base, m);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is null then
		return cardkeep_api.reply(401);
	end if;
	perform from cardkeep.business_card_versions h
	where h.card_id = w.id and h.version = 1 and h.session_id = w.session_id;
	if found then
		return cardkeep_api.created_before(w.id, w.user_id);
	end if;
	return cardkeep_api.reply(401);
end
$$;
comment on function cardkeep_api.create_card is 'A new card of the caller''s: 201, 401, 409 id_taken, 422 key_reused, 423, 500 slug_exhausted; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as create_card_core; never waits.';

create function cardkeep_api.card_told(w cardkeep_api.write, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if (w.told).replayed then
		return cardkeep_api.card_replay(p_card, w.user_id, (w.told).version, (w.told).status);
	end if;
	return w.told;
end
$$;
comment on function cardkeep_api.card_told is 'What a write that changes a card is told from its key: its first answer, with the card as of then, or the refusal. Locks nothing.';

create function cardkeep_api.card_repeat(w cardkeep_api.write, p_card uuid, p_expected integer[],
	p_deletion boolean default false)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
begin
	if w.session_id is not null then
		v_version := cardkeep_api.card_write_version(p_card, p_expected, w.id, p_deletion);
	end if;
	if v_version is null then
		return cardkeep_api.reply(401);
	elsif p_deletion then
		return cardkeep_api.reply_kept(204, v_version);
	end if;
	return cardkeep_api.card_replay(p_card, w.user_id, v_version, 200);
end
$$;
comment on function cardkeep_api.card_repeat is 'What a write that changes or deletes a card comes to by a session that is over, or by none: its first answer where it was applied while the session lived, else 401. Locks nothing.';

create function cardkeep_api.update_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).status is not null then
		return cardkeep_api.card_told(w, p_card);
	elsif w.live then
		a := cardkeep_api.update_card_core(w.user_id, w.session_id, w.id, p_card, p_expected, m);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.card_repeat(w, p_card, p_expected);
end
$$;
comment on function cardkeep_api.update_card is 'Changes one of the caller''s cards: 200, 401, 404, 409, 422 key_reused, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as update_card_core; never waits.';

create function cardkeep_api.delete_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.delete_card_core(w.user_id, w.session_id, w.id, p_card, p_expected);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.card_repeat(w, p_card, p_expected, true);
end
$$;
comment on function cardkeep_api.delete_card is 'Deletes one of the caller''s cards: 204, 401, 404, 409, 422 key_reused, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as delete_card_core; never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_calls');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_sets') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_sets to pg
--
-- The hot calls, set-wise: arrays in, one row an item out, told apart by `item`. A set costs little
-- more than its longest statement, where single calls pay for each. It does what its single form
-- does and leaves whatever is not plain sailing to it: an item that the set's statements did not
-- serve goes through the single form, one by one. So there is one place that knows the hard cases.
--
-- Statements find rows through `join lateral (... limit 1)` or by ctid, with the joins that scan
-- switched off: a plan that a connection made while the tables were small is kept while they grow,
-- and a hash join over a whole table that was right for ten rows is ruin for ten thousand. The plan
-- is the generic one: a small array makes a plan of its own look cheaper, so that each call would
-- plan anew, which costs more than the call.


set local role cardkeep_owner;

create function cardkeep_api.read_cards(p_token_hash bytea[], p_card text[])
returns table (item integer, status integer, version integer, replayed boolean, detail text,
	body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
	return query
	select n.i::integer, case when s.id is null then 401 when b.id is null then 404 else 200 end,
		coalesce(b.version, 0), false, '',
		case when b.id is null then '' else cardkeep_api.card_json(b) end
	from unnest(p_token_hash, p_card) with ordinality n(token_hash, card, i)
	left join lateral (
		select t.session_id as id, t.user_id from cardkeep_api.begin_read(n.token_hash) t
		limit 1) s on true
	left join lateral (
		select c.* from cardkeep.business_cards c
		where s.id is not null and c.id = n.card::uuid and c.user_id = s.user_id
		limit 1) b on true;
end
$$;
comment on function cardkeep_api.read_cards is 'read_card for each item. Locks nothing.';

create function cardkeep_api.try_key_once(p_user uuid, p_key uuid, p_keys text[], p_item bigint)
returns boolean
language sql volatile
return array_position(p_keys, p_key::text) = p_item and cardkeep_api.try_key(p_user, p_key);
comment on function cardkeep_api.try_key_once is 'try_key for the first item of a set that has the key: locks are re-entrant, so a second one would get it as well. Tries the advisory lock, never waits.';

create function cardkeep_api.create_cards(p_token_hash bytea[], p_write text[], p_name text[],
	p_base text[], p_template text[], p_fields text[], p_design text[], p_public text[],
	p_key text[] default null)
returns table (item integer, status integer, version integer, replayed boolean, detail text,
	body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
	v_writes uuid[]; -- of keyed items: the users' own
	v_now timestamptz := clock_timestamp();
	v_users uuid[];
	v_sessions uuid[];
	v_slugs text[]; -- null: not for the set
	v_taken text[]; -- how many slugs were passed over
	v_done integer[]; -- the items that the set served, and their bodies
	v_bodies text[];
	v_noting integer[]; -- those that drew a lot to note what they took, with it
	v_lots double precision[];
	v_sizes integer[];
begin
	-- Locks first: the insert is a later statement, whose snapshot sees what they guard. The lock
	-- of a key stands for that of the id, which is made of it.
	select array_agg(k.user_id order by k.i), array_agg(k.session_id order by k.i),
		array_agg(k.write order by k.i), array_agg(k.slug order by k.i),
		array_agg(k.taken order by k.i)
	into v_users, v_sessions, v_writes, v_slugs, v_taken
	from (
		select n.i, s.user_id, s.id as session_id,
			case when n.key is null then n.write::uuid
				else cardkeep_api.own_write(s.user_id, n.write::uuid) end as write,
			case when c.slug <> r.slug then '1' else '' end as taken,
			case when s.id is not null
				and not (exists (select from cardkeep.over_quota)
					and exists (select from cardkeep.over_quota q where q.user_id = s.user_id))
				and case when n.key is null
					then pg_try_advisory_xact_lock(cardkeep_api.lock_key('card', n.write))
					else cardkeep_api.try_key_once(s.user_id, n.key::uuid, p_key, n.i) end
				and pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', c.slug))
			then c.slug end as slug
		from unnest(p_token_hash, p_write, p_base, p_name, p_key) with ordinality
			n(token_hash, write, base, name, key, i)
		left join lateral (
			select t.session_id as id, t.user_id from cardkeep_api.begin_read(n.token_hash) t
			limit 1) s on true
		cross join lateral (
			select case when s.id is not null
				then cardkeep_api.slugify(coalesce(n.base, n.name)) end as slug offset 0) r
		cross join lateral (
			-- A popular name is known to be taken without taking its lock.
			select case when s.id is not null and exists (
					select from cardkeep.business_cards b where b.slug = r.slug)
				then cardkeep_api.slug_candidate(r.slug, 2) else r.slug end as slug
			offset 0) c) k;
	if num_nonnulls(variadic p_key) > 0 then
		select array_agg(case when w.key is null then n.slug end order by n.i) into v_slugs
		from unnest(v_slugs, v_users, p_key) with ordinality n(slug, user_id, key, i)
		left join lateral (
			select t.key from cardkeep.writes t
			where t.user_id = n.user_id and t.key = n.key::uuid
			limit 1) w on true;
	end if;

	with item as (
		select * from unnest(v_writes, v_users, v_sessions, v_slugs, p_name, p_template, p_fields,
			p_design, p_public, p_key) with ordinality
			n(id, user_id, session_id, slug, name, template, fields, design, public, key, i)
		where n.slug is not null
	), put as (
		insert into cardkeep.business_cards as b (id, user_id, name, slug, template_type,
			fields_config, design_config, is_public, version, last_write, created_at, updated_at)
		select n.id, n.user_id, n.name, n.slug, coalesce(n.template, 'personal-small'),
			coalesce(n.fields, '{}')::jsonb, coalesce(n.design, '{}')::jsonb,
			coalesce(n.public::boolean, true), 1, n.id, v_now, v_now
		from item n
		where not exists (select from cardkeep.retired_slugs r where r.slug = n.slug)
			and not exists (select from cardkeep.retired_slugs r where r.card_id = n.id)
		on conflict do nothing
		returning b.id, cardkeep_api.card_json(b) as body, random() as lot,
			cardkeep_api.document_bytes(b.fields_config, b.design_config) as bytes
	), kept as (
		insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at)
		select p.id, 1, n.session_id, p.id, v_now from put p join item n on n.id = p.id
	), known as (
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		select n.user_id, n.key::uuid, p.id, 1, 201 from put p join item n on n.id = p.id
		where n.key is not null
	)
	select array_agg(n.i), array_agg(p.body),
		array_agg(n.i) filter (where p.lot < p.share), array_agg(p.lot) filter (where p.lot < p.share),
		array_agg(p.bytes) filter (where p.lot < p.share)
	into v_done, v_bodies, v_noting, v_lots, v_sizes
	from (
		select q.*, greatest(
			(select greatest(l.creation_share, l.card_share) from cardkeep.limits l where l.one),
			(select l.document_share from cardkeep.limits l where l.one) * q.bytes) as share
		from put q) p
	join item n on n.id = p.id;
	if v_noting is not null then
		perform cardkeep_api.note_creation(v_users[t.i], t.lot, t.bytes)
		from unnest(v_noting, v_lots, v_sizes) t(i, lot, bytes);
	end if;

	return query
	select d.i, 201, 1, false, v_taken[d.i], d.body from unnest(v_done, v_bodies) d(i, body);
	if cardinality(v_done) = cardinality(p_write) then
		return;
	end if;
	return query
	select k, a.* from generate_series(1, cardinality(p_write)) k
	cross join lateral cardkeep_api.create_card(p_token_hash[k], p_write[k]::uuid, p_base[k],
		row(p_name[k], p_template[k], p_fields[k]::jsonb, p_design[k]::jsonb, p_public[k]::boolean),
		p_key[k]::uuid) a
	where (k = any (v_done)) is not true;
end
$$;
comment on function cardkeep_api.create_cards is 'create_card for each item; of several items with one key the first is served and the others are settled after it. Tries the advisory lock of each key, or of each id where there is none, then of one slug for each, all before the insert; what that did not serve goes through create_card. Never waits.';

create function cardkeep_api.update_cards(p_token_hash bytea[], p_write text[], p_card text[],
	p_expected text[], p_name text[], p_template text[], p_fields text[], p_design text[],
	p_public text[], p_key text[] default null)
returns table (item integer, status integer, version integer, replayed boolean, detail text,
	body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
	v_users uuid[];
	v_sessions uuid[];
	v_writes uuid[]; -- of keyed items: the users' own; null: not for the set
	v_done integer[]; -- the items that the set served, and what they came to
	v_versions integer[];
	v_bodies text[];
	v_noting integer[]; -- those that drew a lot to note what they took, with it
	v_lots double precision[];
	v_left integer[];
	v_sizes integer[];
begin
	-- Keys first: they are looked up in a later statement, whose snapshot sees what the locks guard.
	select array_agg(s.user_id order by n.i), array_agg(s.id order by n.i),
		array_agg(case
			when s.id is null then null
			when exists (select from cardkeep.over_quota)
				and exists (select from cardkeep.over_quota q where q.user_id = s.user_id) then null
			when n.key is null then n.write::uuid
			when cardkeep_api.try_key_once(s.user_id, n.key::uuid, p_key, n.i)
			then cardkeep_api.own_write(s.user_id, n.write::uuid) end order by n.i)
	into v_users, v_sessions, v_writes
	from unnest(p_token_hash, p_write, p_key) with ordinality n(token_hash, write, key, i)
	left join lateral (
		select t.session_id as id, t.user_id from cardkeep_api.begin_read(n.token_hash) t
		limit 1) s on true;

	if num_nonnulls(variadic p_key) > 0 then
		select array_agg(case when w.key is null then n.write end order by n.i) into v_writes
		from unnest(v_writes, v_users, p_key) with ordinality n(write, user_id, key, i)
		left join lateral (
			select t.key from cardkeep.writes t
			where t.user_id = n.user_id and t.key = n.key::uuid
			limit 1) w on true;
	end if;

	with held as materialized (
		select n.i, n.write, n.key, n.user_id, n.session_id, b.ctid as at, b.name, b.template_type, b.fields_config,
			b.design_config, b.is_public, n.name as new_name, n.template as new_template,
			n.fields as new_fields, n.design as new_design, n.public as new_public
		from (
			select u.i, u.card::uuid as card, u.user_id, u.session_id, u.write,
				u.expected::integer[] as expected, u.name, u.template, u.fields::jsonb as fields,
				u.design::jsonb as design, u.public::boolean as public, u.key::uuid as key
			from unnest(p_card, v_users, v_sessions, v_writes, p_expected, p_name, p_template,
				p_fields, p_design, p_public, p_key) with ordinality
				u(card, user_id, session_id, write, expected, name, template, fields, design,
					public, key, i)
			where u.write is not null and u.user_id is not null) n
		join lateral (
			select c.ctid, c.* from cardkeep.business_cards c
			where c.id = n.card and c.user_id = n.user_id and c.version = any (n.expected)
				and not cardkeep_api.card_same(c,
					row(n.name, n.template, n.fields, n.design, n.public))
			limit 1
			for no key update skip locked) b on true
	), up as (
		update cardkeep.business_cards b
		set name = coalesce(h.new_name, b.name),
			template_type = coalesce(h.new_template, b.template_type),
			fields_config = coalesce(h.new_fields, b.fields_config),
			design_config = coalesce(h.new_design, b.design_config),
			is_public = coalesce(h.new_public, b.is_public), version = b.version + 1,
			last_write = h.write, updated_at = greatest(clock_timestamp(), b.updated_at)
		from held h
		where b.ctid = h.at
		returning b.id, b.version, b.last_write, b.updated_at, cardkeep_api.card_json(b) as body,
			h.i, h.key, h.user_id, h.session_id, nullif(h.name, b.name) as o_name,
			nullif(h.template_type, b.template_type) as o_template,
			case when h.new_fields is not null
				then cardkeep_api.image(h.fields_config, h.new_fields) end as o_fields,
			case when h.new_design is not null
				then cardkeep_api.image(h.design_config, h.new_design) end as o_design,
			nullif(h.is_public, b.is_public) as o_public,
			random() as lot, cardkeep_api.document_bytes(b.fields_config, b.design_config) as bytes
	), kept as (
		insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at,
			b_name, b_template_type, b_fields_config, b_design_config, b_is_public)
		select p.id, p.version, p.session_id, p.last_write, p.updated_at, p.o_name, p.o_template,
			p.o_fields, p.o_design, p.o_public
		from up p
	), known as (
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		select p.user_id, p.key, p.last_write, p.version, 200 from up p where p.key is not null
	)
	select array_agg(p.i), array_agg(p.version), array_agg(p.body),
		array_agg(p.i) filter (where p.lot < p.share), array_agg(p.lot) filter (where p.lot < p.share),
		array_agg(p.past) filter (where p.lot < p.share),
		array_agg(p.bytes) filter (where p.lot < p.share)
	into v_done, v_versions, v_bodies, v_noting, v_lots, v_left, v_sizes
	from (
		select q.*, greatest((select l.history_share from cardkeep.limits l where l.one) * q.past,
			(select l.document_share from cardkeep.limits l where l.one) * q.bytes) as share
		from (
			select u.*, cardkeep_api.history_bytes(
				cardkeep_api.document_bytes(u.o_fields, u.o_design)) as past
			from up u) q) p;
	if v_noting is not null then
		perform cardkeep_api.note_change(v_users[t.i], t.lot, t.past, t.bytes)
		from unnest(v_noting, v_lots, v_left, v_sizes) t(i, lot, past, bytes);
	end if;

	return query
	select d.i, 200, d.version, false, '', d.body
	from unnest(v_done, v_versions, v_bodies) d(i, version, body);
	if cardinality(v_done) = cardinality(p_card) then
		return;
	end if;
	-- One snapshot shows the card and its history, so a repeat cannot slip between the two.
	return query
	select n.i::integer, a.*
	from unnest(p_card, v_users, v_sessions, v_writes, p_expected, p_name, p_template, p_fields,
		p_design, p_public) with ordinality
		n(card, user_id, session_id, write, expected, name, template, fields, design, public, i)
	left join lateral (
		select c.* from cardkeep.business_cards c
		where c.id = n.card::uuid and c.user_id = n.user_id
		limit 1) b on true
	left join lateral (
		-- One by one: of an array the plan would make a filter over the whole history.
		select h.version from unnest(n.expected::integer[]) e(version)
		cross join lateral (
			select t.version from cardkeep.business_card_versions t
			where t.card_id = n.card::uuid and t.version = e.version::bigint + 1
				and t.write_id = n.write and not t.is_deletion
			limit 1) h
		limit 1) w on true
	cross join lateral cardkeep_api.card_refusal(b, w.version, n.user_id, n.card::uuid,
		n.expected::integer[], row(n.name, n.template, n.fields::jsonb, n.design::jsonb,
			n.public::boolean)) a
	where n.session_id is not null and n.write is not null and (n.i = any (v_done)) is not true;
	if array_position(v_sessions, null) is null and array_position(v_writes, null) is null then
		return;
	end if;
	return query
	select k, a.* from generate_series(1, cardinality(p_card)) k
	cross join lateral cardkeep_api.update_card(p_token_hash[k], p_write[k]::uuid, p_card[k]::uuid,
		p_expected[k]::integer[], row(p_name[k], p_template[k], p_fields[k]::jsonb,
			p_design[k]::jsonb, p_public[k]::boolean), p_key[k]::uuid) a
	where v_sessions[k] is null or v_writes[k] is null;
end
$$;
comment on function cardkeep_api.update_cards is 'update_card for each item; of several items that fit the version of a card, or have one key, one is applied and the others are settled after it. Tries the keys, then the rows (no key update, skip locked) in one statement; what that did not serve is answered as in update_card, or goes through it where its key is held or spent. Never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_sets');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'profile_calls') then
return;
end if;
execute $sql$
-- Deploy cardkeep:profile_calls to pg
--
-- What the service calls: the beginning that all calls have (see beginnings), then the core. p_kind says
-- which of the two profiles is meant, by the name of its table.


set local role cardkeep_owner;

create function cardkeep_api.read_own_profile(p_kind text, p_token_hash bytea)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	p cardkeep_api.profile;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	p := cardkeep_api.read_profile(p_kind, v_user);
	return cardkeep_api.reply(200, p.version, cardkeep_api.profile_json(p_kind, p));
end
$$;
comment on function cardkeep_api.read_own_profile is 'The caller''s profile, at version 0 and empty where it was never written: 200, 401. Locks nothing.';

create function cardkeep_api.profile_told(w cardkeep_api.write, p_kind text)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if (w.told).replayed then
		return cardkeep_api.profile_answered(p_kind, w.user_id, (w.told).version);
	end if;
	return w.told;
end
$$;
comment on function cardkeep_api.profile_told is 'As card_told, for a profile. Locks nothing.';

create function cardkeep_api.profile_repeat(w cardkeep_api.write, p_kind text, p_expected integer[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	if w.session_id is not null then
		a := cardkeep_api.profile_replay(p_kind, w.user_id, p_expected, w.id);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.profile_repeat is 'As card_repeat, for a profile. Locks nothing.';

create function cardkeep_api.save_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).status is not null then
		return cardkeep_api.profile_told(w, p_kind);
	elsif w.live then
		a := cardkeep_api.save_profile_core(p_kind, w.user_id, w.session_id, w.id, p_expected,
			p_patch);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.profile_repeat(w, p_kind, p_expected);
end
$$;
comment on function cardkeep_api.save_own_profile is 'Changes the caller''s profile: 200, 201 for the first write, 401, 409, 422 key_reused, 423; the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as save_profile_core; never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('profile_calls');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'card_functions') then
return;
end if;
execute $sql$
-- Deploy cardkeep:card_functions to pg
--
-- The promised functions on cards. Their callers are people and their programs, who expect to wait
-- for a row that somebody holds: so the update waits first, and then goes through the core.


set local role cardkeep_owner;

create function cardkeep_api.clean_name(p_name text) returns text
language sql immutable parallel safe
return case
	-- Four characters become one at most, so a longer one is too long however it is put, and the
	-- table says so. To normalise takes time by the square of a run of marks: 800 take about 15 ms.
	when octet_length(p_name) > 3200 or char_length(p_name) > 800 then p_name
	else normalize(regexp_replace(p_name, '^\s+|\s+$', '', 'g')) end;
comment on function cardkeep_api.clean_name is 'A card''s name as it is kept: trimmed, NFC; what has more than 800 characters is left as it is, and is no name. Locks nothing.';

create function cardkeep_api.must_fit(p_fields jsonb, p_design jsonb) returns void
language plpgsql immutable parallel safe
as $$
declare
	v_fault text := coalesce(cardkeep_api.document_fault(p_fields),
		cardkeep_api.document_fault(p_design));
begin
	if v_fault is not null then
		raise exception '%', v_fault
			using errcode = 'check_violation', hint = 'Numbers are printed without exponents.';
	end if;
end
$$;
comment on function cardkeep_api.must_fit is 'Raises 23514 where one of the documents is too large, or has too many keys. Locks nothing.';

create function cardkeep_api.must_be_within(a cardkeep_api.answer) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
	if a.detail = 'quota' then
		raise exception '%', a.body using errcode = 'program_limit_exceeded';
	end if;
end
$$;
comment on function cardkeep_api.must_be_within is 'Raises 54000 where the answer is that the account is over a quota. Locks nothing.';

create function cardkeep.create_business_card_atomic(p_user_id uuid, p_name text,
	p_base_slug text default null, p_template_type text default null,
	p_fields_config jsonb default null, p_design_config jsonb default null)
returns table (id uuid, slug text, name text, created_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_name text := cardkeep_api.clean_name(p_name);
	a cardkeep_api.answer;
	v_id uuid := gen_random_uuid();
begin
	if p_user_id is null or coalesce(v_name, '') = '' then
		raise exception 'p_user_id and p_name must be given' using errcode = 'invalid_parameter_value';
	end if;
	perform cardkeep_api.must_fit(p_fields_config, p_design_config);
	perform cardkeep_api.must_be_open(p_user_id);
	a := cardkeep_api.create_card_core(p_user_id, null, v_id, p_base_slug,
		cardkeep_api.change_of(v_name, p_template_type, p_fields_config, p_design_config));
	perform cardkeep_api.must_be_within(a);
	if a.status <> 201 then
		raise exception 'no free slug for "%"', cardkeep_api.slugify(coalesce(p_base_slug, v_name))
			using errcode = 'unique_violation', hint = 'Call again, or with another base slug.';
	end if;
	return query select b.id, b.slug, b.name, b.created_at
	from cardkeep.business_cards b where b.id = v_id;
end
$$;
comment on function cardkeep.create_business_card_atomic is 'A new card at version 1 with a slug of its own, by default made from the name; null takes a field''s default. Raises 22023 without user or name, 23503 for an unknown or closed user, 23514 for what no card may hold, 23505 where ten slugs were taken. Tries the advisory locks of the slugs, never waits for another creation.';

create function cardkeep_api.card_update_told(a cardkeep_api.answer, out success boolean,
	out new_version integer, out message text)
language sql immutable parallel safe
return (a.status = 200, nullif(a.version, 0), case a.status when 200 then 'Card updated'
	when 404 then 'Card not found' else 'Version conflict' end);
comment on function cardkeep_api.card_update_told is 'What an update came to, as update_business_card_optimistic tells it. Locks nothing.';

create function cardkeep.update_business_card_optimistic(p_card_id uuid, p_user_id uuid,
	p_expected_version integer, p_name text default null, p_template_type text default null,
	p_fields_config jsonb default null, p_design_config jsonb default null,
	p_is_public boolean default null)
returns table (success boolean, new_version integer, message text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	a cardkeep_api.answer;
begin
	perform cardkeep_api.must_fit(p_fields_config, p_design_config);
	perform from cardkeep.business_cards b where b.id = p_card_id and b.user_id = p_user_id
	for no key update;
	-- A card of a closed account is no card.
	perform from cardkeep.users u where u.id = p_user_id and u.closed_at is not null;
	if found then
		return query select t.* from cardkeep_api.card_update_told(cardkeep_api.reply(404)) t;
		return;
	end if;
	a := cardkeep_api.update_card_core(p_user_id, null, gen_random_uuid(), p_card_id,
		array[p_expected_version], cardkeep_api.change_of(cardkeep_api.clean_name(p_name),
			p_template_type, p_fields_config, p_design_config, p_is_public));
	perform cardkeep_api.must_be_within(a);
	return query select t.* from cardkeep_api.card_update_told(a) t;
end
$$;
comment on function cardkeep.update_business_card_optimistic is 'Changes a card of the user''s that is at the expected version; null keeps a field. One row: success true, ''Card updated'' and the version it is at now (the same where nothing changed); success false, ''Version conflict'' and the current version; success false, ''Card not found'' and null where the user has no such card. Raises 23514 for what no card may hold. Waits for the card''s row (no key update).';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('card_functions');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'profile_functions') then
return;
end if;
execute $sql$
-- Deploy cardkeep:profile_functions to pg
--
-- The promised functions on profiles. Their callers are people and their programs, who expect to
-- wait for a row that somebody holds: so they wait first, and then go through the core.


set local role cardkeep_owner;

create function cardkeep_api.profile_upsert_told(a cardkeep_api.answer, out success boolean,
	out new_version integer, out message text, out is_new boolean)
language sql immutable parallel safe
return (a.status in (200, 201), a.version, case a.status when 200 then 'Profile updated'
	when 201 then 'Profile created' else 'Version conflict' end, a.status = 201);
comment on function cardkeep_api.profile_upsert_told is 'What a save came to, as the promised functions tell it. Locks nothing.';

create function cardkeep_api.upsert_profile(p_kind text, p_user uuid, p_expected integer,
	p_patch jsonb, out success boolean, out new_version integer, out message text,
	out is_new boolean)
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	if p_user is null then
		raise exception 'p_user_id must not be null' using errcode = 'null_value_not_allowed';
	end if;
	perform cardkeep_api.must_be_open(p_user);
	if not cardkeep_api.await_profile(p_kind, p_user) then
		perform pg_advisory_xact_lock(cardkeep_api.lock_key(p_kind, p_user::text));
		perform cardkeep_api.await_profile(p_kind, p_user);
	end if;
	a := cardkeep_api.save_profile_core(p_kind, p_user, null, gen_random_uuid(),
		array[coalesce(p_expected, 0)], jsonb_strip_nulls(p_patch));
	perform cardkeep_api.must_be_within(a);
	select t.* into success, new_version, message, is_new
	from cardkeep_api.profile_upsert_told(a) t;
end
$$;
comment on function cardkeep_api.upsert_profile is 'Either profile''s upsert for direct callers. Waits for the profile''s row (no key update), or where there is none for the advisory lock of the first profile and then again for the row.';

create function cardkeep.upsert_personal_info_optimistic(p_user_id uuid,
	p_expected_version integer,
	p_full_name text default null, p_primary_email text default null,
	p_secondary_email text default null, p_primary_phone text default null,
	p_secondary_phone text default null, p_website text default null,
	p_address text default null)
returns table (success boolean, new_version integer, message text, is_new boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return query select u.success, u.new_version, u.message, u.is_new
	from cardkeep_api.upsert_profile('personal_info', p_user_id, p_expected_version,
		jsonb_build_object('full_name', p_full_name, 'primary_email', p_primary_email,
			'secondary_email', p_secondary_email, 'primary_phone', p_primary_phone,
			'secondary_phone', p_secondary_phone, 'website', p_website, 'address', p_address)) u;
end
$$;
comment on function cardkeep.upsert_personal_info_optimistic is 'Writes the personal profile of a user who expects its version, 0 or null where there is none yet. Null keeps a field, the empty string clears it. One row: success true and ''Profile created'' (is_new) or ''Profile updated'' with the version it is at now; success false, ''Version conflict'' and the current version (0: none yet) where another came first. Raises 23503 for an unknown or closed user, 22004 for none, 54000 where the account''s changes left too much history today. Waits for the profile''s row, or for another first write.';

create function cardkeep.upsert_professional_info_optimistic(p_user_id uuid,
	p_expected_version integer,
	p_job_title text default null, p_company_name text default null,
	p_department text default null, p_work_email text default null,
	p_work_phone text default null, p_work_address text default null,
	p_company_website text default null, p_linkedin_url text default null)
returns table (success boolean, new_version integer, message text, is_new boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return query select u.success, u.new_version, u.message, u.is_new
	from cardkeep_api.upsert_profile('professional_info', p_user_id, p_expected_version,
		jsonb_build_object('job_title', p_job_title, 'company_name', p_company_name,
			'department', p_department, 'work_email', p_work_email, 'work_phone', p_work_phone,
			'work_address', p_work_address, 'company_website', p_company_website,
			'linkedin_url', p_linkedin_url)) u;
end
$$;
comment on function cardkeep.upsert_professional_info_optimistic is 'Writes the professional profile of a user who expects its version, 0 or null where there is none yet. Null keeps a field, the empty string clears it. One row: success true and ''Profile created'' (is_new) or ''Profile updated'' with the version it is at now; success false, ''Version conflict'' and the current version (0: none yet) where another came first. Raises 23503 for an unknown or closed user, 22004 for none, 54000 where the account''s changes left too much history today. Waits for the profile''s row, or for another first write.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('profile_functions');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'erasure') then
return;
end if;
execute $sql$
-- Deploy cardkeep:erasure to pg
--
-- An account goes with all it has. What stays is the slugs, which nobody gets again, without a word
-- about whose they were.
--
-- It goes in two parts, for it may have any number of cards, and gigabytes of history. Closing takes
-- one short transaction whatever there is: address, password and live sessions go, the mark at the
-- account's row says that what it has is nobody's. Erasing is apart from any request: step by step,
-- each a short transaction that deletes a bounded number of rows and bytes, by the service between
-- its waves, or by an operator at once. History goes before its card, whose row is held meanwhile, so
-- nobody adds to it; the account's row goes last, so what was left out, because somebody held it or it
-- came while the account was closed, is found by a later step.
--
-- Direct SQL that deletes the account's row itself gets all of it in one statement, by the triggers.


set local role cardkeep_owner;

create function cardkeep.forget_cards() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := array(
		select b.id from cardkeep.business_cards b where b.user_id = old.id
		union all
		select r.card_id from cardkeep.retired_slugs r
		where r.user_id = old.id and r.card_id is not null);
begin
	delete from cardkeep.business_cards b where b.user_id = old.id;
	update cardkeep.retired_slugs r set user_id = null where r.user_id = old.id;
	delete from cardkeep.business_card_versions h where h.card_id = any (v_cards);
	delete from cardkeep.pruned_histories p where p.kind = 'business_cards' and p.id = any (v_cards);
	return old;
end
$$;
comment on function cardkeep.forget_cards is 'Before an account goes: its cards go, and the history of all it ever had; their slugs stay retired. The account''s row is locked by the deletion; waits for the cards'' rows, and for the advisory locks of young cards'' slugs.';

create function cardkeep.forget_profiles() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.personal_info_versions h where h.user_id = old.id;
	delete from cardkeep.professional_info_versions h where h.user_id = old.id;
	delete from cardkeep.pruned_histories p
	where p.kind in ('personal_info', 'professional_info') and p.id = old.id;
	return null;
end
$$;
comment on function cardkeep.forget_profiles is 'After an account went: the history of its profiles goes. Nothing else can hold those rows by then, so it waits for nobody.';

create function cardkeep.forget_keys() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.writes w
	where w.ctid = any (array(
		select o.ctid from cardkeep.writes o where o.user_id = old.id for update skip locked));
	return null;
end
$$;
comment on function cardkeep.forget_keys is 'After an account went: its keys go, but for those that the sweep has in hand. Tries the rows (update, skip locked), never waits.';

create function cardkeep_api.close_account(p_user uuid, p_write uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.end_live_sessions(p_user, p_write);
	update cardkeep.users u set email = null, password_hash = null, password_write = null,
		closed_at = clock_timestamp(), updated_at = clock_timestamp()
	where u.id = p_user;
end
$$;
comment on function cardkeep_api.close_account is 'From now on the account''s address is free, its sessions are over, nobody signs in, and erase_step erases it. The caller holds the account''s row; waits for its live sessions'' rows where the caller does not hold them.';

create function cardkeep_api.erasure_cost(p_bytes integer) returns integer
language sql immutable parallel safe
return 1 + p_bytes / 8192;
comment on function cardkeep_api.erasure_cost is 'What a row counts in a step of erasure: one, and one more for each 8 KiB of documents that are stored apart from it. Locks nothing.';

create function cardkeep_api.erase_card_versions(p_cards uuid[], p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
	v_rows tid[];
	v_cost bigint;
begin
	select array_agg(w.ctid), max(w.cost) into v_rows, v_cost
	from (
		-- The first row is always taken, whatever it costs.
		select r.ctid, sum(r.cost) over (order by r.nth) as cost, r.nth
		from (
			select h.ctid, row_number() over () as nth,
				cardkeep_api.erasure_cost(coalesce(pg_column_size(h.b_fields_config), 0)
					+ coalesce(pg_column_size(h.b_design_config), 0)) as cost
			from unnest(p_cards) c(id)
			cross join lateral (
				select v.ctid, v.b_fields_config, v.b_design_config
				from cardkeep.business_card_versions v where v.card_id = c.id
				order by v.version limit p_limit) h
			limit p_limit) r) w
	where w.cost <= p_limit or w.nth = 1;
	delete from cardkeep.business_card_versions h where h.ctid = any (v_rows);
	return coalesce(v_cost, 0);
end
$$;
comment on function cardkeep_api.erase_card_versions is 'Deletes history of these cards, oldest first, up to the limit by erasure_cost, and says what that cost. The caller holds the cards, or they are gone; waits for nobody.';

create function cardkeep_api.cards_without_history(p_cards uuid[]) returns uuid[]
language sql stable
return array(select c.id from unnest(p_cards) c(id)
	left join lateral (
		select true as kept from cardkeep.business_card_versions v where v.card_id = c.id limit 1) v
		on true
	where v.kept is null);
comment on function cardkeep_api.cards_without_history is 'Which of these cards have no history. Locks nothing.';

create function cardkeep_api.forget_pruned(p_kind text, p_ids uuid[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.pruned_histories p where p.kind = p_kind and p.id = any (p_ids);
	-- Of a later change, which may not be there yet: rows from before Cardkeep.
	if p_kind = 'business_cards' and to_regproc('cardkeep_legacy.forget_row') is not null then
		perform cardkeep_legacy.forget_row(p_kind, p_ids);
	end if;
end
$$;
comment on function cardkeep_api.forget_pruned is 'Deletes what is noted about histories that are gone. Waits for a step of pruning at them.';

create function cardkeep_api.erasable_cards(p_user uuid, p_limit integer) returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c_young constant integer := 100; -- as many locks at most
	v_minute timestamptz := clock_timestamp() - interval '1 minute';
	v_cards uuid[] := array(
		select b.id from cardkeep.business_cards b
		where b.user_id = p_user and b.created_at <= v_minute
		order by b.created_at, b.id limit p_limit for update skip locked);
begin
	if v_cards <> '{}' then
		return v_cards;
	end if;
	return array(
		select y.id from (
			select b.id, b.slug from cardkeep.business_cards b
			where b.user_id = p_user
			order by b.created_at, b.id limit least(p_limit, c_young) for update skip locked) y
		where pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', y.slug)));
end
$$;
comment on function cardkeep_api.erasable_cards is 'Some cards of a closed account, held: the older ones first, and when there are none at most 100 that are younger than a minute, with the advisory locks of their slugs (see card_triggers). Tries the rows (update, skip locked), then those locks; never waits.';

create function cardkeep_api.erase_cards(p_user uuid, p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := cardkeep_api.erasable_cards(p_user, greatest(p_limit / 4, 1));
	v_cost integer;
begin
	if v_cards = '{}' then
		return 0;
	end if;
	v_cost := cardkeep_api.erase_card_versions(v_cards, p_limit);
	v_cards := cardkeep_api.cards_without_history(v_cards);
	delete from cardkeep.business_cards b where b.id = any (v_cards);
	perform cardkeep_api.forget_pruned('business_cards', v_cards);
	return v_cost + cardinality(v_cards);
end
$$;
comment on function cardkeep_api.erase_cards is 'A step through the cards of a closed account: deletes history up to the limit, then the cards that have none left, whose slugs are retired. What that cost; 0 where there was nothing to be had. Locks as erasable_cards.';

create function cardkeep_api.erase_graves(p_user uuid, p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_slugs text[] := array(
		select r.slug from cardkeep.retired_slugs r
		where r.user_id = p_user limit greatest(p_limit / 4, 1) for update skip locked);
	v_cards uuid[] := array(
		select r.card_id from cardkeep.retired_slugs r
		where r.slug = any (v_slugs) and r.card_id is not null);
	v_cost integer := cardkeep_api.erase_card_versions(v_cards, p_limit);
begin
	v_cards := cardkeep_api.cards_without_history(v_cards);
	update cardkeep.retired_slugs r set user_id = null
	where r.slug = any (v_slugs) and (r.card_id is null or r.card_id = any (v_cards));
	perform cardkeep_api.forget_pruned('business_cards', v_cards);
	return v_cost + cardinality(v_slugs);
end
$$;
comment on function cardkeep_api.erase_graves is 'A step through the cards that a closed account had deleted before: deletes their history up to the limit, then whose they were. What that cost. Tries the retired slugs'' rows (update, skip locked), never waits.';

create function cardkeep_api.erase_profile(p_kind text, p_user uuid, p_limit integer)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_count integer;
begin
	if not cardkeep_api.hold_profile(p_kind, p_user) then
		return 0;
	elsif p_kind = 'personal_info' then
		delete from cardkeep.personal_info_versions h where h.ctid = any (array(
			select v.ctid from cardkeep.personal_info_versions v where v.user_id = p_user
			order by v.version limit p_limit));
		get diagnostics v_count = row_count;
		if v_count < p_limit then
			delete from cardkeep.personal_info p where p.user_id = p_user;
		end if;
	else
		delete from cardkeep.professional_info_versions h where h.ctid = any (array(
			select v.ctid from cardkeep.professional_info_versions v where v.user_id = p_user
			order by v.version limit p_limit));
		get diagnostics v_count = row_count;
		if v_count < p_limit then
			delete from cardkeep.professional_info p where p.user_id = p_user;
		end if;
	end if;
	perform cardkeep_api.forget_pruned(p_kind, array[p_user]);
	return v_count;
end
$$;
comment on function cardkeep_api.erase_profile is 'A step through a profile of a closed account: deletes history up to the limit, then the profile. How many versions went; 0 where somebody holds the profile. Tries its row (no key update, skip locked), never waits.';

create function cardkeep_api.erase_entries(p_user uuid, p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_sessions integer;
	v_keys integer;
begin
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o where o.user_id = p_user
		limit p_limit for update skip locked));
	get diagnostics v_sessions = row_count;
	delete from cardkeep.writes w where w.ctid = any (array(
		select o.ctid from cardkeep.writes o where o.user_id = p_user
		limit p_limit for update skip locked));
	get diagnostics v_keys = row_count;
	delete from cardkeep.ledger g where g.ctid = any (array(
		select o.ctid from cardkeep.ledger o where o.user_id = p_user limit p_limit));
	delete from cardkeep.over_quota q where q.user_id = p_user;
	return v_sessions + v_keys;
end
$$;
comment on function cardkeep_api.erase_entries is 'A step through the sessions and the keys of a closed account, each up to the limit, and what is noted of its quotas. How many sessions and keys went. Tries their rows (update, skip locked), never waits.';

create function cardkeep_api.erase_account(p_user uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform from cardkeep.users u where u.id = p_user for update skip locked;
	if not found
		or exists (select from cardkeep.business_cards b where b.user_id = p_user)
		or exists (select from cardkeep.retired_slugs r where r.user_id = p_user)
		or exists (select from cardkeep.personal_info p where p.user_id = p_user)
		or exists (select from cardkeep.professional_info p where p.user_id = p_user)
		or exists (select from cardkeep.sessions s where s.user_id = p_user)
	then
		return false;
	end if;
	delete from cardkeep.users u where u.id = p_user;
	return true;
end
$$;
comment on function cardkeep_api.erase_account is 'Deletes the row of a closed account, unless there is anything left of it: whether it went. Tries the row (update, skip locked), so that whoever is still adding to the account has ended; never waits.';

create function cardkeep_api.erase_step(p_after uuid, p_limit integer)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
	c_start constant uuid := '00000000-0000-0000-0000-000000000000';
	v_user uuid;
	v_spent integer;
	v_all integer := 0;
	v_gone boolean;
begin
	select u.id into v_user from cardkeep.users u
	where u.closed_at is not null and u.id > coalesce(p_after, c_start)
	order by u.id limit 1 for no key update skip locked;
	if not found then
		return cardkeep_api.reply(200);
	end if;
	for v_part in 1..5 loop
		v_spent := case v_part when 1 then cardkeep_api.erase_cards(v_user, p_limit)
			when 2 then cardkeep_api.erase_graves(v_user, p_limit)
			when 3 then cardkeep_api.erase_profile('personal_info', v_user, p_limit)
			when 4 then cardkeep_api.erase_profile('professional_info', v_user, p_limit)
			else cardkeep_api.erase_entries(v_user, p_limit) end;
		v_all := v_all + v_spent;
		exit when v_all >= p_limit / 4;
	end loop;
	v_gone := cardkeep_api.erase_account(v_user);
	-- While something went, there may be more of it: the next step looks at this account again.
	return cardkeep_api.reply(200, v_all + v_gone::integer, '', false,
		case when v_gone or v_all = 0 then v_user else coalesce(p_after, c_start) end::text);
end
$$;
comment on function cardkeep_api.erase_step is 'One small step of erasing closed accounts, after the id p_after (null: from the start): deletes of the next one rows up to p_limit or little more, as erasure_cost counts them. Version says how many that were, detail after which id the next step goes on, empty at the end. Accounts that another step has in hand, and rows that somebody holds, are passed over for the next time. Tries the account''s row (no key update, skip locked), then as each part; never waits.';

create trigger forget_cards before delete on cardkeep.users
	for each row execute function cardkeep.forget_cards();
create trigger forget_profiles after delete on cardkeep.users
	for each row execute function cardkeep.forget_profiles();
create trigger forget_keys after delete on cardkeep.users
	for each row execute function cardkeep.forget_keys();

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('erasure');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'account_changes') then
return;
end if;
execute $sql$
-- Deploy cardkeep:account_changes to pg
--
-- What an account's owner does to the account itself, as the service calls it: another password,
-- the end of many sessions at once, the end of it all. A password is checked outside, so each call
-- brings the hash that was checked, which must still be the account's when the change is made.
--
-- These leave no history row, so what their repeat finds is kept elsewhere: with the account, with
-- the sessions that were ended, and for an account that is closed in a table of its own. Under a key
-- (see writes) a deletion's write id is made of the token in place of the user, who will be gone.


set local role cardkeep_owner;

create table cardkeep.closed_accounts (
	write_id uuid primary key,
	token_hash bytea not null,
	at timestamptz not null default clock_timestamp()
);
create index closed_accounts_token on cardkeep.closed_accounts (token_hash);
comment on table cardkeep.closed_accounts is 'Accounts that their owners deleted: by which request, so that its repeat finds itself, and nothing about whose they were';
comment on column cardkeep.closed_accounts.token_hash is 'SHA-256 of the token that the request came with: the repeat comes with the same one';

create function cardkeep_api.account_closed(p_token_hash bytea, p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	perform from cardkeep.closed_accounts c
	where c.write_id = p_write and c.token_hash = p_token_hash;
	if found then
		return cardkeep_api.reply_kept(204);
	end if;
	return cardkeep_api.reply(401);
end
$$;
comment on function cardkeep_api.account_closed is 'What a request of an unknown token comes to: 204 replayed where it deleted its account, else 401. Locks nothing.';

create function cardkeep_api.password_replay(p_user uuid, p_write uuid) returns cardkeep_api.answer
language sql volatile
begin atomic
	select cardkeep_api.reply_kept(204, 0, '', true,
		case when u.password_write = p_write then u.password_hash else '' end)
	from cardkeep.users u
	where u.id = p_user;
end;
comment on function cardkeep_api.password_replay is 'The first answer of a change of password under a key, with the hash of the password that it set if that is the account''s still: passwords are no part of what a key is bound to, so the caller has yet to see that this is the same one. Locks nothing.';

create function cardkeep_api.read_password(p_token_hash bytea, p_write uuid default null,
	p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	u cardkeep.users;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	-- The deletion of the account ended the session, which goes with it.
	if w.live is not true then
		a := cardkeep_api.account_closed(p_token_hash,
			cardkeep_api.token_write(p_token_hash, p_write));
		if a.replayed or w.session_id is null then
			return a;
		end if;
	end if;
	if (w.told).replayed then
		return cardkeep_api.password_replay(w.user_id, w.id);
	elsif (w.told).status is not null then
		return w.told;
	end if;
	select t.* into u from cardkeep.users t where t.id = w.user_id;
	if u.id is null or not w.live then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, '', false, u.password_hash);
end
$$;
comment on function cardkeep_api.read_password is 'Before a call that takes the password: 200 with the password hash of the caller''s account, for its password to be checked; 401. Where that call was made before under this key: 204 replayed, with the hash of the password that it set if that is the account''s still; 422 key_reused; 423 key_busy. Tries the key; never waits.';

create function cardkeep_api.lock_sessions(p_user uuid, p_but uuid default null) returns boolean
language plpgsql volatile
as $$
declare
	v_locked bigint;
	v_live bigint;
begin
	select count(*) into v_locked from (
		select from cardkeep.sessions s
		where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s)
		for no key update skip locked) l;
	select count(*) into v_live from cardkeep.sessions s
	where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s);
	return v_locked >= v_live;
end
$$;
comment on function cardkeep_api.lock_sessions is 'Whether all live sessions of an account, but one, could be locked: then none of them is changed by anybody else. Tries their rows (no key update, skip locked), never waits.';

create function cardkeep_api.end_live_sessions(p_user uuid, p_write uuid, p_but uuid default null)
returns void
language plpgsql volatile
as $$
begin
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = p_write
	where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s);
end
$$;
comment on function cardkeep_api.end_live_sessions is 'Ends all live sessions of an account, but one. The caller holds their rows.';

create function cardkeep_api.end_sessions(p_token_hash bytea, p_write uuid, p_others boolean,
	p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	s cardkeep.sessions;
	v_locked boolean;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if not found then
		return cardkeep_api.reply(401);
	elsif (w.told).status is not null then
		return w.told;
	end if;
	v_locked := cardkeep_api.lock_sessions(w.user_id, case when p_others then w.session_id end);
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	-- The repeat first: the first time may have ended the very session that asks.
	perform from cardkeep.sessions t where t.ended_by = w.id and (t.user_id = s.user_id) is true;
	if found then
		return cardkeep_api.reply_kept(204);
	end if;
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.reply(401);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	perform cardkeep_api.end_live_sessions(s.user_id, w.id, case when p_others then s.id end);
	return cardkeep_api.end_write(w, cardkeep_api.reply(204));
end
$$;
comment on function cardkeep_api.end_sessions is 'Ends all sessions of the caller''s account, or all but the caller''s own. 204; 204 replayed, also where it ended the caller''s own; 401; 422 key_reused; 423 where somebody holds one of them. Tries the key, then the sessions'' rows as lock_sessions, never waits; looks after it tried.';

create function cardkeep_api.change_password(p_token_hash bytea, p_write uuid,
	p_seen_password_hash text, p_password_hash text, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	s cardkeep.sessions;
	u cardkeep.users;
	v_locked boolean;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if not found then
		return cardkeep_api.reply(401);
	elsif (w.told).replayed then
		return cardkeep_api.password_replay(w.user_id, w.id);
	elsif (w.told).status is not null then
		return w.told;
	end if;
	perform from cardkeep.users t where t.id = w.user_id for no key update skip locked;
	v_locked := found;
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	select t.* into u from cardkeep.users t where t.id = s.user_id;
	if u.password_write = w.id and p_key is null then
		return cardkeep_api.reply_kept(204);
	elsif u.password_write = w.id then
		return cardkeep_api.password_replay(s.user_id, w.id);
	end if;
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.reply(401);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	if u.password_hash <> p_seen_password_hash then
		return cardkeep_api.reply(422, 0, '', false, 'password_changed');
	end if;
	if not cardkeep_api.lock_sessions(s.user_id, s.id) then
		return cardkeep_api.reply(423);
	end if;
	update cardkeep.users t set password_hash = p_password_hash, password_write = w.id,
		updated_at = clock_timestamp()
	where t.id = u.id;
	perform cardkeep_api.end_live_sessions(s.user_id, w.id, s.id);
	return cardkeep_api.end_write(w, cardkeep_api.reply(204));
end
$$;
comment on function cardkeep_api.change_password is 'Another password for the caller''s account, if the present one is still the one that was checked; every other session ends with it. 204; 204 replayed, under a key as password_replay; 401; 422 password_changed or key_reused; 423. Tries the key, then the account''s row (no key update, skip locked), so that no sign-in with the old password comes in between, then the other sessions as lock_sessions; never waits.';

create function cardkeep_api.delete_account(p_token_hash bytea, p_write uuid,
	p_seen_password_hash text, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	s cardkeep.sessions;
	v_locked boolean;
	v_hash text;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key,
		p_by_token => true) b;
	if (w.told).status is not null then
		return w.told;
	end if;
	perform from cardkeep.users u where u.id = w.user_id for no key update skip locked;
	v_locked := found;
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	-- The session is over, and goes, with the account: the repeat finds what is kept of the deletion.
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.account_closed(p_token_hash, case when p_key is null then p_write
			else cardkeep_api.token_write(p_token_hash, p_write) end);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	select u.password_hash into v_hash from cardkeep.users u where u.id = s.user_id;
	if v_hash <> p_seen_password_hash then
		return cardkeep_api.reply(422, 0, '', false, 'password_changed');
	end if;
	if not cardkeep_api.lock_sessions(s.user_id) then
		return cardkeep_api.reply(423);
	end if;
	insert into cardkeep.closed_accounts (write_id, token_hash) values (w.id, p_token_hash);
	perform cardkeep_api.close_account(s.user_id, w.id);
	return cardkeep_api.reply(204);
end
$$;
comment on function cardkeep_api.delete_account is 'Closes the caller''s account, if its password is still the one that was checked: from then on nobody has it nor anything of it, and it is erased step by step (see erasure). 204; 204 replayed; 401; 422 password_changed or key_reused; 423. Tries the key, then the account''s row (no key update, skip locked), then its live sessions'' rows as lock_sessions; never waits, and holds as much however much the account has. A write by another device, under way meanwhile, waits for nothing either: what it still makes goes with the account.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('account_changes');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'last_seen') then
return;
end if;
execute $sql$
-- Deploy cardkeep:last_seen to pg
--
-- When a session was last used. A request that wrote this itself would write a row each time and
-- hold it until its wave commits, so the service collects who was there and tells it here, apart
-- from all requests. What is collected dies with its worker: a minute's knowledge at most.
--
-- A session whose time has run out stays over, even where it was used just before: by the time a
-- batch is told, a request may have been refused. So a session's last use within ten seconds of its
-- idle limit, the time that a batch waits, may not count.


set local role cardkeep_owner;

create function cardkeep_api.touch_sessions(p_token_hashes bytea[]) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	-- A worker tells of a session once a minute, and up to ten seconds late.
	c_grain constant interval := '45 seconds';
	v_now timestamptz := clock_timestamp();
	v_count integer;
begin
	update cardkeep.sessions s set last_seen_at = v_now
	where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.token_hash = any (p_token_hashes) and o.ended_at is null
			and o.last_seen_at < v_now - c_grain
			and o.last_seen_at + o.idle_limit > v_now
		for no key update skip locked));
	get diagnostics v_count = row_count;
	return cardkeep_api.reply(200, v_count);
end
$$;
comment on function cardkeep_api.touch_sessions is 'Notes that these sessions were used just now, where what is noted is older than about a minute; version says how many. Unknown and ended ones are passed over, and those that have reached their idle limit, which nothing brings back; and so are those that somebody holds: the next time will do. Tries the sessions'' rows (no key update, skip locked), never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('last_seen');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'operator_functions') then
return;
end if;
execute $sql$
-- Deploy cardkeep:operator_functions to pg
--
-- What operators do with accounts and sessions, for `cardkeep user` and `cardkeep sessions`. Only
-- members of the owner may call these. They act as their caller, and wait for whoever is at a row:
-- an operator would rather wait than be told to come again.


set local role cardkeep_owner;

create view cardkeep.user_list as
	select u.id, u.email, u.created_at,
		(select count(*) from cardkeep.sessions s where s.user_id = u.id and cardkeep_api.is_live(s))
			as sessions,
		(select max(s.last_seen_at) from cardkeep.sessions s where s.user_id = u.id) as last_seen_at,
		(select count(*) from cardkeep.business_cards b where b.user_id = u.id) as cards
	from cardkeep.users u where u.closed_at is null;
comment on view cardkeep.user_list is 'Accounts as operators see them: live sessions, the time any session was last seen, cards';

create function cardkeep.list_users(p_limit integer default 100, p_after text default '')
returns setof cardkeep.user_list
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select l.* from cardkeep.user_list l where l.email > lower(p_after collate "C") collate "default"
	order by l.email limit p_limit;
end
$$;
comment on function cardkeep.list_users is 'A page of the accounts by address, after the address p_after. Locks nothing.';

create function cardkeep.find_user(p_email text) returns setof cardkeep.user_list
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select l.* from cardkeep.user_list l where l.email = lower(btrim(p_email) collate "C") collate "default";
end
$$;
comment on function cardkeep.find_user is 'The account with this address in any spelling; no row where there is none. Locks nothing.';

create function cardkeep.list_user_sessions(p_user uuid, p_ended boolean default false)
returns table (id uuid, device_name text, user_agent text, created_at timestamptz,
	last_seen_at timestamptz, expires_at timestamptz, live boolean, ended_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select s.id, s.device_name, s.user_agent, s.created_at, s.last_seen_at, s.expires_at,
		cardkeep_api.is_live(s), s.ended_at
	from cardkeep.sessions s
	where s.user_id = p_user and (p_ended or cardkeep_api.is_live(s))
	order by s.last_seen_at desc, s.id;
end
$$;
comment on function cardkeep.list_user_sessions is 'An account''s live sessions, the last seen one first; with p_ended those that are over too. Locks nothing.';

create function cardkeep.revoke_session(p_session uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = gen_random_uuid()
	where s.id = p_session and cardkeep_api.is_live(s);
	return found;
end
$$;
comment on function cardkeep.revoke_session is 'Ends one session, whoever''s it is; its token is refused from then on. False where it is unknown or over. Waits for the session''s row.';

create function cardkeep.revoke_user_sessions(p_user uuid) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_write uuid := gen_random_uuid();
	v_count integer;
begin
	-- In one order, so that two of these never wait for each other.
	perform from cardkeep.sessions s where s.user_id = p_user and cardkeep_api.is_live(s)
	order by s.id for no key update;
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = v_write
	where s.user_id = p_user and cardkeep_api.is_live(s);
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep.revoke_user_sessions is 'Ends all sessions of an account and says how many there were. Waits for their rows, in the order of their ids.';

create function cardkeep.reset_password(p_user uuid, p_password_hash text) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if p_password_hash is null or p_password_hash not like '$argon2id$%' then
		raise exception 'a password is kept as its Argon2id hash, never in clear'
			using errcode = 'invalid_parameter_value';
	end if;
	update cardkeep.users u set password_hash = p_password_hash, password_write = gen_random_uuid(),
		updated_at = clock_timestamp()
	where u.id = p_user and u.email is not null;
	if not found then
		return null;
	end if;
	return cardkeep.revoke_user_sessions(p_user);
end
$$;
comment on function cardkeep.reset_password is 'Gives an account another password, ends all its sessions and says how many there were; null where there is no such account. 22023 for what is no Argon2id hash. Waits for the account''s row, then as revoke_user_sessions.';

create function cardkeep.delete_user(p_user uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform from cardkeep.users u where u.id = p_user and u.closed_at is null for no key update;
	if not found then
		return false;
	end if;
	perform cardkeep_api.close_account(p_user, gen_random_uuid());
	return true;
end
$$;
comment on function cardkeep.delete_user is 'Closes an account, also one that waits: nobody has it nor anything of it from then on, and erase_step erases it with its sessions, cards, profiles and history; the slugs stay retired. False where there is none. Waits for the account''s row, then for its live sessions''.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('operator_functions');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'history_calls') then
return;
end if;
execute $sql$
-- Deploy cardkeep:history_calls to pg
--
-- History as clients see it. A row holds what was before; what came after is the before of the next
-- row that changed the same field, or the entity. So a page is walked from its newest version down,
-- with every field's value after the version at hand in one document: only where a page begins
-- below the top must later rows be asked, and only for the fields that the page tells of.
--
-- The calls are stable: all their statements see one snapshot, so that what came after fits what
-- was before, whoever writes meanwhile.


set local role cardkeep_owner;

create type cardkeep_api.history_view as (
	version integer,
	changed text[],
	before jsonb,
	after jsonb,
	session_id uuid,
	at text
);
comment on type cardkeep_api.history_view is 'A version of a card or a profile as clients see it';

create function cardkeep_api.history_json(p_version integer, p_session uuid, p_at timestamptz,
	p_before jsonb, p_names text[], p_later jsonb[])
returns text
language plpgsql stable
as $$
declare
	v_changed text[] := array(select jsonb_object_keys(p_before) order by 1);
	v_after jsonb := coalesce((select jsonb_object_agg(k, p_later[array_position(p_names, k)])
		from unnest(v_changed) k), '{}');
begin
	return row_to_json(row(p_version, v_changed, p_before, v_after, p_session,
		cardkeep_api.stamp(p_at))::cardkeep_api.history_view);
end
$$;
comment on function cardkeep_api.history_json is 'A version as clients see it: the fields in p_before changed, to what p_later has in the places that p_names has them. Locks nothing.';

create function cardkeep_api.history_page(p_rows refcursor, p_later jsonb, p_limit integer)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	c_page_bytes constant integer := 1048576 - 1024;
	h record;
	e record;
	-- What came after the version at hand, each field's in a place of its own: in one document every
	-- version of a page would copy all of it, whatever it changed.
	v_names text[] := '{}';
	v_later jsonb[] := '{}';
	v_item text;
	v_items text[] := '{}';
	v_bytes integer := 0;
	v_last integer;
	v_next integer;
begin
	select array_agg(f.key), array_agg(f.value) into v_names, v_later from jsonb_each(p_later) f;
	loop
		fetch p_rows into h;
		exit when not found;
		v_item := cardkeep_api.history_json(h.version, h.session_id, h.at, h.before, v_names, v_later);
		v_bytes := v_bytes + octet_length(v_item) + 1;
		if cardinality(v_items) = p_limit or (v_bytes > c_page_bytes and v_last is not null) then
			v_next := v_last;
			exit;
		end if;
		v_items := v_items || v_item;
		for e in select f.key, f.value from jsonb_each(h.before) f loop
			if array_position(v_names, e.key) is null then
				v_names := v_names || e.key;
			end if;
			v_later[array_position(v_names, e.key)] := e.value;
		end loop;
		v_last := h.version;
	end loop;
	close p_rows;
	return cardkeep_api.reply(200, 0, format('{"history":[%s],"next":%s}',
		array_to_string(v_items, ','), coalesce(to_json(v_next::text)::text, 'null')), false,
		coalesce(v_next::text, ''));
end
$$;
comment on function cardkeep_api.history_page is 'The answer that holds a page: the versions that the cursor yields, newest first (it is closed then), at most p_limit of them and 1 MiB of JSON, but at least one; next, and detail, say where it ended when more follow. Rows are fetched one by one, so that the documents of a page that is full are never read. Locks nothing.';

create function cardkeep_api.card_later(c cardkeep.business_cards, p_newest integer,
	p_oldest integer)
returns jsonb
language plpgsql stable
as $$
declare
	v cardkeep.business_card_versions;
begin
	if p_newest = c.version then
		return cardkeep_api.card_content(c);
	end if;
	v := cardkeep_api.card_images_after(c.id, p_oldest, p_newest);
	v.version := p_newest + 1;
	return cardkeep_api.card_content(c) || cardkeep_api.card_version_before(v);
end
$$;
comment on function cardkeep_api.card_later is 'The values after version p_newest of the fields that p_oldest to p_newest changed (those of other fields mean nothing). Reads later versions up to the next change of each. Locks nothing.';

create function cardkeep_api.read_card_history(p_token_hash bytea, p_card uuid, p_limit integer,
	p_after integer)
returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	c cardkeep.business_cards;
	v_newest integer;
	v_rows refcursor;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	v_newest := (select max(h.version) from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version < coalesce(p_after, 2147483647));
	open v_rows for
		select h.version, h.session_id, h.at, cardkeep_api.card_version_before(h) as before
		from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version <= v_newest
		order by h.version desc
		limit p_limit + 1;
	return cardkeep_api.history_page(v_rows,
		cardkeep_api.card_later(c, v_newest, v_newest - p_limit), p_limit);
end
$$;
comment on function cardkeep_api.read_card_history is 'A page of the history of one of the caller''s cards below version p_after, as history_page: 200, 401, 404. Locks nothing.';

create function cardkeep_api.profile_later(p_kind text, p_user uuid, p_newest integer,
	p_oldest integer)
returns jsonb
language plpgsql stable
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
begin
	if p_newest = p.version then
		return p.fields;
	end if;
	return p.fields || cardkeep_api.profile_images(p_kind, p_user, p_newest, array(
		select distinct f.name
		from cardkeep_api.profile_versions h, jsonb_object_keys(h.before) f(name)
		where h.kind = p_kind and h.user_id = p_user and h.version between p_oldest and p_newest));
end
$$;
comment on function cardkeep_api.profile_later is 'As card_later, for a profile. Locks nothing.';

create function cardkeep_api.read_own_history(p_kind text, p_token_hash bytea, p_limit integer,
	p_after integer)
returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	v_newest integer;
	v_rows refcursor;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	v_newest := (select max(v.version) from cardkeep_api.profile_versions v
		where v.kind = p_kind and v.user_id = v_user
			and v.version < coalesce(p_after, 2147483647));
	open v_rows for
		select v.version, v.session_id, v.at, v.before from cardkeep_api.profile_versions v
		where v.kind = p_kind and v.user_id = v_user and v.version <= v_newest
		order by v.version desc
		limit p_limit + 1;
	return cardkeep_api.history_page(v_rows,
		cardkeep_api.profile_later(p_kind, v_user, v_newest, v_newest - p_limit), p_limit);
end
$$;
comment on function cardkeep_api.read_own_history is 'A page of the history of the caller''s profile below version p_after, as history_page; empty where it was never written: 200, 401. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('history_calls');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'reverts') then
return;
end if;
execute $sql$
-- Deploy cardkeep:reverts to pg
--
-- Bringing back what was: an update whose content comes from history. Nothing is undone, a new
-- version is written; id, slug and owner stay. Once the row is ours its version cannot move, so the
-- later statements that rebuild the old content see all of its history.


set local role cardkeep_owner;

create function cardkeep_api.base_unavailable(p_version integer) returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.reply(409, p_version, '{"reason":"base-unavailable"}', false, 'base_unavailable');
comment on function cardkeep_api.base_unavailable is 'The refusal of a request that needs a version which history no longer holds. Locks nothing.';

create function cardkeep_api.card_was(p_card uuid, p_now integer, p_to integer)
returns cardkeep.business_cards
language plpgsql stable
as $$
begin
	if not cardkeep_api.card_kept(p_card, p_now, p_to) then
		return null;
	end if;
	return cardkeep_api.card_at(p_card, p_to);
end
$$;
comment on function cardkeep_api.card_was is 'A card as it was at a version, or all null where history no longer reaches it; asked and told in one snapshot. Locks nothing.';

create function cardkeep_api.revert_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
	o cardkeep.business_cards;
begin
	select b.version into v_version from cardkeep.business_cards b
	where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
	for no key update skip locked;
	if not found then
		return cardkeep_api.card_revert_not_applied(p_user, p_write, p_card, p_expected, p_to);
	end if;
	if p_to not between 1 and v_version then
		return cardkeep_api.reply(422, v_version);
	end if;
	o := cardkeep_api.card_was(p_card, v_version, p_to);
	if o.id is null then
		return cardkeep_api.base_unavailable(v_version);
	end if;
	return cardkeep_api.update_card_core(p_user, p_session, p_write, p_card, array[v_version],
		cardkeep_api.content(o));
end
$$;
comment on function cardkeep_api.revert_card_core is 'Gives a card that is at one of the expected versions the content it had at version p_to, as a new version. 200; 422 where p_to is no version of it; 409 base_unavailable where history does not reach that far; else as card_revert_not_applied. Tries the card''s row (no key update, skip locked), never waits; a stale request locks nothing.';

create function cardkeep_api.card_revert_not_applied(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
	o cardkeep.business_cards;
	v_version integer;
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
	v_version := cardkeep_api.card_write_version(p_card, p_expected, p_write, false);
	if v_version is not null then
		return cardkeep_api.card_replay(p_card, p_user, v_version, 200);
	end if;
	if c.id is null then
		return cardkeep_api.reply(404);
	end if;
	if p_to not between 1 and c.version then
		return cardkeep_api.reply(422, c.version);
	end if;
	if c.version = any (p_expected) then
		return cardkeep_api.reply(423, c.version);
	end if;
	o := cardkeep_api.card_was(p_card, c.version, p_to);
	return cardkeep_api.card_conflict(c, p_expected, cardkeep_api.content(o));
end
$$;
comment on function cardkeep_api.card_revert_not_applied is 'What a revert that was not applied now comes to: 200 replayed where it was applied before, 404, 422 where p_to is no version, 423 where somebody holds the card, else 409 with both sides, the old content being the request''s. Locks nothing.';

create function cardkeep_api.revert_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], p_to integer, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).status is not null then
		return cardkeep_api.card_told(w, p_card);
	elsif w.live then
		a := cardkeep_api.revert_card_core(w.user_id, w.session_id, w.id, p_card, p_expected, p_to);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.card_repeat(w, p_card, p_expected);
end
$$;
comment on function cardkeep_api.revert_card is 'Brings back what one of the caller''s cards was at a version: 200, 401, 404, 409, 422 (also key_reused), 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as revert_card_core; never waits.';

create function cardkeep_api.profile_was(p_kind text, p_user uuid, p_now integer, p_to integer)
returns jsonb
language plpgsql stable
as $$
begin
	if not cardkeep_api.profile_kept(p_kind, p_user, p_now, p_to) then
		return null;
	end if;
	return cardkeep_api.profile_at(p_kind, p_user, p_to);
end
$$;
comment on function cardkeep_api.profile_was is 'As card_was, for a profile. Locks nothing.';

create function cardkeep_api.revert_profile_core(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
	v_content jsonb;
begin
	if not cardkeep_api.try_profile(p_kind, p_user, p_expected) then
		return cardkeep_api.profile_revert_not_applied(p_kind, p_user, p_write, p_expected, p_to);
	end if;
	v_version := (cardkeep_api.read_profile(p_kind, p_user)).version;
	if p_to not between 1 and v_version then
		return cardkeep_api.reply(422, v_version);
	end if;
	v_content := cardkeep_api.profile_was(p_kind, p_user, v_version, p_to);
	if v_content is null then
		return cardkeep_api.base_unavailable(v_version);
	end if;
	return cardkeep_api.change_profile(p_kind, p_user, p_session, p_write, v_content);
end
$$;
comment on function cardkeep_api.revert_profile_core is 'As revert_card_core, for a profile. Tries the profile''s row (no key update, skip locked), never waits; a stale request locks nothing.';

create function cardkeep_api.profile_revert_not_applied(p_kind text, p_user uuid, p_write uuid,
	p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
	a cardkeep_api.answer := cardkeep_api.profile_replay(p_kind, p_user, p_expected, p_write);
begin
	if a.status is not null then
		return a;
	end if;
	if p_to not between 1 and p.version then
		return cardkeep_api.reply(422, p.version);
	end if;
	if p.version = any (p_expected) then
		return cardkeep_api.reply(423, p.version);
	end if;
	return cardkeep_api.profile_conflict(p_kind, p_user, p, p_expected,
		coalesce(cardkeep_api.profile_was(p_kind, p_user, p.version, p_to), '{}'));
end
$$;
comment on function cardkeep_api.profile_revert_not_applied is 'As card_revert_not_applied, for a profile. Locks nothing.';

create function cardkeep_api.revert_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_to integer, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).status is not null then
		return cardkeep_api.profile_told(w, p_kind);
	elsif w.live then
		a := cardkeep_api.revert_profile_core(p_kind, w.user_id, w.session_id, w.id, p_expected,
			p_to);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.profile_repeat(w, p_kind, p_expected);
end
$$;
comment on function cardkeep_api.revert_own_profile is 'Brings back what the caller''s profile was at a version: 200, 401, 409, 422 (also key_reused), 423; the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as revert_profile_core; never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('reverts');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'merges') then
return;
end if;
execute $sql$
-- Deploy cardkeep:merges to pg
--
-- A write that expects an older version and asks to be merged is applied when nobody changed the
-- same fields since. One function decides that, field by field, for all entities: merge_fields.
--
-- The row is locked first, at whatever version it is; everything is looked at in later statements,
-- whose snapshots see all that led to that version. The write itself is an update of the version
-- that the row has. So its history row is not at the expected version + 1, and a repeat looks for
-- itself in all versions since that a merge may have looked across: they are few, and only requests
-- that are out of date look.


set local role cardkeep_owner;

create function cardkeep_api.merge_fields(p_base jsonb, p_mine jsonb, p_theirs jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
declare
	-- In one piece each, as in conflicts.
	v_base jsonb := p_base || '{}';
	v_mine jsonb := p_mine || '{}';
	v_theirs jsonb := p_theirs || '{}';
	v_merged jsonb;
	v_overlap boolean;
begin
	select bool_or(m is distinct from b and t is distinct from b and m is distinct from t),
		jsonb_object_agg(f.key, r) filter (where r is not null)
	into v_overlap, v_merged
	from (
		select jsonb_object_keys(v_base || v_mine || v_theirs) as key) f
	cross join lateral (
		select v_base -> f.key as b, v_mine -> f.key as m, v_theirs -> f.key as t) s
	cross join lateral (
		-- A number that one side only wrote otherwise is written so, and is in nobody's way.
		select case when m is distinct from b then m when t is distinct from b then t
			when m::text is distinct from b::text then m else t end as r) w;
	if v_overlap then
		return null;
	end if;
	return coalesce(v_merged, '{}');
end
$$;
comment on function cardkeep_api.merge_fields is 'Both sides'' changes to the keys of a document: what one side left as it was in the base is as the other has it, absent ones too; numbers are compared by value, and where that is the same as it was, what one side wrote otherwise stays so. Null where both changed one key, to different values. Fetches each side once, however many keys it has. Locks nothing.';

create function cardkeep_api.extended(a cardkeep_api.answer, p_members text)
returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.reply(a.status, a.version, format('%s,%s}', left(a.body, -1), p_members),
	a.replayed, a.detail);
comment on function cardkeep_api.extended is 'An answer whose body has more members. Locks nothing.';

create function cardkeep_api.merged(a cardkeep_api.answer, p_expected integer, p_now integer)
returns cardkeep_api.answer
language plpgsql stable
as $$
begin
	if p_now <= p_expected or a.status <> 200 then
		return a;
	end if;
	if a.detail = '' then
		a.detail := 'merged';
	end if;
	return cardkeep_api.extended(a, format('"merged":true,"mergedWith":%s',
		to_json(array(select generate_series(p_expected + 1, p_now)))));
end
$$;
comment on function cardkeep_api.merged is 'The answer of a write that expected one version and was applied to a later one; as it is where that was the same. Locks nothing.';

create function cardkeep_api.no_base(a cardkeep_api.answer) returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.extended(a, '"reason":"base-unavailable"');
comment on function cardkeep_api.no_base is 'The refusal of a merge for want of a base. Locks nothing.';

-- Cards

create function cardkeep_api.card_merge_version(p_card uuid, p_expected integer, p_write uuid)
returns integer
language plpgsql stable
as $$
begin
	return (select h.version from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version > p_expected
			and h.version <= p_expected::bigint + cardkeep_api.reach() + 1
			and h.write_id = p_write and not h.is_deletion);
end
$$;
comment on function cardkeep_api.card_merge_version is 'The version that this write made, merged or not, where it was applied before; else null. Reads the versions that a merge may have looked across. Locks nothing.';

create function cardkeep_api.card_merge_replay(p_card uuid, p_user uuid, p_expected integer,
	p_version integer)
returns cardkeep_api.answer
language sql volatile
return cardkeep_api.merged(cardkeep_api.card_replay(p_card, p_user, p_version, 200), p_expected,
	p_version - 1);
comment on function cardkeep_api.card_merge_replay is 'The first answer of a write that asked to be merged. Locks nothing.';

create function cardkeep_api.card_merge_repeat(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer := cardkeep_api.card_merge_version(p_card, p_expected, p_write);
begin
	if v_version is null then
		return null;
	end if;
	return cardkeep_api.card_merge_replay(p_card, p_user, p_expected, v_version);
end
$$;
comment on function cardkeep_api.card_merge_repeat is 'The first answer of a write that asked to be merged and was applied before; all null where it was not. Locks nothing.';

create function cardkeep_api.hold_card(p_user uuid, p_card uuid) returns cardkeep.business_cards
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
begin
	select k.* into c from cardkeep.business_cards k where k.id = p_card and k.user_id = p_user
	for no key update skip locked;
	return c;
end
$$;
comment on function cardkeep_api.hold_card is 'A card of the user''s that is now ours, at whatever version; all null where it is not. Tries the row (no key update, skip locked), never waits.';

create function cardkeep_api.card_not_held(p_user uuid, p_card uuid) returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	perform from cardkeep.business_cards k where k.id = p_card and k.user_id = p_user;
	return cardkeep_api.reply(case when found then 423 else 404 end);
end
$$;
comment on function cardkeep_api.card_not_held is 'The answer where hold_card got none: 423 where somebody holds the card, 404 where the user has none. Locks nothing.';

create function cardkeep_api.card_merged(c cardkeep.business_cards, b cardkeep.business_cards,
	m cardkeep_api.card_change)
returns cardkeep.business_cards
language plpgsql immutable
as $$
declare
	c_documents constant text[] := '{fields_config,design_config}';
	v_base jsonb := to_jsonb(cardkeep_api.content(b)) - c_documents;
	v_plain jsonb := cardkeep_api.merge_fields(v_base,
		v_base || jsonb_strip_nulls(to_jsonb(m) - c_documents),
		to_jsonb(cardkeep_api.content(c)) - c_documents);
	n cardkeep.business_cards := jsonb_populate_record(c, v_plain);
begin
	if m.fields_config is not null then
		n.fields_config := cardkeep_api.merge_fields(b.fields_config, m.fields_config, c.fields_config);
	end if;
	if m.design_config is not null then
		n.design_config := cardkeep_api.merge_fields(b.design_config, m.design_config, c.design_config);
	end if;
	return case when num_nulls(v_plain, n.fields_config, n.design_config) = 0 then n end;
end
$$;
comment on function cardkeep_api.card_merged is 'A card with the changes of a request that was made from b; what the request leaves out (null) is as it is. All null where others changed the same fields since. Locks nothing.';

create function cardkeep_api.merge_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer, m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards := cardkeep_api.hold_card(p_user, p_card);
	b cardkeep.business_cards;
	n cardkeep.business_cards;
	a cardkeep_api.answer := cardkeep_api.card_merge_repeat(p_user, p_write, p_card, p_expected);
begin
	if a.status is not null then
		return a;
	elsif c.id is null then
		return cardkeep_api.card_not_held(p_user, p_card);
	end if;
	if c.version = p_expected then
		return cardkeep_api.update_card_core(p_user, p_session, p_write, p_card, array[p_expected], m);
	end if;
	b := cardkeep_api.card_base(c, p_expected, m);
	if b.id is null then
		return cardkeep_api.no_base(cardkeep_api.card_conflict(c, array[p_expected], m));
	end if;
	n := cardkeep_api.card_merged(c, b, m);
	if n.id is null then
		return cardkeep_api.card_conflict(c, array[p_expected], m);
	end if;
	-- What the request leaves out may be larger than documents may become now, and stays as it is.
	if m.fields_config is not null and cardkeep_api.document_fault(n.fields_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'fields_config');
	elsif m.design_config is not null and cardkeep_api.document_fault(n.design_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'design_config');
	end if;
	return cardkeep_api.merged(cardkeep_api.update_card_core(p_user, p_session, p_write, p_card,
		array[c.version], cardkeep_api.content(n)), p_expected, c.version);
end
$$;
comment on function cardkeep_api.merge_card_core is 'Changes a card that is at the expected version as update_card_core does, and one that is at a later version where nobody changed the same fields since: 200 merged, or unchanged where nothing is left to change; 409 with both sides where somebody did, with a reason where the base is not known; 422 with the name of a document that would be too large; 200 replayed; 404; 423 where somebody holds the card. Tries the card''s row (no key update, skip locked), never waits; looks after it tried.';

create function cardkeep_api.merge_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).replayed then
		return cardkeep_api.card_merge_replay(p_card, w.user_id, p_expected[1], (w.told).version);
	elsif (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.merge_card_core(w.user_id, w.session_id, w.id, p_card, p_expected[1], m);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is not null then
		a := cardkeep_api.card_merge_repeat(w.user_id, w.id, p_card, p_expected[1]);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.merge_card is 'Changes one of the caller''s cards, merging where it has changed since the version expected, which is one: 200, 401, 404, 409, 422 for a key_reused or a document, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as merge_card_core; never waits.';

-- Profiles

create function cardkeep_api.hold_profile(p_kind text, p_user uuid) returns boolean
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		perform from cardkeep.personal_info p where p.user_id = p_user for no key update skip locked;
	else
		perform from cardkeep.professional_info p
		where p.user_id = p_user for no key update skip locked;
	end if;
	return found;
end
$$;
comment on function cardkeep_api.hold_profile is 'Whether the profile''s row is there and now ours, at whatever version. Tries the row (no key update, skip locked), never waits.';

create function cardkeep_api.profile_merge_replay(p_kind text, p_user uuid, p_expected integer,
	p_version integer)
returns cardkeep_api.answer
language sql volatile
return cardkeep_api.merged(cardkeep_api.profile_answered(p_kind, p_user, p_version), p_expected,
	p_version - 1);
comment on function cardkeep_api.profile_merge_replay is 'The first answer of a write that asked to be merged. Locks nothing.';

create function cardkeep_api.profile_merge_version(p_kind text, p_user uuid, p_expected integer,
	p_write uuid)
returns integer
language plpgsql stable
as $$
begin
	return (select h.version from cardkeep_api.profile_versions h
		where h.kind = p_kind and h.user_id = p_user and h.version > p_expected
			and h.version <= p_expected::bigint + cardkeep_api.reach() + 1
			and h.write_id = p_write);
end
$$;
comment on function cardkeep_api.profile_merge_version is 'As card_merge_version, for a profile. Locks nothing.';

create function cardkeep_api.profile_merge_repeat(p_kind text, p_user uuid, p_write uuid,
	p_expected integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer := cardkeep_api.profile_merge_version(p_kind, p_user, p_expected, p_write);
begin
	if v_version is null then
		return null;
	end if;
	return cardkeep_api.profile_merge_replay(p_kind, p_user, p_expected, v_version);
end
$$;
comment on function cardkeep_api.profile_merge_repeat is 'As card_merge_repeat, for a profile. Locks nothing.';

create function cardkeep_api.merge_first_profile(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	a := cardkeep_api.save_profile_core(p_kind, p_user, p_session, p_write, array[p_expected],
		p_patch);
	if a.status <> 409 then
		return a;
	elsif p_expected = 0 then
		return cardkeep_api.reply(423, a.version);
	end if;
	return cardkeep_api.no_base(a);
end
$$;
comment on function cardkeep_api.merge_first_profile is 'A write that asks to be merged into a profile that was not there a moment ago: as save_profile_core, but 423 where somebody wrote its first version meanwhile, with which it can be merged then. Locks as save_profile_core.';

create function cardkeep_api.merge_profile_core(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_held boolean := cardkeep_api.hold_profile(p_kind, p_user);
	v_patch jsonb := cardkeep_api.clear_empty(p_patch);
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
	a cardkeep_api.answer := cardkeep_api.profile_merge_repeat(p_kind, p_user, p_write, p_expected);
	v_base jsonb;
	v_merged jsonb;
begin
	if a.status is not null then
		return a;
	elsif p.version = 0 then
		return cardkeep_api.merge_first_profile(p_kind, p_user, p_session, p_write, p_expected,
			v_patch);
	elsif not v_held then
		return cardkeep_api.reply(423, p.version);
	elsif p.version = p_expected then
		return cardkeep_api.change_profile(p_kind, p_user, p_session, p_write, v_patch);
	end if;
	v_base := cardkeep_api.profile_base(p_kind, p_user, p.version, p_expected);
	if v_base is null then
		return cardkeep_api.no_base(cardkeep_api.profile_conflict(p_kind, p_user, p,
			array[p_expected], v_patch));
	end if;
	v_merged := cardkeep_api.merge_fields(v_base, v_base || v_patch, p.fields);
	if v_merged is null then
		return cardkeep_api.profile_conflict(p_kind, p_user, p, array[p_expected], v_patch);
	end if;
	return cardkeep_api.merged(cardkeep_api.change_profile(p_kind, p_user, p_session, p_write,
		v_merged), p_expected, p.version);
end
$$;
comment on function cardkeep_api.merge_profile_core is 'As merge_card_core, for a profile: 200, 201 for the first write, 409, 423. Tries the profile''s row (no key update, skip locked), or the advisory lock of the first profile; never waits; looks after it tried.';

create function cardkeep_api.merge_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).replayed then
		return cardkeep_api.profile_merge_replay(p_kind, w.user_id, p_expected[1], (w.told).version);
	elsif (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.merge_profile_core(p_kind, w.user_id, w.session_id, w.id, p_expected[1],
			p_patch);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is not null then
		a := cardkeep_api.profile_merge_repeat(p_kind, w.user_id, w.id, p_expected[1]);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.merge_own_profile is 'Changes the caller''s profile, merging where it has changed since the version expected, which is one: 200, 201 for the first write, 401, 409, 422 key_reused, 423; the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as merge_profile_core; never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('merges');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'patches') then
return;
end if;
execute $sql$
-- Deploy cardkeep:patches to pg
--
-- A merge patch (RFC 7396) says what changes within a document: members are merged, null removes one, and
-- what the patch leaves out stays. It is worked out against the card at the version that the request
-- names, whose row is locked by then, and is an ordinary update or merge from there on. So it is applied
-- exactly once, and a stale one is told of what it would have made.


set local role cardkeep_owner;

create function cardkeep_api.merge_patch(p_target jsonb, p_patch jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	if jsonb_typeof(p_patch) <> 'object' then
		return p_patch;
	end if;
	return coalesce((
		select jsonb_object_agg(coalesce(p.key, t.key), case when p.key is null then t.value
			when jsonb_typeof(p.value) = 'object' then cardkeep_api.merge_patch(t.value, p.value)
			else p.value end)
		from jsonb_each(case when jsonb_typeof(p_target) = 'object' then p_target else '{}' end) t
		full join jsonb_each(p_patch) p on p.key = t.key
		where p.key is null or jsonb_typeof(p.value) <> 'null'), '{}');
end
$$;
comment on function cardkeep_api.merge_patch is 'What a merge patch makes of a value, to the letter of RFC 7396. Walks each level once. Locks nothing.';

create function cardkeep_api.patched(p_document jsonb, p_patch jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	if p_patch is null then
		return null;
	end if;
	return coalesce(nullif(cardkeep_api.merge_patch(p_document, p_patch), 'null'), '{}');
end
$$;
comment on function cardkeep_api.patched is 'A card''s document after a patch of it, empty where that removes it; null where the request has none. Locks nothing.';

create function cardkeep_api.patch_repeat(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[], p_merge boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
begin
	if p_merge then
		return cardkeep_api.card_merge_repeat(p_user, p_write, p_card, p_expected[1]);
	end if;
	v_version := cardkeep_api.card_write_version(p_card, p_expected, p_write, false);
	if v_version is null then
		return null;
	end if;
	return cardkeep_api.card_replay(p_card, p_user, v_version, 200);
end
$$;
comment on function cardkeep_api.patch_repeat is 'The first answer of a patch that was applied before; all null where it was not. Locks nothing.';

create function cardkeep_api.patch_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[], m cardkeep_api.card_change, p_merge boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards := cardkeep_api.hold_card(p_user, p_card);
	b cardkeep.business_cards;
	a cardkeep_api.answer := cardkeep_api.patch_repeat(p_user, p_write, p_card, p_expected, p_merge);
begin
	if a.status is not null then
		return a;
	elsif c.id is null then
		return cardkeep_api.card_not_held(p_user, p_card);
	end if;
	b := c;
	if (c.version = any (p_expected)) is not true then
		b := cardkeep_api.card_base(c, (select max(e) from unnest(p_expected) e), m);
	end if;
	-- Where the base is not known, what is told is what it would make of the card as it is.
	m.fields_config := cardkeep_api.patched(coalesce(b.fields_config, c.fields_config), m.fields_config);
	m.design_config := cardkeep_api.patched(coalesce(b.design_config, c.design_config), m.design_config);
	if cardkeep_api.document_fault(m.fields_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'fields_config');
	elsif cardkeep_api.document_fault(m.design_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'design_config');
	elsif p_merge then
		return cardkeep_api.merge_card_core(p_user, p_session, p_write, p_card, p_expected[1], m);
	end if;
	return cardkeep_api.update_card_core(p_user, p_session, p_write, p_card, p_expected, m);
end
$$;
comment on function cardkeep_api.patch_card_core is 'As update_card_core, or as merge_card_core where p_merge says so, with documents that are merge patches: of the card at the expected version, and where it is at another, of what it was then. 422 with the name of a document that would be too large. Tries the card''s row (no key update, skip locked), never waits; looks after it tried.';

create function cardkeep_api.patch_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_merge boolean, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).replayed and p_merge then
		return cardkeep_api.card_merge_replay(p_card, w.user_id, p_expected[1], (w.told).version);
	elsif (w.told).status is not null then
		return cardkeep_api.card_told(w, p_card);
	elsif w.live then
		a := cardkeep_api.patch_card_core(w.user_id, w.session_id, w.id, p_card, p_expected, m,
			p_merge);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is not null then
		a := cardkeep_api.patch_repeat(w.user_id, w.id, p_card, p_expected, p_merge);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.patch_card is 'Changes one of the caller''s cards by a merge patch: 200, 401, 404, 409, 422 for a key_reused or a document, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as patch_card_core; never waits.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('patches');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'pruning') then
return;
end if;
execute $sql$
-- Deploy cardkeep:pruning to pg
--
-- Old versions go where an operator wants them to, for `cardkeep prune`: step by step, each a short
-- transaction over some histories. Only members of the owner may call this; it acts as its caller.
--
-- What stays is a history's end: the newest versions, those that are young, and all from the oldest
-- that the repeat of a write may still ask for: under its key, as long as the key is there, however
-- late it is swept. The row of the card or profile is held meanwhile (nothing is done where somebody
-- else holds it), so that whoever decides something by its history, a merge or a revert, sees all of
-- it or knows that it is gone.


set local role cardkeep_owner;

create function cardkeep_api.prune_rows() returns integer
language sql immutable parallel safe
return 10000;
comment on function cardkeep_api.prune_rows is 'How many versions of one history a step deletes at most. Locks nothing.';

create function cardkeep_api.first_kept(p_first integer, p_last integer, p_young integer,
	p_versions integer)
returns integer
language sql immutable parallel safe
return least(coalesce(p_young, p_last),
	case when p_versions > 0 then p_last - p_versions + 1 end,
	p_last, p_first + cardkeep_api.prune_rows());
comment on function cardkeep_api.first_kept is 'The oldest version to be kept after a step: where those begin that are to be kept for themselves (p_young), or earlier where more are (p_versions; 0: those alone); the newest version always is. Locks nothing.';

create function cardkeep_api.note_pruned(p_kind text, p_id uuid, p_first integer,
	p_began timestamptz)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.pruned_histories as t (kind, id, first, began_at)
	values (p_kind, p_id, p_first, p_began)
	on conflict (kind, id) do update set first = greatest(t.first, excluded.first);
end
$$;
comment on function cardkeep_api.note_pruned is 'Says that a history begins at a later version now. Waits for another step at the same history.';

create function cardkeep_api.prune_card(p_card uuid, p_versions integer, p_since timestamptz)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := coalesce((select b.user_id from cardkeep.business_cards b where b.id = p_card),
		(select r.user_id from cardkeep.retired_slugs r where r.card_id = p_card));
	v_first cardkeep.business_card_versions;
	v_keep integer;
	v_count integer;
begin
	perform from cardkeep.business_cards b where b.id = p_card for no key update skip locked;
	if not found and exists (select from cardkeep.business_cards b where b.id = p_card) then
		return null;
	end if;
	select h.* into v_first from cardkeep.business_card_versions h
	where h.card_id = p_card order by h.version limit 1;
	v_keep := cardkeep_api.first_kept(v_first.version,
		(select max(h.version) from cardkeep.business_card_versions h where h.card_id = p_card),
		(select min(h.version) from cardkeep.business_card_versions h
			where h.card_id = p_card and (h.at >= p_since or h.write_id in (
				select w.write_id from cardkeep.writes w where w.user_id = v_user))), p_versions);
	if v_keep <= v_first.version or v_first.version is null then
		return 0;
	end if;
	perform cardkeep_api.note_pruned('business_cards', p_card, v_keep, v_first.at);
	delete from cardkeep.business_card_versions h where h.card_id = p_card and h.version < v_keep;
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep_api.prune_card is 'Deletes versions of a card, there or deleted, that are to be kept neither for their number nor for their time; how many, or null where somebody holds the card. Tries the card''s row (no key update, skip locked); waits for a deletion of its account.';

create function cardkeep_api.prune_profile(p_kind text, p_user uuid, p_versions integer,
	p_since timestamptz)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_first record;
	v_keep integer;
	v_count integer;
begin
	if not cardkeep_api.hold_profile(p_kind, p_user) then
		return null;
	end if;
	select h.version, h.at into v_first from cardkeep_api.profile_versions h
	where h.kind = p_kind and h.user_id = p_user order by h.version limit 1;
	v_keep := cardkeep_api.first_kept(v_first.version,
		(select max(h.version) from cardkeep_api.profile_versions h
			where h.kind = p_kind and h.user_id = p_user),
		(select min(h.version) from cardkeep_api.profile_versions h
			where h.kind = p_kind and h.user_id = p_user and (h.at >= p_since or h.write_id in (
				select w.write_id from cardkeep.writes w where w.user_id = p_user))), p_versions);
	if v_keep <= v_first.version then
		return 0;
	end if;
	perform cardkeep_api.note_pruned(p_kind, p_user, v_keep, v_first.at);
	if p_kind = 'personal_info' then
		delete from cardkeep.personal_info_versions h
		where h.user_id = p_user and h.version < v_keep;
	else
		delete from cardkeep.professional_info_versions h
		where h.user_id = p_user and h.version < v_keep;
	end if;
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep_api.prune_profile is 'As prune_card, for a profile. Tries the profile''s row (no key update, skip locked); waits for a deletion of its account.';

create function cardkeep_api.next_history(p_kind text, p_after uuid) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	if p_kind = 'business_cards' then
		return (select h.card_id from cardkeep.business_card_versions h
			where h.card_id > p_after order by h.card_id limit 1);
	end if;
	return (select h.user_id from cardkeep_api.profile_versions h
		where h.kind = p_kind and h.user_id > p_after order by h.user_id limit 1);
end
$$;
comment on function cardkeep_api.next_history is 'Whose history comes next in the order of ids; null after the last. Locks nothing.';

create function cardkeep.prune_histories(p_kind text, p_after uuid, p_versions integer,
	p_days integer, p_hours integer, out next uuid, out histories bigint, out deleted bigint,
	out busy bigint)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c_histories constant integer := 100;
	v_since timestamptz := clock_timestamp()
		- greatest(make_interval(days => p_days), make_interval(hours => greatest(p_hours, 24)));
	v_id uuid;
	v_count integer;
begin
	next := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
	histories := 0;
	deleted := 0;
	busy := 0;
	if p_versions <= 0 and p_days <= 0 then
		next := null;
		return;
	end if;
	for v_step in 1..c_histories loop
		v_id := cardkeep_api.next_history(p_kind, next);
		if v_id is null then
			next := null;
			return;
		end if;
		if p_kind = 'business_cards' then
			v_count := cardkeep_api.prune_card(v_id, p_versions, v_since);
		else
			v_count := cardkeep_api.prune_profile(p_kind, v_id, p_versions, v_since);
		end if;
		histories := histories + (coalesce(v_count, 0) > 0)::integer;
		deleted := deleted + coalesce(v_count, 0);
		busy := busy + (v_count is null)::integer;
		-- A long history takes several steps.
		exit when v_count >= cardkeep_api.prune_rows();
		next := v_id;
		exit when deleted >= cardkeep_api.prune_rows();
	end loop;
end
$$;
comment on function cardkeep.prune_histories is 'One step through the histories of one kind (business_cards, personal_info, professional_info), after the id p_after or from the start: keeps the newest p_versions, and those of the last p_days (of 0, one says nothing; both 0: everything is kept), always those of the last p_hours, at least 24, and the newest. next says where the next step goes on, null at the end; histories and deleted, how many were cut short, and by how many versions; busy, how many were passed over because somebody held them. Locks as prune_card.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('pruning');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'legacy_tables') then
return;
end if;
execute $sql$
-- Deploy cardkeep:legacy_tables to pg
--
-- A database that kept cards before Cardkeep has the tables business_cards, personal_info and
-- professional_info in schema public. They are put aside into schema cardkeep_legacy, as they are,
-- and their rows are carried over. This file is how their rows are read: the old tables in
-- Cardkeep's types (old_...), and those rows as Cardkeep can keep them (carried_...). Nobody knows
-- the shape of an old table before it is met, so the old_ views are made anew when one is put
-- aside; without one they are empty, and everything on top of them may be plain SQL.
--
-- What could not be kept as it was is listed in cardkeep.upgrade_changes, with what it was.


set local role cardkeep_owner;

create schema cardkeep_legacy;
-- What statements of the old programs themselves run through stands apart: its names are everybody's,
-- what they do is the caller's own.
create schema cardkeep_doors;
comment on schema cardkeep_doors is 'What old programs come in by: the policies of the tables from before Cardkeep, and the functions of old names; acts with its caller''s rights';
grant usage on schema cardkeep_doors to public;
comment on schema cardkeep_legacy is 'The tables of a database from before Cardkeep, put aside, and what carried their rows over; not for people';

create table cardkeep.upgraded_tables (
	kind text primary key,
	owner name not null,
	is_guarded boolean not null,
	is_forced boolean not null,
	triggers jsonb not null,
	sequences jsonb not null default '{}',
	foreign_keys jsonb not null default '{}',
	at timestamptz not null default clock_timestamp()
);
comment on table cardkeep.upgraded_tables is 'Tables from before Cardkeep that are put aside in cardkeep_legacy, and what has to be put back with them';
comment on column cardkeep.upgraded_tables.is_guarded is 'Whether row level security was on';
comment on column cardkeep.upgraded_tables.is_forced is 'Whether it was on for the owner too';
comment on column cardkeep.upgraded_tables.triggers is 'The triggers that are switched off while the table is aside, with the state each was in';
comment on column cardkeep.upgraded_tables.sequences is 'The sequences that were the table''s own, each with its column: they stay where programs name them';
comment on column cardkeep.upgraded_tables.foreign_keys is 'The foreign keys of others that follow an adoption now, by table and name, as they were';

create table cardkeep.upgraded_functions (
	signature text primary key,
	owner name not null,
	definition text not null,
	at timestamptz not null default clock_timestamp()
);
comment on table cardkeep.upgraded_functions is 'Functions of schema public from before Cardkeep that go to its rows now, and what has to be put back for them';

create table cardkeep_legacy.old_ids (
	kind text,
	id uuid,
	was text not null,
	primary key (kind, id)
);
comment on table cardkeep_legacy.old_ids is 'What programs from before Cardkeep call a card or a user, where it is no uuid';
comment on column cardkeep_legacy.old_ids.kind is 'id: a card; user_id: a user';

create table cardkeep.upgrade_changes (
	kind text not null,
	entity_id uuid not null,
	field text not null,
	was jsonb,
	became jsonb,
	reason text not null,
	at timestamptz not null default clock_timestamp(),
	constraint upgrade_changes_pkey primary key (kind, entity_id, field)
);
-- By the id that a profile came with: whoever leaves is looked for among those who were adopted.
create index upgrade_changes_was on cardkeep.upgrade_changes (kind, was) where field = 'user_id';
comment on table cardkeep.upgrade_changes is 'Values from before Cardkeep that could not be kept as they were: duplicate slugs first of all';
comment on column cardkeep.upgrade_changes.entity_id is 'The card, or the user whose profile it is';
comment on column cardkeep.upgrade_changes.field is '"row N" for a row that was not carried over at all';

create table cardkeep.unreturned_rows (
	kind text not null,
	entity_id uuid not null,
	now jsonb not null,
	reason text not null,
	at timestamptz not null default clock_timestamp(),
	constraint unreturned_rows_pkey primary key (kind, entity_id)
);
comment on table cardkeep.unreturned_rows is 'Rows that a table from before Cardkeep would not take back when the upgrade was reverted, and why';

-- Reading what may be of any type

create function cardkeep_legacy.uuid_of(p_text text) returns uuid
language sql immutable parallel safe
return case when p_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then p_text::uuid
	else md5(p_text)::uuid end;
comment on function cardkeep_legacy.uuid_of is 'An id of another type as a uuid, always the same one. Locks nothing.';
grant execute on function cardkeep_legacy.uuid_of to public;

create function cardkeep_legacy.json_of(p_text text) returns jsonb
language plpgsql immutable parallel unsafe set search_path = pg_catalog, pg_temp
as $$
begin
	return p_text::jsonb;
exception when data_exception then
	return null;
end
$$;
comment on function cardkeep_legacy.json_of is 'The document in a text, null where there is none. Locks nothing.';

create function cardkeep_legacy.time_of(p_text text) returns timestamptz
language plpgsql stable parallel unsafe
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
begin
	-- Words as "yesterday" are times to PostgreSQL, and mean another one each day.
	return case when p_text ~ '^[0-9]{4}-' then p_text::timestamptz end;
exception when data_exception then
	return null;
end
$$;
comment on function cardkeep_legacy.time_of is 'The time in a text, in UTC where it does not say; null where there is none. Locks nothing.';

create function cardkeep_legacy.column_type(p_table regclass, p_column name) returns regtype
language sql stable
return (select a.atttypid::regtype from pg_catalog.pg_attribute a
	where a.attrelid = p_table and a.attname = p_column and a.attnum > 0 and not a.attisdropped);
comment on function cardkeep_legacy.column_type is 'The type of a column, null where the table has none of that name. Locks nothing.';

create function cardkeep_legacy.columns_of(p_table regclass)
returns table (name name, type regtype, number smallint)
language sql stable
begin atomic
	select a.attname, a.atttypid::regtype, a.attnum from pg_catalog.pg_attribute a
	where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped
		and (a.attname <> 'last_write' or p_table not in ('cardkeep.business_cards'::regclass,
			'cardkeep.personal_info'::regclass, 'cardkeep.professional_info'::regclass))
	order by a.attnum;
end;
comment on function cardkeep_legacy.columns_of is 'A table''s columns in their order; of Cardkeep''s without last_write, which is nobody else''s business: one of that name in an old table is another. Locks nothing.';

create function cardkeep_legacy.name_says(p_name name) returns text
language sql immutable parallel safe
return case
	when p_name in ('deleted_at', 'archived_at', 'hidden_at', 'disabled_at') then 'since'
	when p_name in ('is_public', 'is_active', 'is_published', 'is_visible', 'is_enabled', 'public',
		'active', 'published', 'visible', 'enabled') then 'shown'
	when p_name in ('is_private', 'is_hidden', 'is_deleted', 'is_archived', 'is_disabled',
		'is_inactive', 'is_draft', 'private', 'hidden', 'deleted', 'archived', 'disabled',
		'inactive', 'draft') then 'hidden' end;
comment on function cardkeep_legacy.name_says is 'What a column of this name says of a card, if it says whether that is shown. Locks nothing.';

create function cardkeep_legacy.visibility_of(p_table regclass)
returns table (name name, type regtype, says text)
language sql stable
begin atomic
	select c.name, c.type, k.says from cardkeep_legacy.columns_of(p_table) c
	cross join lateral (select cardkeep_legacy.name_says(c.name) as says) k
	where case k.says
		when 'since' then c.type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
		else k.says is not null and c.type in ('boolean'::regtype, 'smallint'::regtype, 'integer'::regtype,
			'bigint'::regtype, 'text'::regtype, 'character varying'::regtype) end
	order by c.number;
end;
comment on function cardkeep_legacy.visibility_of is 'The columns of a table or view of cards that say whether a card is shown: it is where they say so (shown), where they do not (hidden), or while they are null (since). Locks nothing.';

create function cardkeep_legacy.second_names() returns table (kind name, name name, field name)
language sql immutable parallel safe
begin atomic
	values ('personal_info'::name, 'mobile_number'::name, 'primary_phone'::name),
		('personal_info', 'phone_number', 'secondary_phone'),
		('professional_info', 'designation', 'job_title'),
		('professional_info', 'office_email', 'work_email'),
		('professional_info', 'office_phone', 'work_phone');
end;
comment on function cardkeep_legacy.second_names is 'What programs from before Cardkeep may call a field of a profile, beside its own name. Locks nothing.';

create function cardkeep_legacy.field_of(p_table regclass, p_column name) returns name
language sql stable
return (select case
		when c.relname = 'business_cards' and cardkeep_legacy.name_says(p_column) is not null and exists (select
			from cardkeep_legacy.visibility_of(p_table) v where v.name = p_column and v.says <> 'since')
		then 'is_public'
		-- Beside a column of the field's own name it is another.
		else coalesce((select s.field from cardkeep_legacy.second_names() s where s.kind = c.relname
			and s.name = p_column and cardkeep_legacy.column_type(p_table, s.field) is null), p_column) end
	from pg_catalog.pg_class c where c.oid = p_table);
comment on function cardkeep_legacy.field_of is 'What Cardkeep calls a column of an old table, or of the view in its place; a column that it does not have is called as there. Locks nothing.';

create function cardkeep_legacy.column_of(p_table regclass, p_field name) returns name
language sql stable
return case when cardkeep_legacy.column_type(p_table, p_field) is not null then p_field
	else (select s.name from cardkeep_legacy.second_names() s
		join pg_catalog.pg_class c on c.oid = p_table and c.relname = s.kind
		where s.field = p_field and cardkeep_legacy.column_type(p_table, s.name) is not null) end;
comment on function cardkeep_legacy.column_of is 'The column of an old table, or of the view in its place, that has one of Cardkeep''s fields: that of its name, else of its second name; null where there is none. Locks nothing.';

create function cardkeep_legacy.read_truth(p_column name, p_type regtype) returns text
language sql immutable parallel safe
return case p_type when 'boolean'::regtype then format('o.%I', p_column)
	else format('lower(o.%I::text collate "C") in (''t'', ''true'', ''1'', ''y'', ''yes'', ''on'')',
		p_column) end;
comment on function cardkeep_legacy.read_truth is 'SQL that reads a column of an old table as true or false, whatever its type. Locks nothing.';

create function cardkeep_legacy.read_visibility(p_table regclass) returns text
language sql stable
return coalesce((select string_agg(case v.says when 'since' then format('o.%I is null', v.name)
		when 'shown' then format('coalesce(%s, false)', cardkeep_legacy.read_truth(v.name, v.type))
		else format('not coalesce(%s, true)', cardkeep_legacy.read_truth(v.name, v.type)) end, ' and ')
	from cardkeep_legacy.visibility_of(p_table) v), 'true');
comment on function cardkeep_legacy.read_visibility is 'SQL that reads whether an old card was shown: every column that has a say in it says so. A null does not: the old query for what is shown did not find it. Without such a column all were. Locks nothing.';

create function cardkeep_legacy.read_as(p_table regclass, p_column name, p_type regtype)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_column name := coalesce(cardkeep_legacy.column_of(p_table, p_column), p_column);
	v_type regtype := cardkeep_legacy.column_type(p_table, v_column);
	v_text text := format('o.%I::text', v_column);
begin
	if p_column = 'is_public' then
		return cardkeep_legacy.read_visibility(p_table);
	elsif v_type is null then
		return format('null::%s', p_type);
	elsif v_type = p_type then
		return format('o.%I', v_column);
	elsif v_type in ('timestamp'::regtype, 'date'::regtype) and p_type = 'timestamptz'::regtype then
		return format('o.%I::timestamp at time zone ''UTC''', v_column);
	end if;
	return case p_type
		when 'uuid'::regtype then format('cardkeep_legacy.uuid_of(%s)', v_text)
		when 'jsonb'::regtype then format('cardkeep_legacy.json_of(%s)', v_text)
		when 'timestamptz'::regtype then format('cardkeep_legacy.time_of(%s)', v_text)
		when 'integer'::regtype then format('case when %1$s ~ ''^[0-9]{1,9}$'' then (%1$s)::integer end', v_text)
		else v_text end;
end
$$;
comment on function cardkeep_legacy.read_as is 'SQL that reads a column of an old table, by its second name too and whatever its type, as one of Cardkeep''s types; a missing column is null, and whether a card is public is what all columns say that have a say in it. Locks nothing.';

create function cardkeep_legacy.define_old(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := to_regclass(format('cardkeep_legacy.%I', p_kind));
	v_columns text;
begin
	select string_agg(format('%s as %I', cardkeep_legacy.read_as(v_table, c.name, c.type), c.name),
		', ' order by c.number) into v_columns
	from cardkeep_legacy.columns_of(format('cardkeep.%I', p_kind)) c;
	if v_table is null then
		execute format('create or replace view cardkeep_legacy.old_%s as
			select %s, null::jsonb as was, null::tid as place where false', p_kind, v_columns);
	else
		execute format('create or replace view cardkeep_legacy.old_%s as
			select %s, to_jsonb(o) as was, o.ctid as place from %s o', p_kind, v_columns, v_table);
	end if;
end
$$;
comment on function cardkeep_legacy.define_old is 'Makes the view through which an old table is read in Cardkeep''s types; empty where none is put aside. The view is locked until the transaction ends.';

do $$
begin
	perform cardkeep_legacy.define_old(k)
	from unnest(array['business_cards', 'personal_info', 'professional_info']) k;
end
$$;
comment on view cardkeep_legacy.old_business_cards is 'The cards from before, in Cardkeep''s types';
comment on view cardkeep_legacy.old_personal_info is 'The personal profiles from before, in Cardkeep''s types';
comment on view cardkeep_legacy.old_professional_info is 'The professional profiles from before, in Cardkeep''s types';

-- Making it fit

create function cardkeep_legacy.blank() returns text
language sql immutable parallel safe
return '[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]';
comment on function cardkeep_legacy.blank is 'What is a blank, as a regular expression that no locale reads in another way. Locks nothing.';

create function cardkeep_legacy.clean_name(p_name text) returns text
language sql immutable parallel safe
return case
	-- Nearly all are as they should be.
	when char_length(p_name) between 1 and 200 and p_name is nfc normalized
		and p_name !~ ('^' || cardkeep_legacy.blank() || '|' || cardkeep_legacy.blank()
			|| '$|[\u0001-\u001f\u007f-\u009f]') then p_name
	-- Bounded before it is normalised, as in cardkeep_api.clean_name.
	else coalesce(nullif(regexp_replace(left(normalize(regexp_replace(regexp_replace(
		left(p_name, 800), '[\u0001-\u001f\u007f-\u009f]', ' ', 'g'),
		'^' || cardkeep_legacy.blank() || '+|' || cardkeep_legacy.blank() || '+$', '', 'g')), 200),
		cardkeep_legacy.blank() || '+$', ''), ''), 'Card')
end;
comment on function cardkeep_legacy.clean_name is 'A name as a card may have it: NFC, trimmed, control characters as blanks, cut at 200; "Card" where nothing is left. Locks nothing.';

create function cardkeep_legacy.clean_template(p_template text) returns text
language sql immutable parallel safe
return case when p_template ~ '[a-zA-Z0-9]' then left(cardkeep_api.slugify(p_template), 64)
	else 'personal-small' end;
comment on function cardkeep_legacy.clean_template is 'A template''s name as a card may have it. Locks nothing.';

create function cardkeep_legacy.fit_template(p_template text) returns text
language sql immutable parallel safe
return case when char_length(p_template) between 1 and 64 and p_template !~ '[^a-z0-9-]'
	then p_template else cardkeep_legacy.clean_template(p_template) end;
comment on function cardkeep_legacy.fit_template is 'A template''s name as it is, where a card may have it, else made to fit. Locks nothing.';

create function cardkeep_legacy.clean_document(p_document jsonb) returns jsonb
language sql immutable parallel safe
return case when jsonb_typeof(p_document) = 'object' then p_document else '{}' end;
comment on function cardkeep_legacy.clean_document is 'A document as a card may have it: an object, empty where it was anything else. Locks nothing.';

create function cardkeep_legacy.clean_time(p_at timestamptz) returns timestamptz
language sql immutable parallel safe
return case when p_at >= 'epoch' and p_at < '9999-01-01 00:00:00+00' then p_at end;
comment on function cardkeep_legacy.clean_time is 'A time that can be told in four digits of a year, else null. Locks nothing.';

create function cardkeep_legacy.is_slug(p_slug text) returns boolean
language sql immutable parallel safe
return p_slug is not null and char_length(p_slug) <= 87 and p_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$';
comment on function cardkeep_legacy.is_slug is 'Whether a card may have this slug. Locks nothing.';

create function cardkeep_legacy.fit_card(p_changes jsonb, p_slug text) returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_slug text := p_changes ->> 'slug';
	v_fit jsonb := p_changes;
begin
	if p_changes ->> 'name' is not null then
		v_fit := v_fit || jsonb_build_object('name', cardkeep_legacy.clean_name(p_changes ->> 'name'));
	end if;
	if p_changes ? 'template_type' then
		v_fit := v_fit || jsonb_build_object('template_type',
			cardkeep_legacy.fit_template(p_changes ->> 'template_type'));
	end if;
	if v_slug = '' then
		return v_fit - 'slug' || case when p_slug is null then '{}' else jsonb_build_object('slug', p_slug) end;
	elsif not cardkeep_legacy.is_slug(v_slug) and v_slug is not null then
		return v_fit || jsonb_build_object('slug', cardkeep_api.slugify(v_slug));
	end if;
	return v_fit;
end
$$;
comment on function cardkeep_legacy.fit_card is 'What a program from before Cardkeep gives a card, made to fit: a name, a template, a slug that breaks the rule; an empty slug is the one that the card has. Whether a slug is free it does not ask. Locks nothing.';

create view cardkeep_legacy.carried_cards as
	select o.id, coalesce(o.user_id, o.id) as user_id, cardkeep_legacy.clean_name(o.name) as name,
		coalesce(c.became #>> '{}', o.slug) as slug,
		cardkeep_legacy.fit_template(o.template_type) as template_type,
		cardkeep_legacy.clean_document(o.fields_config) as fields_config,
		cardkeep_legacy.clean_document(o.design_config) as design_config,
		coalesce(o.is_public, false) as is_public, least(greatest(o.version, 1), 10000) as version,
		coalesce(d.created_at, d.updated_at, t.at) as created_at,
		greatest(d.updated_at, d.created_at, case when num_nonnulls(d.updated_at, d.created_at) = 0
			then t.at end) as updated_at,
		o.name as old_name, o.template_type as old_template_type,
		o.fields_config as old_fields_config, o.design_config as old_design_config,
		o.user_id as old_user_id, o.created_at as old_created_at, o.updated_at as old_updated_at,
		o.version as old_version, o.was, o.place
	from cardkeep_legacy.old_business_cards o
	join cardkeep.upgraded_tables t on t.kind = 'business_cards'
	cross join lateral (select cardkeep_legacy.clean_time(o.created_at) as created_at,
		cardkeep_legacy.clean_time(o.updated_at) as updated_at) d
	left join cardkeep.upgrade_changes c on c.kind = 'business_cards' and c.entity_id = o.id
		and c.field = 'slug' and c.was is not distinct from o.was -> 'slug';
comment on view cardkeep_legacy.carried_cards is 'The cards from before as Cardkeep can keep them, beside what they were; a slug that was resolved reads as what it became. Null is not public: the old query for public ones did not find it';

create view cardkeep_legacy.carried_profiles as
	select p.kind, p.user_id, row_number() over (partition by p.kind, p.user_id
			order by p.updated_at desc nulls last, p.created_at desc nulls last, p.place) as rank,
		p.fields, least(greatest(p.version, 1), 10000) as version,
		coalesce(p.created_at, p.updated_at, t.at) as created_at,
		greatest(p.updated_at, p.created_at, case when num_nonnulls(p.updated_at, p.created_at) = 0
			then t.at end) as updated_at, p.was, p.place
	from (
		select k.kind, coalesce(c.entity_id, k.user_id, md5(k.was::text)::uuid) as user_id,
			cardkeep_api.profile_fields(k.row) as fields, k.version,
			cardkeep_legacy.clean_time(k.created_at) as created_at,
			cardkeep_legacy.clean_time(k.updated_at) as updated_at, k.was, k.place
		from (
			select 'personal_info' as kind, to_jsonb(o) - array['was', 'place'] as row, o.user_id,
				o.version, o.created_at, o.updated_at, o.was, o.place
			from cardkeep_legacy.old_personal_info o
			union all
			select 'professional_info', to_jsonb(o) - array['was', 'place'], o.user_id, o.version,
				o.created_at, o.updated_at, o.was, o.place
			from cardkeep_legacy.old_professional_info o) k
		left join cardkeep.upgrade_changes c on c.kind = k.kind and c.field = 'user_id'
			and c.was = to_jsonb(k.user_id)
		) p
	join cardkeep.upgraded_tables t on t.kind = p.kind;
comment on view cardkeep_legacy.carried_profiles is 'The profiles from before as Cardkeep can keep them; of several of one user the newest has rank 1. What was adopted is the account''s';

create function cardkeep_legacy.write_of(p_kind text, p_id uuid, p_version integer) returns uuid
language sql immutable parallel safe
return case when p_kind = 'business_cards' and p_version = 1 then p_id
	else md5(p_kind || ':' || p_id || ':' || p_version)::uuid end;
comment on function cardkeep_legacy.write_of is 'The write id of a row that is carried over: the card''s own id where that began it, as everywhere. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('legacy_tables');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'adoption') then
return;
end if;
execute $sql$
-- Deploy cardkeep:adoption to pg
--
-- Rows that came from before Cardkeep keep the user id that they came with. Where no account has
-- that id, a user without address and password stands for it and waits: the cards answer at their
-- addresses meanwhile, and nobody can sign in. Adoption gives that user an address and a password,
-- or gives the rows to an account that is there. For administrators, who may wait.


set local role cardkeep_owner;

create view cardkeep.waiting_users as
	select u.id, w.cards, w.personal is not null as has_personal_info,
		w.professional is not null as has_professional_info, w.personal ->> 'full_name' as full_name,
		coalesce(w.personal ->> 'primary_email', w.professional ->> 'work_email') as email
	from cardkeep.users u
	cross join lateral (select
		(select count(*) from cardkeep.business_cards b where b.user_id = u.id) as cards,
		(select to_jsonb(p) from cardkeep.personal_info p where p.user_id = u.id) as personal,
		(select to_jsonb(p) from cardkeep.professional_info p where p.user_id = u.id) as professional
	) w
	where u.email is null and u.closed_at is null and (w.cards > 0 or num_nonnulls(w.personal, w.professional) > 0);
comment on view cardkeep.waiting_users is 'Users that nobody can sign in as, who have rows from before Cardkeep: their id then, what they have, and what their profiles say about who they are';

create function cardkeep_api.give_profile(p_kind text, p_old uuid, p_new uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform pg_advisory_xact_lock(cardkeep_api.lock_key(p_kind, p_new::text));
	perform from cardkeep_api.profiles p where p.kind = p_kind and p.user_id = p_new;
	if found then
		return false;
	elsif p_kind = 'personal_info' then
		insert into cardkeep.personal_info_versions
		select p_new, v.version, v.session_id, v.write_id, v.at, v.before
		from cardkeep.personal_info_versions v where v.user_id = p_old;
		update cardkeep.personal_info p set user_id = p_new where p.user_id = p_old;
	else
		insert into cardkeep.professional_info_versions
		select p_new, v.version, v.session_id, v.write_id, v.at, v.before
		from cardkeep.professional_info_versions v where v.user_id = p_old;
		update cardkeep.professional_info p set user_id = p_new where p.user_id = p_old;
	end if;
	if not found then
		return false;
	end if;
	insert into cardkeep.upgrade_changes (kind, entity_id, field, was, became, reason)
	values (p_kind, p_new, 'user_id', to_jsonb(p_old), to_jsonb(p_new), 'adopted')
	on conflict do nothing;
	update cardkeep.pruned_histories h set id = p_new where h.kind = p_kind and h.id = p_old;
	-- Nothing stays under the old id: a profile that an old program begins there begins its history.
	if p_kind = 'personal_info' then
		delete from cardkeep.personal_info_versions v where v.user_id = p_old;
	else
		delete from cardkeep.professional_info_versions v where v.user_id = p_old;
	end if;
	return true;
end
$$;
comment on function cardkeep_api.give_profile is 'Gives a waiting user''s profile and its history to another, unless that one has a profile, and lists that: whether it was given. Waits for the advisory lock of the first profile, then for the profile''s row.';

create function cardkeep_api.adopted(p_user uuid, p_old uuid, p_status integer, p_cards bigint,
	p_given text[])
returns cardkeep_api.answer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_user text;
	v_left text[];
begin
	select cardkeep_api.user_json(u) into v_user from cardkeep.users u where u.id = p_user;
	if p_old <> p_user then
		v_left := array(select p.kind from cardkeep_api.profiles p where p.user_id = p_old order by 1);
	end if;
	return cardkeep_api.reply(p_status, 0, format('{"user":%s,"cards":%s,"profiles":%s,"left":%s}',
		v_user, p_cards, to_json(p_given), to_json(coalesce(v_left, '{}'))));
end
$$;
comment on function cardkeep_api.adopted is 'What an adoption came to, as JSON: the account, how many cards and which profiles it got, and which profiles it did not get because it has its own. Locks nothing.';

create function cardkeep_api.adopt_into(p_old uuid, p_user uuid) returns cardkeep_api.answer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards bigint;
	v_given text[] := '{}';
	v_kind text;
	a cardkeep_api.answer;
begin
	perform from cardkeep.business_cards b where b.user_id = p_old order by b.id for no key update;
	update cardkeep.business_cards b set user_id = p_user where b.user_id = p_old;
	get diagnostics v_cards = row_count;
	update cardkeep.retired_slugs r set user_id = p_user where r.user_id = p_old;
	foreach v_kind in array array['personal_info', 'professional_info']
	loop
		if cardkeep_api.give_profile(v_kind, p_old, p_user) then
			v_given := v_given || v_kind;
		end if;
	end loop;
	a := cardkeep_api.adopted(p_user, p_old, 200, v_cards, v_given);
	-- With nothing left the user goes.
	delete from cardkeep.users u where u.id = p_old
		and not exists (select from cardkeep_api.profiles p where p.user_id = p_old);
	return a;
end
$$;
comment on function cardkeep_api.adopt_into is 'Gives a waiting user''s rows to an account, under the versions that they have; a profile that the account has already stays its own, and the waiting one goes on waiting; a waiting user without any rows left goes. The caller has locked both users; waits for the cards in the order of their ids, then for the profiles.';

create function cardkeep_api.adopt_user(p_old uuid, p_email text, p_password_hash text default null)
returns cardkeep_api.answer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_email text := lower(p_email collate "C");
	v_user uuid;
begin
	perform pg_advisory_xact_lock(cardkeep_api.lock_key('email', v_email));
	perform from cardkeep.users u where u.id = p_old and u.email is null and u.closed_at is null
	for update;
	if not found then
		return cardkeep_api.reply(404, 0, '', false, 'not_waiting');
	end if;
	select u.id into v_user from cardkeep.users u where u.email = v_email for key share;
	if found then
		return cardkeep_api.adopt_into(p_old, v_user);
	end if;
	if p_password_hash is null then
		return cardkeep_api.reply(409, 0, '', false, 'password_needed');
	end if;
	update cardkeep.users u
	set email = v_email, password_hash = p_password_hash, updated_at = clock_timestamp()
	where u.id = p_old;
	return cardkeep_api.adopted(p_old, p_old, 201,
		(select count(*) from cardkeep.business_cards b where b.user_id = p_old),
		array(select p.kind from cardkeep_api.profiles p where p.user_id = p_old order by 1));
end
$$;
comment on function cardkeep_api.adopt_user is 'For administrators: makes the rows of a waiting user an account''s. Where an account has the address they become its own: 200. Otherwise the waiting user itself becomes the account, with this Argon2id hash, and keeps its id: 201; without a hash 409 password_needed. 404 not_waiting where nobody waits under that id. The body tells what was given: {user, cards, profiles, left}. Waits for the address''s advisory lock, the waiting user (update), the account (key share), then as adopt_into.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('adoption');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'rest_views') then
return;
end if;
execute $sql$
-- Deploy cardkeep:rest_views to pg
--
-- What a REST client asks of rows: some columns, filters, an order, a page. The service reads that
-- from the query string into a document, the view:
--
--   {"select": [column...], "filters": [{"column", "op", "not", "values": [text...]}...],
--    "order": [{"column", "descending", "nulls"}...], "limit", "offset", "count", "single"}
--
-- Without "select" all columns are meant, without "limit" as many rows as there may be.
--
-- The statement is made here, and of nothing but what this file holds: a column's name and type come
-- from rest_columns, operators from rest_condition, and each value of the client's travels as a
-- parameter. A plan is made for each request, which suits both a page of cards and one by its id.
--
-- What a view may ask is bounded before the statement is made (rest_bounds), and documents are neither
-- compared nor ordered by: that would fetch and unpack them for every row. So they are fetched for the
-- rows of the page alone, where they are selected.


set local role cardkeep_owner;

create function cardkeep_api.rest_columns(p_source text) returns text[]
language sql immutable parallel safe
return case p_source
	when 'business_cards' then array[['id', 'uuid'], ['user_id', 'uuid'], ['name', 'text'],
		['slug', 'text'], ['template_type', 'text'], ['fields_config', 'jsonb'],
		['design_config', 'jsonb'], ['is_public', 'boolean'], ['version', 'integer'],
		['created_at', 'timestamptz'], ['updated_at', 'timestamptz']]
	when 'personal_info' then array[['user_id', 'uuid'], ['full_name', 'text'],
		['primary_email', 'text'], ['secondary_email', 'text'], ['primary_phone', 'text'],
		['secondary_phone', 'text'], ['website', 'text'], ['address', 'text'],
		['version', 'integer'], ['created_at', 'timestamptz'], ['updated_at', 'timestamptz']]
	when 'professional_info' then array[['user_id', 'uuid'], ['job_title', 'text'],
		['company_name', 'text'], ['department', 'text'], ['work_email', 'text'],
		['work_phone', 'text'], ['work_address', 'text'], ['company_website', 'text'],
		['linkedin_url', 'text'], ['version', 'integer'], ['created_at', 'timestamptz'],
		['updated_at', 'timestamptz']]
	when 'create_business_card_atomic' then array[['id', 'uuid'], ['slug', 'text'], ['name', 'text'],
		['created_at', 'timestamptz']]
	when 'update_business_card_optimistic' then array[['success', 'boolean'],
		['new_version', 'integer'], ['message', 'text']]
	when 'upsert_profile' then array[['success', 'boolean'], ['new_version', 'integer'],
		['message', 'text'], ['is_new', 'boolean']]
end;
comment on function cardkeep_api.rest_columns is 'The columns of a table, or of what a function returns, each with its type, in the order in which clients see them. Locks nothing.';

create function cardkeep_api.rest_type(p_source text, p_column text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_type text := jsonb_object(cardkeep_api.rest_columns(p_source)) ->> p_column;
begin
	if v_type is null then
		raise exception 'column %.% does not exist', p_source, p_column
			using errcode = 'undefined_column';
	end if;
	return v_type;
end
$$;
comment on function cardkeep_api.rest_type is 'The type of a column; raises 42703 for one that is not in the list, so that no other name gets into a statement. Locks nothing.';

create function cardkeep_api.rest_comparable(p_source text, p_column text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_type text := cardkeep_api.rest_type(p_source, p_column);
begin
	if v_type = 'jsonb' then
		raise exception 'column %.% holds documents, which are neither compared nor ordered by',
			p_source, p_column
			using errcode = 'datatype_mismatch', hint = 'Ask whether it is null, or not.';
	end if;
	return v_type;
end
$$;
comment on function cardkeep_api.rest_comparable is 'As rest_type, of a column that may be compared and ordered by; raises 42804 for one that holds documents. Locks nothing.';

create function cardkeep_api.rest_is(p_source text, p_column text, p_what text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_type text := cardkeep_api.rest_type(p_source, p_column);
begin
	if p_what in ('true', 'false', 'unknown') and v_type <> 'boolean' then
		raise exception 'argument of IS % must be type boolean, not type %', upper(p_what collate "C"), v_type
			using errcode = 'datatype_mismatch';
	end if;
	return format('b.%I is ', p_column) || case p_what when 'null' then 'null'
		when 'not_null' then 'not null' when 'true' then 'true' when 'false' then 'false'
		when 'unknown' then 'unknown' end;
end
$$;
comment on function cardkeep_api.rest_is is 'A condition by what a column is; raises 42804 where a truth is asked of what is no boolean. Locks nothing.';

create function cardkeep_api.rest_condition(p_source text, p_filter jsonb, p_at integer)
returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_column text := p_filter ->> 'column';
	v_type text := case p_filter ->> 'op' when 'is' then cardkeep_api.rest_type(p_source, v_column)
		else cardkeep_api.rest_comparable(p_source, v_column) end;
	v_end integer := p_at + jsonb_array_length(p_filter -> 'values') - 1;
	v_condition text := case p_filter ->> 'op'
		when 'eq' then format('b.%I = $2[%s]::%s', v_column, p_at, v_type)
		when 'neq' then format('b.%I <> $2[%s]::%s', v_column, p_at, v_type)
		when 'in' then format('b.%I = any ($2[%s:%s]::%s[])', v_column, p_at, v_end, v_type)
		when 'is' then cardkeep_api.rest_is(p_source, v_column, p_filter -> 'values' ->> 0)
	end;
begin
	return case when (p_filter -> 'not')::boolean then ' and not (' else ' and (' end || v_condition
		|| ')';
end
$$;
comment on function cardkeep_api.rest_condition is 'One filter as a condition on b, whose values stand in the array $2 from p_at on. Locks nothing.';

create function cardkeep_api.rest_from(p_source text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_columns text[] := cardkeep_api.rest_columns(p_source);
	v_from text := case p_source
		when 'business_cards' then 'cardkeep.business_cards b where b.user_id = $1'
		when 'personal_info' then 'cardkeep.personal_info b where b.user_id = $1'
		when 'professional_info' then 'cardkeep.professional_info b where b.user_id = $1'
		else 'jsonb_to_record($3) b(' || (select string_agg(format('%I %s', v_columns[i][1],
			v_columns[i][2]), ', ') from generate_subscripts(v_columns, 1) i) || ') where true' end;
	v_at integer := 1;
	v_filter jsonb;
begin
	for v_filter in select f from jsonb_array_elements(p_view -> 'filters') f loop
		v_from := v_from || cardkeep_api.rest_condition(p_source, v_filter, v_at);
		v_at := v_at + jsonb_array_length(v_filter -> 'values');
	end loop;
	return v_from;
end
$$;
comment on function cardkeep_api.rest_from is 'Where rows come from, and which: those of user $1 in a table, or the one $3 that a function returned; each by the filters. Locks nothing.';

create function cardkeep_api.rest_select(p_source text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_columns text[] := cardkeep_api.rest_columns(p_source);
	-- A column that is named again is there already; a row would grow by it without bounds.
	v_wanted text[] := coalesce(
		(select array_agg(w.name order by w.place)
			from (select e.name, min(e.place) as place
				from jsonb_array_elements_text(p_view -> 'select') with ordinality e (name, place)
				group by e.name) w),
		array(select v_columns[i][1] from generate_subscripts(v_columns, 1) i order by i));
begin
	perform cardkeep_api.rest_type(p_source, w) from unnest(v_wanted) w;
	return (select string_agg(format('b.%I', w.name), ', ' order by w.place)
		from unnest(v_wanted) with ordinality w (name, place));
end
$$;
comment on function cardkeep_api.rest_select is 'The columns that were asked for, each once, else all. Locks nothing.';

create function cardkeep_api.rest_order(p_source text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_order text := '';
	v_item jsonb;
begin
	for v_item in select o from jsonb_array_elements(p_view -> 'order') o loop
		perform cardkeep_api.rest_comparable(p_source, v_item ->> 'column');
		v_order := v_order || format('b.%I %s nulls %s, ', v_item ->> 'column',
			case when (v_item -> 'descending')::boolean then 'desc' else 'asc' end,
			case v_item ->> 'nulls' when 'first' then 'first' else 'last' end);
	end loop;
	return case when p_source = 'business_cards'
		then ' order by ' || v_order || 'b.created_at desc, b.id desc'
		else coalesce(' order by ' || nullif(rtrim(v_order, ', '), ''), '') end;
end
$$;
comment on function cardkeep_api.rest_order is 'The order that was asked for; cards that are equal in it stand newest first, so that pages by offset neither repeat nor miss one. Locks nothing.';

create function cardkeep_api.rest_bounds(p_view jsonb) returns void
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	c_filters constant integer := 20;
	c_values constant integer := 100; -- of all filters together
	c_selected constant integer := 1000; -- columns, each of which is there once
	c_ordered constant integer := 20;
begin
	if jsonb_array_length(p_view -> 'filters') > c_filters then
		raise exception 'a request has at most % filters', c_filters
			using errcode = 'invalid_parameter_value';
	elsif (select sum(jsonb_array_length(f -> 'values'))
		from jsonb_array_elements(p_view -> 'filters') f) > c_values
	then
		raise exception 'the filters of a request have at most % values together', c_values
			using errcode = 'invalid_parameter_value';
	elsif jsonb_array_length(p_view -> 'select') > c_selected then
		raise exception 'a request names at most % columns', c_selected
			using errcode = 'invalid_parameter_value';
	elsif jsonb_array_length(p_view -> 'order') > c_ordered then
		raise exception 'a request orders by at most % columns', c_ordered
			using errcode = 'invalid_parameter_value';
	end if;
end
$$;
comment on function cardkeep_api.rest_bounds is 'Raises 22023 where a view asks for more than 20 filters, 100 values, 1,000 columns or 20 to order by: the bounds of the service''s query parser. Locks nothing.';

create function cardkeep_api.rest_check(p_view jsonb, p_rows bigint, p_total bigint) returns void
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	if (p_view -> 'single')::boolean and p_rows <> 1 then
		raise exception using errcode = 'PT406',
			message = 'Cannot coerce the result to a single JSON object',
			detail = format('The result contains %s rows', p_rows);
	end if;
	if (p_view -> 'offset')::bigint > p_total then
		raise exception using errcode = 'PT416', message = 'Requested range not satisfiable',
			detail = format('An offset of %s was requested, but there are only %s rows.',
				p_view -> 'offset', p_total);
	end if;
end
$$;
comment on function cardkeep_api.rest_check is 'Raises PT406 where one row was asked for and there is another number, PT416 where the page begins behind the last row. Locks nothing.';

create function cardkeep_api.rest_whole(p_row text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	if p_view - 'single' <> '{"filters": [], "order": [], "offset": 0, "count": false}' then
		return null;
	end if;
	return E'0 1 *\n' || case when (p_view -> 'single')::boolean then p_row else '[' || p_row || ']' end;
end
$$;
comment on function cardkeep_api.rest_whole is 'The page of a view that leaves the only row as it is, which is what nearly all callers of functions want; null for any other view. Locks nothing.';

create function cardkeep_api.rest_page(p_source text, p_user uuid, p_row text, p_view jsonb)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	c_page_rows constant integer := 100;
	c_page_bytes constant integer := 1048576 - 1024;
	c_counted constant integer := 10000;
	v_from text;
	v_row jsonb;
	v_values text[];
	v_total bigint;
	v_item text;
	v_items text[] := '{}';
	v_rows integer := 0;
	v_bytes integer := 0;
begin
	perform cardkeep_api.rest_bounds(p_view);
	v_from := cardkeep_api.rest_from(p_source, p_view);
	v_row := p_row;
	v_values := array(select v from jsonb_array_elements(p_view -> 'filters') f,
		jsonb_array_elements_text(f -> 'values') v);
	if (p_view -> 'count')::boolean then
		execute format('select nullif(count(*), %s) from (select from %s limit %1$s) c', c_counted + 1,
			v_from) into v_total using p_user, v_values, v_row;
	end if;
	for v_item in execute 'select row_to_json(r)::text from (select '
		|| cardkeep_api.rest_select(p_source, p_view) || ' from ' || v_from
		|| cardkeep_api.rest_order(p_source, p_view) || ' limit $4 offset $5) r'
		using p_user, v_values, v_row, least((p_view -> 'limit')::bigint, c_page_rows),
			(p_view -> 'offset')::bigint
	loop
		v_bytes := v_bytes + octet_length(v_item) + 1;
		if v_bytes <= c_page_bytes or v_rows = 0 then
			v_items := v_items || v_item;
		elsif not (p_view -> 'single')::boolean then
			exit;
		end if;
		v_rows := v_rows + 1;
	end loop;
	perform cardkeep_api.rest_check(p_view, v_rows, v_total);
	return format(E'%s %s %s\n', p_view -> 'offset', v_rows, coalesce(v_total::text, '*'))
		|| case when (p_view -> 'single')::boolean then v_items[1]
			else '[' || array_to_string(v_items, ',') || ']' end;
end
$$;
comment on function cardkeep_api.rest_page is 'The rows of a view as JSON (of a table, or the one p_row that a function returned), after a line with the offset, how many rows there are, and how many there would be without limit and offset (* where that was not asked, or they are more than 10,000): at most 100 of them and 1 MiB, but at least one. Raises what is wrong with the view or its values. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('rest_views');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'rest_calls') then
return;
end if;
execute $sql$
-- Deploy cardkeep:rest_calls to pg
--
-- The promised functions as a REST client calls them: with a token, under a write id, and without
-- ever waiting, so they go through the calls of the service and tell their answers in the rows of the
-- promised functions.
--
-- Clients of this face read SQL's own errors, and ask that nothing be applied where the rows are not
-- those they wanted, which is known only when there are rows. So this is the one place with an
-- exception block: what the client did wrong takes its own changes back, and is answered as a row; the
-- other calls of the wave are none the wiser. Everything else is raised further, and sorted by the
-- service like any error.


set local role cardkeep_owner;

create function cardkeep_api.rest_foreign(c cardkeep_api.caller, p_args jsonb, p_user uuid)
returns boolean
language sql immutable parallel safe
return c.live and p_args ? 'p_user_id' and c.user_id is distinct from p_user;
comment on function cardkeep_api.rest_foreign is 'Whether a live session names a p_user_id that is not its own user; false where it names none. Locks nothing.';

create function cardkeep_api.rest_row(p_source text, p_row text, p_view jsonb) returns text
language plpgsql volatile
as $$
begin
	return coalesce(cardkeep_api.rest_whole(p_row, p_view),
		cardkeep_api.rest_page(p_source, null, p_row, p_view));
end
$$;
comment on function cardkeep_api.rest_row is 'What a function returned, as the view asks for it. Raises what rest_page does. Locks nothing.';

create function cardkeep_api.rest_create(c cardkeep_api.caller, p_token_hash bytea, p_write uuid,
	p_args jsonb, p_view jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
set timezone = 'UTC'
as $$
declare
	r record;
	a cardkeep_api.answer;
begin
	select j.* into r from jsonb_to_record(p_args) j(p_user_id uuid, p_name text, slug text,
		p_template_type text, p_fields_config jsonb, p_design_config jsonb);
	if cardkeep_api.rest_foreign(c, p_args, r.p_user_id) then
		return cardkeep_api.reply(403);
	end if;
	if coalesce(r.p_name, '') = '' then
		raise exception 'p_name must be given' using errcode = 'invalid_parameter_value';
	end if;
	perform cardkeep_api.must_fit(r.p_fields_config, r.p_design_config);
	a := cardkeep_api.create_card(p_token_hash, p_write, r.slug, cardkeep_api.change_of(r.p_name,
		r.p_template_type, r.p_fields_config, r.p_design_config), p_key);
	if a.status = 500 then
		raise exception 'no free slug for "%"', cardkeep_api.slugify(coalesce(r.slug, r.p_name))
			using errcode = 'unique_violation', hint = 'Call again, or with another base slug.';
	end if;
	if a.status = 201 then
		a.body := cardkeep_api.rest_row('create_business_card_atomic', (select row_to_json(j)::text
			from json_to_record(a.body::json) j(id uuid, slug text, name text, created_at timestamptz)),
			p_view);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.rest_create is 'create_business_card_atomic for a REST client, whose arguments hold, as slug, what the service made of the base or the name: as create_card, with the row in the body; 403. Raises what the promised function raises, and what rest_page does. Locks as create_card.';

create function cardkeep_api.rest_update(c cardkeep_api.caller, p_token_hash bytea, p_write uuid,
	p_args jsonb, p_view jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	r record;
	a cardkeep_api.answer;
begin
	select j.* into r from jsonb_to_record(p_args) j(p_card_id uuid, p_user_id uuid,
		p_expected_version integer, p_name text, p_template_type text, p_fields_config jsonb,
		p_design_config jsonb, p_is_public boolean);
	if cardkeep_api.rest_foreign(c, p_args, r.p_user_id) then
		return cardkeep_api.reply(403);
	end if;
	perform cardkeep_api.must_fit(r.p_fields_config, r.p_design_config);
	a := cardkeep_api.update_card(p_token_hash, p_write, r.p_card_id, array[r.p_expected_version],
		cardkeep_api.change_of(r.p_name, r.p_template_type, r.p_fields_config, r.p_design_config,
			r.p_is_public), p_key);
	if a.status in (200, 404, 409) then
		a.body := cardkeep_api.rest_row('update_business_card_optimistic',
			(select row_to_json(t)::text from cardkeep_api.card_update_told(a) t), p_view);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.rest_update is 'update_business_card_optimistic for a REST client: as update_card, with the row in the body; 403. Raises what the promised function raises, and what rest_page does. Locks as update_card.';

create function cardkeep_api.rest_save(c cardkeep_api.caller, p_kind text, p_token_hash bytea,
	p_write uuid, p_args jsonb, p_view jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	r record;
	a cardkeep_api.answer;
begin
	select j.* into r from jsonb_to_record(p_args) j(p_user_id uuid, p_expected_version integer,
		patch jsonb);
	if cardkeep_api.rest_foreign(c, p_args, r.p_user_id) then
		return cardkeep_api.reply(403);
	end if;
	a := cardkeep_api.save_own_profile(p_kind, p_token_hash, p_write,
		array[coalesce(r.p_expected_version, 0)], r.patch, p_key);
	if a.status in (200, 201, 409) then
		a.body := cardkeep_api.rest_row('upsert_profile',
			(select row_to_json(t)::text from cardkeep_api.profile_upsert_told(a) t), p_view);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.rest_save is 'Either profile''s upsert for a REST client, whose arguments hold, as patch, the fields that are not null: as save_own_profile, with the row in the body; 403. Raises what rest_page does. Locks as save_own_profile.';

create function cardkeep_api.rest_slug(c cardkeep_api.caller, p_args jsonb, p_view jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	r record;
begin
	if not c.live then
		return cardkeep_api.reply(401);
	end if;
	select j.* into r from jsonb_to_record(p_args) j(slug text, max_attempts integer);
	return cardkeep_api.reply(200, 0,
		E'0 1 ' || case when (p_view -> 'count')::boolean then '1' else '*' end || E'\n'
		|| to_json(cardkeep.generate_unique_slug(r.slug,
			case when p_args ? 'max_attempts' then r.max_attempts else 10 end)));
end
$$;
comment on function cardkeep_api.rest_slug is 'generate_unique_slug for a REST client: a suggestion, since its reservation ends with the wave. 200, 401. Raises and locks as the promised function.';

create function cardkeep_api.rest_rows(c cardkeep_api.caller, p_source text, p_view jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if not c.live then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, cardkeep_api.rest_page(p_source, c.user_id, null, p_view));
end
$$;
comment on function cardkeep_api.rest_rows is 'The caller''s own rows of one of the three tables: 200, 401. Raises what rest_page does. Locks nothing.';

create function cardkeep_api.rest_refused(c cardkeep_api.caller, p_code text, p_message text,
	p_detail text, p_hint text)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	v_code text := case p_code when 'PT406' then 'PGRST116' when 'PT416' then 'PGRST103' else p_code end;
begin
	-- An account that was deleted meanwhile has no session either.
	if p_code = '23503' or not c.live then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(422, 0, (select row_to_json(r)::text from (select v_code as code,
		p_message as message, nullif(p_detail, '') as details, nullif(p_hint, '') as hint) r), false,
		v_code);
end
$$;
comment on function cardkeep_api.rest_refused is 'What was raised, as a REST client reads it: 422 with its code as the detail; 401 first. Locks nothing.';

create function cardkeep_api.rest_run(p_call text, p_token_hash bytea, p_write uuid, p_args jsonb,
	p_view jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep_api.caller;
	v_code text;
	v_message text;
	v_detail text;
	v_hint text;
begin
	select b.* into c from cardkeep_api.begin_call(p_token_hash) b;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	-- Before any of them becomes a text, as arrays do too where a text is wanted.
	if not cardkeep_api.document_fits(p_args) then
		raise exception 'the arguments of a call take at most 512 KiB when they are printed'
			using errcode = 'invalid_parameter_value', hint = 'Numbers are printed without exponents.';
	end if;
	case p_call
	when 'create' then
		return cardkeep_api.rest_create(c, p_token_hash, p_write, p_args, p_view, p_key);
	when 'update' then
		return cardkeep_api.rest_update(c, p_token_hash, p_write, p_args, p_view, p_key);
	when 'slug' then
		return cardkeep_api.rest_slug(c, p_args, p_view);
	when 'personal_info', 'professional_info' then
		return cardkeep_api.rest_save(c, p_call, p_token_hash, p_write, p_args, p_view, p_key);
	when 'rows' then
		return cardkeep_api.rest_rows(c, p_args ->> 'source', p_view);
	end case;
exception when data_exception or integrity_constraint_violation or undefined_column
	or datatype_mismatch or sqlstate 'PT406' or sqlstate 'PT416' then
	get stacked diagnostics v_code = returned_sqlstate, v_message = message_text,
		v_detail = pg_exception_detail, v_hint = pg_exception_hint;
	return cardkeep_api.rest_refused(c, v_code, v_message, v_detail, v_hint);
end
$$;
comment on function cardkeep_api.rest_run is 'Runs a call of the REST face (create, update, slug, rows, or the kind of the profile to save) in a subtransaction: 200, 201, 401, 403, 404, 409, 422, 423, writes with the row that tells of them; a repeat is answered as the first was; what its client did wrong (classes 22 and 23, 42703, 42804, a number of rows that it does not want, a page behind the last row) takes it back, and is the answer. Locks as the call, never waits; what it locked is free again where it was taken back.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('rest_calls');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'grants') then
return;
end if;
execute $sql$
-- Deploy cardkeep:grants to pg
--
-- The whole of what the runtime role may do, printed by scripts/gen-grants from src/catalog/calls.def.
-- A test holds it against the catalogue.


set local role cardkeep_owner;

grant execute on function
	cardkeep.generate_unique_slug,
	cardkeep.create_business_card_atomic,
	cardkeep.update_business_card_optimistic,
	cardkeep.upsert_personal_info_optimistic,
	cardkeep.upsert_professional_info_optimistic,
	cardkeep_api.check_session,
	cardkeep_api.check_card,
	cardkeep_api.register,
	cardkeep_api.find_account,
	cardkeep_api.open_session,
	cardkeep_api.list_sessions,
	cardkeep_api.end_session,
	cardkeep_api.end_sessions,
	cardkeep_api.touch_sessions,
	cardkeep_api.read_user,
	cardkeep_api.read_password,
	cardkeep_api.change_password,
	cardkeep_api.delete_account,
	cardkeep_api.create_card,
	cardkeep_api.list_cards,
	cardkeep_api.read_card,
	cardkeep_api.update_card,
	cardkeep_api.delete_card,
	cardkeep_api.read_own_profile,
	cardkeep_api.save_own_profile,
	cardkeep_api.merge_card,
	cardkeep_api.patch_card,
	cardkeep_api.merge_own_profile,
	cardkeep_api.read_card_history,
	cardkeep_api.revert_card,
	cardkeep_api.read_own_history,
	cardkeep_api.revert_own_profile,
	cardkeep_api.rest_run,
	cardkeep_api.sweep_writes,
	cardkeep_api.erase_step,
	cardkeep_api.read_cards,
	cardkeep_api.create_cards,
	cardkeep_api.update_cards
to cardkeep_runtime;

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('grants');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'legacy_import') then
return;
end if;
execute $sql$
-- Deploy cardkeep:legacy_import to pg
--
-- Carries the rows of the tables put aside into Cardkeep's own. Set-wise, with the version and the
-- write id in each statement, so that the triggers for direct SQL have nothing to do; history comes
-- first, because it refers to nothing. Only slugs that cannot be kept are found one by one.
--
-- A version above 1 was counted by somebody else, and nothing is known of what came before it. History
-- begins at that version then, with a row that says nothing of before, as where older rows were
-- pruned: what needs an older version is refused for want of it. The write id of such a row tells
-- `cardkeep verify` that nothing is missing.
--
-- What reads all rows has nested loops switched off: the tables have no statistics yet, and the
-- planner takes a first row of each slug for few.


set local role cardkeep_owner;

create function cardkeep_legacy.carry_users() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.users (id)
	select c.user_id from cardkeep_legacy.carried_cards c
	union
	select p.user_id from cardkeep_legacy.carried_profiles p
	on conflict do nothing;
end
$$;
comment on function cardkeep_legacy.carry_users is 'A waiting user for each id that came with rows and has no account. The rows are locked by their insertion.';

create function cardkeep_legacy.carry_card_history() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
begin
	insert into cardkeep.business_card_versions (card_id, version, write_id, at)
	select c.id, c.version, cardkeep_legacy.write_of('business_cards', c.id, c.version), c.updated_at
	from cardkeep_legacy.carried_cards c
	where not exists (select from cardkeep.business_cards b where b.id = c.id)
	on conflict do nothing;
end
$$;
comment on function cardkeep_legacy.carry_card_history is 'The history of each card that is to be carried over: a row for the version that it has. Locks nothing but its rows.';

create function cardkeep_legacy.carry_card(c cardkeep_legacy.carried_cards, p_slug text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, version, last_write, created_at, updated_at)
	values (c.id, c.user_id, c.name, p_slug, c.template_type, c.fields_config, c.design_config,
		c.is_public, c.version, cardkeep_legacy.write_of('business_cards', c.id, c.version),
		c.created_at, c.updated_at);
end
$$;
comment on function cardkeep_legacy.carry_card is 'One card, under this slug. Locks nothing but its row.';

create function cardkeep_legacy.carry_cards_as_they_are() returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
declare
	v_count bigint;
begin
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, version, last_write, created_at, updated_at)
	select c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config, c.design_config,
		c.is_public, c.version, cardkeep_legacy.write_of('business_cards', c.id, c.version),
		c.created_at, c.updated_at
	from (
		select k.*, row_number() over (partition by k.slug order by k.created_at, k.id) as rank
		from cardkeep_legacy.carried_cards k where cardkeep_legacy.is_slug(k.slug)) c
	where c.rank = 1 and not exists (select from cardkeep.retired_slugs r where r.slug = c.slug)
		and not exists (select from cardkeep.business_cards b where b.id = c.id)
		and not exists (select from cardkeep.business_cards b where b.slug = c.slug);
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep_legacy.carry_cards_as_they_are is 'All cards whose slug is well formed and free; of several that have one slug, the oldest. The number of them. The caller keeps others from writing cards.';

create function cardkeep_legacy.free_slug(p_base text, p_attempt integer) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_slug text;
begin
	loop
		v_slug := cardkeep_api.slug_candidate(p_base, p_attempt);
		perform from cardkeep.business_cards b where b.slug = v_slug
		union all
		select from cardkeep.retired_slugs r where r.slug = v_slug;
		exit when not found;
		p_attempt := p_attempt + 1;
	end loop;
	return v_slug;
end
$$;
comment on function cardkeep_legacy.free_slug is 'A slug that no card has or ever had: the base, or from the second attempt on the base with six random characters. The caller keeps others from writing cards.';

create function cardkeep_legacy.slug_fault(p_slug text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	if coalesce(p_slug, '') = '' then
		return 'missing';
	elsif not cardkeep_legacy.is_slug(p_slug) then
		return 'malformed';
	end if;
	perform from cardkeep.retired_slugs r where r.slug = p_slug;
	return case when found then 'reserved' else 'duplicate' end;
end
$$;
comment on function cardkeep_legacy.slug_fault is 'Why a card could not keep its slug. Locks nothing.';

create function cardkeep_legacy.carry_other_cards() returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep_legacy.carried_cards;
	v_fault text;
	v_slug text;
	v_count bigint := 0;
begin
	for c in select k.* from cardkeep_legacy.carried_cards k
		where not exists (select from cardkeep.business_cards b where b.id = k.id)
		order by k.created_at, k.id
	loop
		v_fault := cardkeep_legacy.slug_fault(c.slug);
		v_slug := cardkeep_legacy.free_slug(
			cardkeep_api.slugify(coalesce(nullif(c.slug, ''), c.name)),
			case when v_fault in ('missing', 'malformed') then 1 else 2 end);
		perform cardkeep_legacy.carry_card(c, v_slug);
		perform cardkeep_legacy.list_change('business_cards', c.id, 'slug', c.was -> 'slug',
			to_jsonb(v_slug), v_fault);
		v_count := v_count + 1;
	end loop;
	return v_count;
end
$$;
comment on function cardkeep_legacy.carry_other_cards is 'The cards that cannot keep their slugs, the oldest first: each gets one made of its slug, else of its name, and is listed. The number of them. The caller keeps others from writing cards.';

create function cardkeep_legacy.list_change(p_kind text, p_id uuid, p_field text, p_was jsonb,
	p_became jsonb, p_reason text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.upgrade_changes (kind, entity_id, field, was, became, reason)
	values (p_kind, p_id, p_field, p_was, p_became, p_reason)
	on conflict (kind, entity_id, field) do update
	set was = excluded.was, became = excluded.became, reason = excluded.reason, at = excluded.at;
end
$$;
comment on function cardkeep_legacy.list_change is 'Lists a value that could not be kept as it was. Locks nothing but its row.';

create function cardkeep_legacy.list_card_changes() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
begin
	perform cardkeep_legacy.list_change('business_cards', c.id, f.field, c.was -> f.field, f.became,
		f.reason)
	from cardkeep_legacy.carried_cards c
	cross join lateral (values
		('name', c.old_name is distinct from c.name, to_jsonb(c.name), 'not a card''s name'),
		('template_type', c.old_template_type <> c.template_type, to_jsonb(c.template_type),
			'not a template''s name'),
		('fields_config', c.old_fields_config is distinct from c.fields_config, c.fields_config,
			'not an object'),
		('design_config', c.old_design_config is distinct from c.design_config, c.design_config,
			'not an object'),
		('version', c.old_version <> c.version, to_jsonb(c.version), 'not from 1 to 10000'),
		('created_at', c.old_created_at <> c.created_at, to_jsonb(c.created_at), 'out of range'),
		('updated_at', c.old_updated_at <> c.updated_at, to_jsonb(c.updated_at),
			'out of range, or before the creation'),
		('user_id', c.old_user_id is null, to_jsonb(c.user_id),
			'nobody''s: waits under the card''s id')
	) f (field, changed, became, reason)
	where (c.old_name, c.old_template_type, c.old_fields_config, c.old_design_config, c.old_user_id,
			c.old_created_at, c.old_updated_at, c.old_version) is distinct from (c.name,
			c.template_type, c.fields_config, c.design_config, c.user_id, c.created_at, c.updated_at,
			c.version)
		and f.changed and c.was ? f.field and (c.was -> f.field <> 'null' or f.field = 'user_id');
end
$$;
comment on function cardkeep_legacy.list_card_changes is 'Lists every value of a card that could not be kept as it was, but for nulls that became the default. Locks nothing but its rows.';

create function cardkeep_legacy.list_card_ids(p_column name) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if cardkeep_legacy.column_type('cardkeep_legacy.business_cards', p_column) = 'uuid'::regtype then
		return;
	end if;
	perform cardkeep_legacy.list_change('business_cards', c.id, p_column, c.was -> p_column::text,
		to_jsonb(i.id), 'not a uuid')
	from cardkeep_legacy.carried_cards c
	cross join lateral (select case p_column when 'id' then c.id else c.user_id end as id) i
	where i.id::text <> lower((c.was ->> p_column::text) collate "C");
end
$$;
comment on function cardkeep_legacy.list_card_ids is 'Lists the ids of an old table that were no uuids, with what stands for them. Locks nothing but its rows.';

create function cardkeep_legacy.note_ids(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_column name;
begin
	for v_column in
		select c.name from cardkeep_legacy.columns_of(v_table) c
		where c.type <> 'uuid'::regtype
			and (c.name = 'user_id' or c.name = 'id' and p_kind = 'business_cards')
	loop
		execute format('insert into cardkeep_legacy.old_ids (kind, id, was)
			select %1$L, cardkeep_legacy.uuid_of(o.%1$I::text), o.%1$I::text from %2$s o
			where o.%1$I is not null on conflict do nothing', v_column, v_table);
	end loop;
end
$$;
comment on function cardkeep_legacy.note_ids is 'Remembers what the old programs call cards and users, where it is no uuid. Locks nothing but its rows.';

create function cardkeep_legacy.carry_cards() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kept bigint;
	v_changed bigint;
begin
	lock table cardkeep.business_cards in share row exclusive mode;
	perform cardkeep_legacy.carry_card_history();
	v_kept := cardkeep_legacy.carry_cards_as_they_are();
	v_changed := cardkeep_legacy.carry_other_cards();
	perform cardkeep_legacy.list_card_changes();
	perform cardkeep_legacy.list_card_ids(n) from unnest(array['id', 'user_id']) n;
	raise notice 'upgrade: % cards carried over; % of them could not keep their slugs, see cardkeep.upgrade_changes',
		v_kept + v_changed, v_changed;
end
$$;
comment on function cardkeep_legacy.carry_cards is 'Carries the cards over. Waits until nobody writes cards and keeps them from it until the transaction ends.';

create function cardkeep_legacy.carry_profiles(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	p cardkeep_legacy.carried_profiles;
	v_count bigint := 0;
	v_write uuid;
begin
	for p in select c.* from cardkeep_legacy.carried_profiles c
		where c.kind = p_kind and c.rank = 1 and not exists (select from cardkeep_api.profiles n
			where n.kind = p_kind and n.user_id = c.user_id)
	loop
		v_write := cardkeep_legacy.write_of(p_kind, p.user_id, p.version);
		perform cardkeep_api.note_profile(p_kind, p.user_id, p.version, null, v_write, p.updated_at,
			case when p.version = 1 then cardkeep_api.profile_before('{}', p.fields) else '{}' end);
		perform cardkeep_api.insert_profile(p_kind, p.user_id, v_write,
			row (p.fields, p.version, p.created_at, p.updated_at)::cardkeep_api.profile);
		v_count := v_count + 1;
	end loop;
	raise notice 'upgrade: % rows of % carried over', v_count, p_kind;
end
$$;
comment on function cardkeep_legacy.carry_profiles is 'Carries the profiles of one kind over, of each user the newest, unless the user has one; history begins at the version that each has. Locks nothing but its rows and, by the foreign key, the users (key share).';

create function cardkeep_legacy.list_profile_changes() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_legacy.list_change(p.kind, p.user_id, 'row ' || p.rank, p.was, null,
		'the user has a newer one')
	from cardkeep_legacy.carried_profiles p where p.rank > 1;
	perform cardkeep_legacy.list_change(p.kind, p.user_id, f.field, p.was -> f.field, f.became,
		f.reason)
	from cardkeep_legacy.carried_profiles p
	cross join lateral (values
		('user_id', p.was ->> 'user_id' is null, to_jsonb(p.user_id), 'nobody''s'),
		('version', (p.was ->> 'version')::numeric <> p.version, to_jsonb(p.version),
			'not from 1 to 10000'),
		('created_at', cardkeep_legacy.time_of(p.was ->> 'created_at') <> p.created_at,
			to_jsonb(p.created_at), 'out of range'),
		('updated_at', cardkeep_legacy.time_of(p.was ->> 'updated_at') <> p.updated_at,
			to_jsonb(p.updated_at), 'out of range, or before the creation')
	) f (field, changed, became, reason)
	where p.rank = 1 and f.changed;
end
$$;
comment on function cardkeep_legacy.list_profile_changes is 'Lists the profiles that were not carried over, and what could not be kept as it was of those that were. Locks nothing but its rows.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('legacy_import');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'gates') then
return;
end if;
execute $sql$
-- Deploy cardkeep:gates to pg
--
-- The policies of a guarded table (row level security) cannot guard a view of other rows. So each
-- becomes a part of functions, the gates, that are asked which rows a statement may see and write.
-- They are asked with the caller's own rights, as a policy is: what it looks up, it looks up as he, and
-- whom it is about is he.
--
-- In the place of a guarded table stand two views. The inner shows all rows, and is for those whom the
-- policies never bound, which is where the owner's own views go; the outer asks the gates of each row,
-- and its triggers of each that is written. Gates and inner views are in cardkeep_doors, whose names
-- everybody may use: as their callers do triggers look for them.


set local role cardkeep_owner;

-- What was just made is closed first: granting only adds, and default privileges may have opened it.

create function cardkeep_legacy.close_all(p_what text, p_granted aclitem[], p_owner oid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_grantee text;
begin
	for v_grantee in
		select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end
		from aclexplode(p_granted) a where a.grantee <> p_owner
	loop
		execute format('revoke all on %s from %s cascade', p_what, v_grantee);
	end loop;
end
$$;
comment on function cardkeep_legacy.close_all is 'Leaves what was just made to its owner alone, whatever default privileges gave to others. Locks nothing.';

create function cardkeep_legacy.close_to_others(p_relation regclass) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select cardkeep_legacy.close_all(c.oid::regclass::text, c.relacl, c.relowner)
	from pg_catalog.pg_class c where c.oid = p_relation;
end;
comment on function cardkeep_legacy.close_to_others is 'close_all for a table or a view. Locks nothing.';

create function cardkeep_legacy.close_function(p_function regprocedure) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select cardkeep_legacy.close_all('function ' || p.oid::regprocedure::text,
		coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner)
	from pg_catalog.pg_proc p where p.oid = p_function;
end;
comment on function cardkeep_legacy.close_function is 'close_all for a function. Locks nothing.';

create function cardkeep_legacy.close_schema(p_schema regnamespace) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select cardkeep_legacy.close_all('schema ' || n.oid::regnamespace::text, n.nspacl, n.nspowner)
	from pg_catalog.pg_namespace n where n.oid = p_schema;
end;
comment on function cardkeep_legacy.close_schema is 'close_all for a schema. Locks nothing.';

create function cardkeep_doors.is_exempt(p_owner name, p_forced boolean) returns boolean
language sql stable
return coalesce((select r.rolsuper or r.rolbypassrls from pg_catalog.pg_roles r
		where r.rolname = current_user), false)
	or not p_forced and coalesce(pg_catalog.pg_has_role(current_user,
		to_regrole(quote_ident(p_owner::text))::oid, 'usage'), false);
comment on function cardkeep_doors.is_exempt is 'Whether the policies of a table with this owner, forced on him or not, do not bind the caller. Locks nothing.';
grant execute on function cardkeep_doors.is_exempt to public;

-- These act with their caller's rights, on his search path, as policies do, which may need it. So they
-- name the schema of all that they use, and leave no operator to be looked up.
create function cardkeep_doors.ask(p_gate text, p_kind text, p_row record) returns boolean
language plpgsql volatile
as $$
declare
	v_may boolean;
begin
	execute pg_catalog.format('select cardkeep_doors.%I(row(($1).*)::cardkeep_doors.%I)',
		pg_catalog.format('may_%s_%s', p_gate, p_kind), p_kind) into v_may using p_row;
	return v_may is true;
end
$$;
comment on function cardkeep_doors.ask is 'What a gate says of a row. Acts with the caller''s rights. Locks nothing.';

-- A policy is to judge what is kept, which is not always what was typed: 'yes' is kept as true, and 'Premium'
-- as 'premium'. Else one that forbids a value lets its other spellings in.

-- Columns that say whether a card is shown have one say: where one is switched off, all are.
create function cardkeep_legacy.switched(p_new jsonb, p_old jsonb, p_says jsonb) returns jsonb
language sql immutable parallel safe
begin atomic
	select coalesce(jsonb_object_agg(s.key, s.value -> case when s.all_shown then 2 else 1 end)
		-- An update that says nothing of it leaves it; one that switches on by half is refused.
		filter (where p_old = '{}' or s.any_off or s.any_changed and s.all_shown), '{}')
	from (
		select v.key, v.value, bool_and(w.shown) over () as all_shown, bool_or(w.changed) over () as any_changed,
			bool_or(w.changed and not w.shown) over () as any_off
		from jsonb_each(p_says) v
		cross join lateral (select p_new -> v.key is distinct from p_old -> v.key as changed,
			coalesce((lower((p_new ->> v.key) collate "C") in ('t', 'true', '1', 'y', 'yes', 'on'))
				= (v.value ->> 0 = 'shown'), false) as shown) w) s;
end;
comment on function cardkeep_legacy.switched is 'The columns that say whether a card is shown as they are kept after a statement on its view; p_says has for each what it says, and what it is when off and when on. Locks nothing.';

create function cardkeep_legacy.kept_card(p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_kept jsonb;
	v_field text;
	v_document jsonb;
begin
	select coalesce(jsonb_object_agg(n.key, n.value), '{}') into v_kept from jsonb_each(p_new) n
	where n.key in ('name', 'slug', 'template_type') and n.value is distinct from p_old -> n.key;
	v_kept := cardkeep_legacy.fit_card(v_kept, p_old ->> 'slug');
	if p_old = '{}' then
		v_kept := v_kept || jsonb_build_object('name', cardkeep_legacy.clean_name(v_kept ->> 'name'));
		-- Of a name the card gets a slug, maybe with six characters more.
		v_kept := v_kept || jsonb_build_object('slug',
			coalesce(v_kept ->> 'slug', cardkeep_api.slugify(v_kept ->> 'name')));
	end if;
	foreach v_field in array array['fields_config', 'design_config']
	loop
		v_document := case jsonb_typeof(p_new -> v_field) when 'string'
			then cardkeep_legacy.json_of(p_new ->> v_field) else p_new -> v_field end;
		v_kept := v_kept || jsonb_build_object(v_field, case when p_old = '{}'
			then coalesce(nullif(v_document, 'null'), '{}') else v_document end);
	end loop;
	return v_kept;
end
$$;
comment on function cardkeep_legacy.kept_card is 'What write_card makes of a card''s own values: cleaned as it cleans them, documents in their one spelling. A slug that is taken gets a suffix there, which nobody knows yet. Locks nothing.';

create function cardkeep_legacy.kept_row(p_view regclass, p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_kept jsonb;
begin
	if p_old = '{}' then
		v_kept := jsonb_build_object('version', 1, 'created_at', coalesce(cardkeep_legacy.clean_time(
			(p_new ->> 'created_at')::timestamptz), clock_timestamp())::text);
		-- An id of two spellings reads as the first that came.
		if cardkeep_legacy.column_type(p_view, 'user_id') <> 'uuid'::regtype then
			v_kept := v_kept || jsonb_build_object('user_id', coalesce((select i.was
				from cardkeep_legacy.old_ids i where i.kind = 'user_id'
					and i.id = cardkeep_legacy.uuid_of(p_new ->> 'user_id')), p_new ->> 'user_id'));
		end if;
	else
		v_kept := jsonb_build_object('version', (p_old ->> 'version')::integer + 1,
			'created_at', p_old -> 'created_at');
	end if;
	v_kept := v_kept || jsonb_build_object('updated_at', clock_timestamp()::text)
		|| case when p_view = to_regclass('public.business_cards')
			then cardkeep_legacy.kept_card(p_new, p_old) else '{}' end;
	-- A word that an enumeration does not have reads as null.
	return (select jsonb_object_agg(k.key, case when t.typtype = 'e' and not exists (select from pg_enum e
			where e.enumtypid = t.oid and e.enumlabel = k.value #>> '{}') then 'null' else k.value end)
		from jsonb_each(v_kept) k
		join cardkeep_legacy.columns_of(p_view) c on c.name = k.key
		join pg_type t on t.oid = c.type);
end
$$;
comment on function cardkeep_legacy.kept_row is 'What a row will read as after a statement on a view in an old table''s place, where that is not as it was typed, but for whether a card is shown. Locks nothing.';

-- This one acts with its owner's rights, but only reckons: what a user is called is all it looks up.
create function cardkeep_doors.as_kept(p_view regclass, p_new jsonb, p_old jsonb, p_says jsonb) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
return cardkeep_legacy.kept_row(p_view, p_new, p_old) || cardkeep_legacy.switched(p_new, p_old, p_says);
comment on function cardkeep_doors.as_kept is 'What a row will read as after a statement on a view in an old table''s place, where that may not be as it was typed. Locks nothing.';

create function cardkeep_doors.guard_insert() returns trigger
language plpgsql volatile
as $$
begin
	if cardkeep_doors.is_exempt(tg_argv[0]::pg_catalog.name, tg_argv[1]::pg_catalog.bool)
		or cardkeep_doors.ask('insert', tg_table_name, pg_catalog.jsonb_populate_record(new,
			cardkeep_doors.as_kept(tg_relid, pg_catalog.to_jsonb(new), '{}', tg_argv[2]::pg_catalog.jsonb)))
	then
		return new;
	end if;
	raise exception 'new row violates row-level security policy for table "%"', tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep_doors.guard_insert is 'Refuses a row that the policies of a guarded table let nobody make, with 42501. Acts with the caller''s rights. Locks nothing.';

create function cardkeep_doors.guard_update() returns trigger
language plpgsql volatile
as $$
declare
	v_left record; -- the row as it will be
begin
	if cardkeep_doors.is_exempt(tg_argv[0]::pg_catalog.name, tg_argv[1]::pg_catalog.bool) then
		return new;
	elsif not cardkeep_doors.ask('update', tg_table_name, old) then
		return null;
	end if;
	v_left := pg_catalog.jsonb_populate_record(new, cardkeep_doors.as_kept(tg_relid,
		pg_catalog.to_jsonb(new), pg_catalog.to_jsonb(old), tg_argv[2]::pg_catalog.jsonb));
	if cardkeep_doors.ask('leave', tg_table_name, v_left)
		and cardkeep_doors.ask('select', tg_table_name, v_left)
	then
		return new;
	end if;
	raise exception 'new row violates row-level security policy for table "%"', tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep_doors.guard_update is 'Passes over a row that the policies of a guarded table do not let an update find, and refuses one that they do not let it leave so, or that the caller would not see any more, with 42501. Acts with the caller''s rights. Locks nothing.';

create function cardkeep_doors.guard_delete() returns trigger
language plpgsql volatile
as $$
begin
	if cardkeep_doors.is_exempt(tg_argv[0]::pg_catalog.name, tg_argv[1]::pg_catalog.bool)
		or cardkeep_doors.ask('delete', tg_table_name, old)
	then
		return old;
	end if;
	return null;
end
$$;
comment on function cardkeep_doors.guard_delete is 'Passes over a row that the policies of a guarded table do not let a deletion find. Acts with the caller''s rights. Locks nothing.';

grant execute on function cardkeep_doors.ask, cardkeep_doors.as_kept, cardkeep_doors.guard_insert,
	cardkeep_doors.guard_update, cardkeep_doors.guard_delete to public;

create function cardkeep_legacy.policy_roles(p_roles oid[]) returns text
language sql stable
return case when 0 = any (p_roles) then 'true' else (select '(' || string_agg(format(
		'pg_catalog.pg_has_role(current_user, %L::name, ''usage'')', r.rolname), ' or ') || ')'
	from pg_catalog.pg_roles r where r.oid = any (p_roles)) end;
comment on function cardkeep_legacy.policy_roles is 'SQL that asks whether a policy for these roles is about the caller. Locks nothing.';

create function cardkeep_legacy.policy_text(p_table regclass, p_command "char", p_checks boolean)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return (select format('(%s)%s',
			coalesce(string_agg(format('%s and (%s)', p.roles, p.expression), ' or ' order by p.name)
				filter (where p.permissive), 'false'),
			coalesce(' and ' || string_agg(format('(not %s or (%s))', p.roles, p.expression), ' and '
				order by p.name) filter (where not p.permissive), ''))
		from (select q.polname as name, q.polpermissive as permissive,
				cardkeep_legacy.policy_roles(q.polroles) as roles,
				coalesce(case when p_checks then pg_get_expr(q.polwithcheck, q.polrelid) end,
					pg_get_expr(q.polqual, q.polrelid)) as expression
			from pg_policy q where q.polrelid = p_table and q.polcmd in ('*', p_command)) p
		where p.expression is not null);
end
$$;
comment on function cardkeep_legacy.policy_text is 'The policies of a table for one command as SQL: any that lets, and each that restricts. Locks nothing.';

create function cardkeep_legacy.gates_of(p_kind text, p_table regclass)
returns table (name text, body text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select format('may_%s_%s', g.name, p_kind), cardkeep_legacy.policy_text(p_table, g.command, g.checks)
	from (values ('select', 'r'::"char", false), ('insert', 'a', true), ('update', 'w', false),
		('leave', 'w', true), ('delete', 'd', false)) g (name, command, checks);
end
$$;
comment on function cardkeep_legacy.gates_of is 'The gates that a guarded table needs, read while it has its name: what may be seen, made, changed, left so, and deleted. Locks nothing.';

create function cardkeep_legacy.make_gate(p_kind text, p_name text, p_body text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_gate text := format('cardkeep_doors.%I(cardkeep_doors.%I)', p_name, p_kind);
begin
	-- Names in it are bound now, as a policy's are, whatever its caller's path.
	execute format('create function cardkeep_doors.%I(p_row cardkeep_doors.%I) returns boolean
		language sql stable return (select %s from (select (p_row).*) %2$I)', p_name, p_kind, p_body);
	execute format('comment on function %s is %L', v_gate,
		'What the policies of a table from before Cardkeep say of a row. Acts with the caller''s rights. Locks nothing.');
	perform cardkeep_legacy.close_function(v_gate::regprocedure);
	execute format('alter function %s owner to cardkeep_owner', v_gate);
	execute format('grant execute on function %s to public', v_gate);
end
$$;
comment on function cardkeep_legacy.make_gate is 'Makes a gate, which everybody may ask: it does with a caller''s rights what a policy did. Locks nothing.';

create function cardkeep_legacy.define_outer(p_kind text, p_gates text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- A barrier: no condition of the caller's sees a row before the gate was asked.
	execute format('create or replace view public.%1$I with (security_barrier) as
		select i.* from cardkeep_doors.%1$I i where %2$s', p_kind, p_gates);
end
$$;
comment on function cardkeep_legacy.define_outer is 'Defines the outer view of a guarded table. Locks it.';

create function cardkeep_legacy.open_outer(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- A view keeps the owner's right to its rows wherever it is.
	execute format('alter view public.%I set schema cardkeep_doors', p_kind);
	perform cardkeep_legacy.define_outer(p_kind, 'true');
	execute format('comment on view public.%I is %L', p_kind, format(
		'cardkeep.%s as its policies of before let it be seen, for programs from before Cardkeep', p_kind));
end
$$;
comment on function cardkeep_legacy.open_outer is 'Moves the inner view of a guarded table out of the way and puts the outer in its place, whose gates are to come: they may ask other such views. Locks both.';

create function cardkeep_legacy.as_type(p_is boolean, p_type regtype) returns jsonb
language sql immutable parallel safe
return case when p_type = 'boolean'::regtype then to_jsonb(p_is)
	when p_type in ('text'::regtype, 'character varying'::regtype) then to_jsonb(p_is::text)
	else to_jsonb(p_is::integer) end;
comment on function cardkeep_legacy.as_type is 'Yes or no as a column of this type has it. Locks nothing.';

create function cardkeep_legacy.says_of(p_kind text, p_table regclass) returns jsonb
language sql stable
return (select coalesce(jsonb_object_agg(v.name, jsonb_build_array(v.says,
		cardkeep_legacy.as_type(v.says = 'hidden', v.type), cardkeep_legacy.as_type(v.says = 'shown', v.type))), '{}')
	from cardkeep_legacy.visibility_of(p_table) v where p_kind = 'business_cards' and v.says <> 'since');
comment on function cardkeep_legacy.says_of is 'The columns of an old table that say whether a card is shown: what each says, what it is where the card is not, and where it is. Locks nothing.';

create function cardkeep_legacy.shut_gates(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_view regclass := format('public.%I', p_kind);
	v_command text;
	t cardkeep.upgraded_tables;
begin
	select u.* into t from cardkeep.upgraded_tables u where u.kind = p_kind;
	perform cardkeep_legacy.define_outer(p_kind, format(
		'(select cardkeep_doors.is_exempt(%L::name, %L::boolean)) or cardkeep_doors.%I(i.*)',
		t.owner, t.is_forced, 'may_select_' || p_kind));
	foreach v_command in array array['insert', 'update', 'delete']
	loop
		execute format('create trigger guard_%4$s_%1$s instead of %4$s on public.%1$I
			for each row execute function cardkeep_doors.guard_%4$s(%2$L, %3$L, %5$L)', p_kind, t.owner,
			t.is_forced, v_command, cardkeep_legacy.says_of(p_kind, v_table));
	end loop;
	perform cardkeep_legacy.let_write(p_kind);
	perform cardkeep_legacy.copy_defaults(p_kind, v_table, v_view);
	perform cardkeep_legacy.make_ours(v_view);
	perform cardkeep_legacy.copy_grants(v_view, v_table, t.owner, false);
end
$$;
comment on function cardkeep_legacy.shut_gates is 'Has the outer view of a guarded table ask its gates, whose triggers are the first to fire (guard comes before write), and opens it to whom the table was open. Locks it.';

create function cardkeep_legacy.open_gates(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_gate regprocedure;
begin
	for v_gate in
		select p.oid from pg_proc p where p.pronamespace = 'cardkeep_doors'::regnamespace
			and p.proname in (select g.name from cardkeep_legacy.gates_of(p_kind,
				format('cardkeep_legacy.%I', p_kind)) g)
	loop
		execute format('drop function %s', v_gate);
	end loop;
end
$$;
comment on function cardkeep_legacy.open_gates is 'Drops the gates of a guarded table, which no view asks any more. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('gates');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'dependents') then
return;
end if;
execute $sql$
-- Deploy cardkeep:dependents to pg
--
-- What others made for the tables from before Cardkeep: views, policies, functions, foreign keys. By
-- their numbers they stay with the table that is put aside, and would go on with what was there then,
-- without a word. So each is turned to where the rows are now; and where that cannot be done, the
-- upgrade says so before it does anything.


set local role cardkeep_owner;

create function cardkeep_legacy.is_ours(p_schema oid) returns boolean
language sql stable
return exists (select from pg_catalog.pg_namespace n where n.oid = p_schema and n.nspname in ('cardkeep',
	'cardkeep_api', 'cardkeep_legacy', 'cardkeep_doors', 'cardkeep_kept', 'cardkeep_console'));
comment on function cardkeep_legacy.is_ours is 'Whether a schema is Cardkeep''s, and not one of somebody else''s that is called alike. Locks nothing.';

create function cardkeep_legacy.readers_of(p_relation regclass)
returns table (view regclass, owner oid, as_caller boolean, definition text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select v.oid::regclass, v.relowner,
		coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}',
			false),
		format('create or replace view %I.%I %s as %s', n.nspname, v.relname,
			'with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
	from pg_catalog.pg_class v join pg_catalog.pg_namespace n on n.oid = v.relnamespace
	where v.relkind = 'v' and not cardkeep_legacy.is_ours(n.oid)
		and v.oid in (select r.ev_class from pg_catalog.pg_rewrite r
			join pg_catalog.pg_depend d on d.objid = r.oid and d.classid = 'pg_catalog.pg_rewrite'::regclass
			where d.refobjid = p_relation and r.ev_class <> p_relation and r.rulename = '_RETURN')
		and v.relname not in ('business_cards_of_cardkeep', 'personal_info_of_cardkeep',
			'professional_info_of_cardkeep');
end;
comment on function cardkeep_legacy.readers_of is 'The views that read a table or view, whether with their callers'' rights or their owners'', and the statement that makes each again, bound to whatever has its name then. Locks nothing.';

create function cardkeep_legacy.is_bound(p_role oid, p_table regclass) returns boolean
language sql stable
return (select c.relrowsecurity and not (r.rolsuper or r.rolbypassrls)
		and (c.relforcerowsecurity or not pg_has_role(p_role, c.relowner, 'usage'))
	from pg_catalog.pg_class c, pg_catalog.pg_roles r where c.oid = p_table and r.oid = p_role);
comment on function cardkeep_legacy.is_bound is 'Whether the policies of a table bind a role. Locks nothing.';

create function cardkeep_legacy.dependent_views(p_relation regclass, p_as_caller boolean) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(r.definition), '{}') from cardkeep_legacy.readers_of(p_relation) r
	where r.as_caller = p_as_caller);
comment on function cardkeep_legacy.dependent_views is 'The statements that make again each view that reads a table or view with its caller''s rights, or with its owner''s. Locks nothing.';

create function cardkeep_legacy.dependent_policies(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(format('alter policy %I on %s %s %s', p.polname, p.polrelid::regclass,
		'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
		'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')), '{}')
	from pg_catalog.pg_policy p
	join pg_catalog.pg_class c on c.oid = p.polrelid and c.relnamespace <> 'cardkeep_legacy'::regnamespace
		and c.oid::regclass::text not in ('public.business_cards', 'public.personal_info',
			'public.professional_info')
	where p.oid in (select d.objid from pg_catalog.pg_depend d
		where d.classid = 'pg_catalog.pg_policy'::regclass and d.refobjid = p_relation));
comment on function cardkeep_legacy.dependent_policies is 'The statements that bind the policies of other tables that ask a table or view to whatever has its name then. Locks nothing.';

create function cardkeep_legacy.dependent_functions(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(pg_get_functiondef(p.oid)), '{}') from pg_catalog.pg_proc p
	where p.prosqlbody is not null and not cardkeep_legacy.is_ours(p.pronamespace)
		and p.oid in (select d.objid from pg_catalog.pg_depend d
			where d.classid = 'pg_catalog.pg_proc'::regclass and d.refobjid = p_relation));
comment on function cardkeep_legacy.dependent_functions is 'The statements that make again each function in SQL-standard form that reads or writes a table or view, bound to whatever has its name then. Locks nothing.';

create function cardkeep_legacy.relations_beside(p_relations regclass[], p_drops boolean)
returns table (relation regclass, mode text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select r.view, 'access exclusive' from unnest(p_relations) p (relation)
	cross join lateral cardkeep_legacy.readers_of(p.relation) r
	union
	select p.polrelid, 'access exclusive' from pg_catalog.pg_policy p
	join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
	where d.refobjid = any (p_relations) and not p.polrelid = any (p_relations)
	union
	select c.conrelid, 'access exclusive' from pg_catalog.pg_constraint c
	join pg_catalog.pg_class o on o.oid = c.conrelid and not cardkeep_legacy.is_ours(o.relnamespace)
	where c.contype = 'f' and c.confrelid = any (p_relations) and not c.conrelid = any (p_relations)
	union
	select c.confrelid, case when p_drops then 'access exclusive' else 'share row exclusive' end
	from pg_catalog.pg_constraint c
	join pg_catalog.pg_class o on o.oid = c.confrelid and not cardkeep_legacy.is_ours(o.relnamespace)
	where c.contype = 'f' and c.conrelid = any (p_relations) and not c.confrelid = any (p_relations);
end;
comment on function cardkeep_legacy.relations_beside is 'The relations of others that are changed with these, and the lock that this takes: the views that read them, the tables whose policies ask them, those that refer to them, and those that they refer to, whose keys are made, or dropped. Locks nothing.';

create function cardkeep_legacy.turn(p_statements text[], p_what text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_statement text;
begin
	foreach v_statement in array p_statements
	loop
		begin
			execute v_statement;
		exception when syntax_error_or_access_rule_violation or feature_not_supported then
			raise exception '%: nothing was done, for this cannot be turned to where the rows would be (%): %',
				p_what, sqlerrm,
				split_part(split_part(split_part(v_statement, ' as ', 1), ' using (', 1), E'\n', 1)
				using hint = 'Drop it, and make it again afterwards.';
		end;
	end loop;
end
$$;
comment on function cardkeep_legacy.turn is 'Binds views, policies and functions to what has the old table''s name now. One that cannot be is named, and ends the upgrade, or the way back, so that nothing is done. Locks those views, and the tables of those policies.';

-- A profile's user_id changes where an account adopts it. The way back leads where it was.

create function cardkeep_legacy.reference_as(p_constraint oid, p_to regclass, p_follows boolean) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_text text := pg_get_constraintdef(p_constraint);
	v_head text;
	v_keys text;
	v_from regclass;
begin
	select format('FOREIGN KEY (%s) REFERENCES ', k.own), format('(%s)', k.others), c.confrelid
	into v_head, v_keys, v_from
	from pg_constraint c
	cross join lateral (select
		string_agg(quote_ident(o.attname), ', ' order by n.n) as own,
		string_agg(quote_ident(f.attname), ', ' order by n.n) as others
		from unnest(c.conkey, c.confkey) with ordinality n (own, other, n)
		join pg_attribute o on o.attrelid = c.conrelid and o.attnum = n.own
		join pg_attribute f on f.attrelid = c.confrelid and f.attnum = n.other) k
	where c.oid = p_constraint;
	-- What is left of it are words of SQL's, and names in brackets at the end.
	v_text := substr(left(v_text, 20000), length(v_head || v_from || v_keys) + 1);
	v_text := regexp_replace(v_text, ' NOT VALID$', '');
	if p_follows then
		v_text := regexp_replace(v_text,
			'^( MATCH FULL)?( ON UPDATE (CASCADE|RESTRICT|SET NULL|SET DEFAULT))?', ' ON UPDATE CASCADE');
	end if;
	return v_head || p_to || v_keys || v_text;
end
$$;
comment on function cardkeep_legacy.reference_as is 'A foreign key as one to another table, whose rows need not be there; to a profile as one that follows its user_id, which an adoption changes. Locks nothing.';

create function cardkeep_legacy.references_to(p_from regclass, p_to regclass)
returns table (of regclass, name name, column_name name, was text, becomes text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select c.conrelid::regclass, c.conname, a.attname,
		cardkeep_legacy.reference_as(c.oid, p_from, false), case
		when t.relnamespace = 'cardkeep'::regnamespace then cardkeep_legacy.reference_as(c.oid, p_to,
			p_to <> 'cardkeep.business_cards'::regclass)
		else coalesce((select u.foreign_keys ->> format('%s.%I', c.conrelid::regclass, c.conname)
			from cardkeep.upgraded_tables u where u.kind = t.relname),
			cardkeep_legacy.reference_as(c.oid, p_to, false)) end
	from pg_catalog.pg_constraint c
	join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
	join pg_catalog.pg_class o on o.oid = c.conrelid and not cardkeep_legacy.is_ours(o.relnamespace)
	join pg_catalog.pg_class t on t.oid = p_to
	where c.contype = 'f' and c.confrelid = p_from and c.conparentid = 0;
end;
comment on function cardkeep_legacy.references_to is 'The foreign keys of others to one table, as they are and as they have to be to another: to Cardkeep''s profiles so that they follow, to an old table as they were. Locks nothing.';

create function cardkeep_legacy.follow_adopted(p_of regclass, p_column name, p_to regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind name := (select c.relname from pg_class c where c.oid = p_to);
	v_back boolean := p_to <> format('cardkeep.%I', v_kind)::regclass;
begin
	if exists (select from cardkeep.upgrade_changes a where a.kind = v_kind and a.field = 'user_id'
		and a.reason = 'adopted')
	then
		execute format('update %1$s t set %2$I = %3$s
			from (select (c.was #>> ''{}'')::uuid as old, c.entity_id as new from cardkeep.upgrade_changes c
				where c.kind = %4$L and c.field = ''user_id'' and c.reason = ''adopted'') a
			where t.%2$I = %5$s', p_of, p_column, case when v_back then 'a.old' else 'a.new' end, v_kind,
			case when v_back then 'a.new' else 'a.old' end);
	end if;
end
$$;
comment on function cardkeep_legacy.follow_adopted is 'Has what refers to adopted profiles refer to them under the user ids that they have in the other table. Waits for those rows.';

create function cardkeep_legacy.turn_references(p_from regclass, p_to regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	r record;
begin
	for r in select f.* from cardkeep_legacy.references_to(p_from, p_to) f
	loop
		execute format('alter table %s drop constraint %I', r.of, r.name);
		perform cardkeep_legacy.follow_adopted(r.of, r.column_name, p_to);
		begin
			execute format('alter table %s add constraint %I %s', r.of, r.name, r.becomes);
		exception when foreign_key_violation then
			execute format('alter table %s add constraint %I %s not valid', r.of, r.name, r.becomes);
			raise warning 'upgrade: % on % holds for new rows only: some refer to rows that did not come along',
				r.name, r.of;
		end;
		update cardkeep.upgraded_tables u
		set foreign_keys = u.foreign_keys || jsonb_build_object(format('%s.%I', r.of, r.name), r.was)
		where format('cardkeep.%I', u.kind)::regclass = p_to and p_to <> 'cardkeep.business_cards'::regclass;
	end loop;
end
$$;
comment on function cardkeep_legacy.turn_references is 'Makes the foreign keys of other tables refer to where the rows are now. Locks those tables until the transaction ends.';

-- Whose a user id has to be: the foreign keys of the old tables' own

create function cardkeep_legacy.user_references(p_table regclass)
returns table (name name, definition text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	-- One that refers to another of the old tables refers to where its rows are.
	select c.conname, case when o.relnamespace = 'cardkeep_legacy'::regnamespace
		then cardkeep_legacy.reference_as(c.oid, format('cardkeep.%I', o.relname)::regclass,
			o.relname <> 'business_cards') || case when c.convalidated then '' else ' NOT VALID' end
		else pg_get_constraintdef(c.oid) end
	from pg_catalog.pg_constraint c
	join pg_catalog.pg_class o on o.oid = c.confrelid
	where c.contype = 'f' and c.conrelid = p_table and c.conkey = array[(select a.attnum
		from pg_catalog.pg_attribute a where a.attrelid = p_table and a.attname = 'user_id')];
end;
comment on function cardkeep_legacy.user_references is 'The foreign keys of an old table that say whose a user id has to be. Locks nothing.';

create function cardkeep_legacy.forget_people() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	-- Where an account was made of them, the rows are its own.
	if cardkeep_api.is_waiting(old.id) then
		perform cardkeep_legacy.forget_rows(tg_argv[0], old.id);
	end if;
	return null;
end
$$;
comment on function cardkeep_legacy.forget_people is 'After somebody is gone from where the old table''s foreign key says that its people are: their cards, or their profile, go as the table''s rows would, unless an account has taken them over. Waits as forget_rows.';

create function cardkeep_legacy.keep_people(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_people text := format('cardkeep_legacy.people_of_%s', p_kind);
	v_name name;
	v_definition text;
begin
	if not exists (select from cardkeep_legacy.user_references(v_table)) then
		return;
	end if;
	execute format('create table %s (id uuid primary key references cardkeep.users on delete cascade,
		user_id %s not null)', v_people, (select format_type(a.atttypid, a.atttypmod)
		from pg_attribute a where a.attrelid = v_table and a.attname = 'user_id'));
	execute format('comment on table %s is %L', v_people,
		'Whose rows came from before Cardkeep, for as long as the foreign keys of then know them');
	perform cardkeep_legacy.close_to_others(v_people::regclass);
	-- Whose rows were adopted before the way back is asked for no more.
	execute format('insert into %s select u.id, o.user_id from (select distinct user_id from %s) o
		join cardkeep.users u on u.id = cardkeep_legacy.uuid_of(o.user_id::text)
		where exists (select from cardkeep.%I c where c.user_id = u.id)', v_people, v_table, p_kind);
	for v_name, v_definition in select r.name, r.definition from cardkeep_legacy.user_references(v_table) r
	loop
		execute format('alter table %s add constraint %I %s', v_people, v_name, v_definition);
	end loop;
	execute format('create trigger forget_people after delete on %s for each row
		execute function cardkeep_legacy.forget_people(%L)', v_people, p_kind);
	execute format('alter table %s owner to cardkeep_owner', v_people);
end
$$;
comment on function cardkeep_legacy.keep_people is 'Keeps the foreign keys of an old table that say whose a user id has to be, on a table of its people. Locks the tables that they refer to until the transaction ends.';

-- What cannot be turned

create function cardkeep_legacy.references_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_key name := case when p_table = to_regclass('public.business_cards') then 'id' else 'user_id' end;
	v_tables regclass[] := array(select format('public.%I', k)::regclass from cardkeep_legacy.tables_before() k);
begin
	return query
	select format('foreign key %I of %s refers to %s, of which Cardkeep has %s', c.conname, c.conrelid::regclass,
			p_table, case when k.names <> array[v_key] then format('no key (%s)',
				array_to_string(k.names, ', ')) else 'uuids alone' end),
		format('let it refer to %s (%s), a uuid, or drop it', p_table, v_key)
	from pg_constraint c
	cross join lateral (select array_agg(a.attname order by f.place) as names,
			bool_and(a.atttypid = 'uuid'::regtype) as uuids
		from unnest(c.confkey) with ordinality f (number, place)
		join pg_attribute a on a.attrelid = p_table and a.attnum = f.number) k
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0
		and (k.names <> array[v_key] or not k.uuids)
		and not (k.names = array['slug'::name] and v_key = 'id');
	-- The service deletes cards, and accounts with all they have, whatever refers to them.
	return query
	select format('foreign key %I of %s would keep the service from deleting what it refers to in %s',
			c.conname, c.conrelid::regclass, p_table),
		'let it cascade, or set null, where that is deleted, or drop it'
	from pg_constraint c
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0 and c.confdeltype in ('a', 'r')
		and c.conrelid <> all (v_tables);
	-- What refers to a profile follows it, and must be free to.
	return query
	select format('foreign key %I of %s refers to %s, whose ids change where an account adopts them, beside %I',
			c.conname, c.conrelid::regclass, p_table, o.conname),
		format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname)
	from pg_constraint c
	join pg_constraint o on o.conrelid = c.conrelid and o.contype = 'f' and o.conkey && c.conkey
		and o.oid <> c.oid and (o.confrelid <> p_table or o.conkey <> c.conkey)
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0 and v_key = 'user_id';
	return query
	select format('foreign key %I of %s would not follow where an account adopts what %s refers to in %s',
			o.conname, o.conrelid::regclass, c.conrelid::regclass, p_table),
		'let it cascade on updates, or drop it'
	from pg_constraint c
	join pg_constraint o on o.contype = 'f' and o.confrelid = c.conrelid and o.confkey && c.conkey
		and o.conparentid = 0 and o.confupdtype <> 'c'
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0 and v_key = 'user_id'
		and c.conrelid <> all (v_tables);
	return query
	select format('foreign key %I of %s is about %s', c.conname, p_table, array_to_string(k.names, ', ')),
		case when k.names = array['user_id'::name] then 'let it cascade where somebody is deleted, or drop it'
			when k.ours then 'drop it' else 'let it set null, or drop it' end
	from pg_constraint c
	cross join lateral (select array_agg(a.attname order by f.place) as names,
			bool_or(cardkeep_legacy.column_type(format('cardkeep.%I', (parse_ident(p_table::text))[2]),
				cardkeep_legacy.field_of(p_table, a.attname)) is not null) as ours
		from unnest(c.conkey) with ordinality f (number, place)
		join pg_attribute a on a.attrelid = p_table and a.attnum = f.number) k
	where c.contype = 'f' and c.conrelid = p_table
		and case when k.names = array['user_id'::name] then c.confdeltype <> 'c'
			else k.ours or c.confdeltype not in ('n', 'd') end;
end
$$;
comment on function cardkeep_legacy.references_in_the_way is 'The foreign keys to an old table, and of it, that the upgrade cannot keep: those to another key than ours, those of columns that the service writes without asking them, those that would keep a profile from being adopted, and those that would let nobody be deleted any more, for what is put aside stays. Locks nothing.';

create function cardkeep_legacy.only_touches(p_source text) returns boolean
language sql immutable parallel safe
-- Comments go one kind after the other: alternatives would be greedy, up to the end of the last one.
return octet_length(p_source) <= 2000
	and regexp_replace(regexp_replace(p_source, '--[^\n]*', ' ', 'g'), '/\*.*?\*/', ' ', 'g')
	~* '^\s*begin\s+(new\.(updated_at|version)\s*:?=[^;]*;\s*)+return\s+new\s*;\s*end\s*;?\s*$';
comment on function cardkeep_legacy.only_touches is 'Whether a trigger''s function does no more than to set updated_at or version, which Cardkeep does by itself. Locks nothing.';

create function cardkeep_legacy.own_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select format('trigger %I of %s would fire no more', t.tgname, p_table),
		format('alter table %s disable trigger %I; what it does can be done after the upgrade by a trigger on cardkeep.%I',
			p_table, t.tgname, (parse_ident(p_table::text))[2])
	from pg_trigger t
	where t.tgrelid = p_table and not t.tgisinternal and t.tgenabled <> 'D'
		and not exists (select from pg_proc p where p.oid = t.tgfoid
			and (p.proname = 'moddatetime' or cardkeep_legacy.only_touches(p.prosrc)));
	return query
	select format('column %I of %s is generated', a.attname, p_table),
		format('alter table %s alter column %I drop expression', p_table, a.attname)
	from pg_attribute a where a.attrelid = p_table and a.attgenerated <> '' and not a.attisdropped;
	return query
	select format('rule %I of %s would do nothing more', r.rulename, p_table),
		format('drop rule %I on %s', r.rulename, p_table)
	from pg_rewrite r where r.ev_class = p_table;
	-- One of all tables would have the service's own as well, with what nobody else may know.
	return query
	select format('publication %I has %s, and would hear of no change', p.pubname, p_table), case
		when p.puballtables then format('drop publication %I, and make it again with the tables that it is for',
			p.pubname)
		when exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = p_table)
		then format('alter publication %I drop table %s', p.pubname, p_table)
		else format('alter publication %I drop tables in schema public, and add the tables that it is for',
			p.pubname) end
	from pg_publication p
	-- By name: a cast would ask for each table whether its schema is open to the caller.
	where exists (select from pg_publication_tables t
		join pg_namespace n on n.nspname = t.schemaname
		join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
		where t.pubname = p.pubname and c.oid = p_table);
	return query
	select format('%s has ids that are numbers, and no key that tells them apart', p_table),
		format('alter table %s add primary key (id)', p_table)
	from pg_attribute a
	where a.attrelid = p_table and a.attname = 'id' and (parse_ident(p_table::text))[2] = 'business_cards'
		and a.atttypid not in ('uuid'::regtype, 'text'::regtype, 'character varying'::regtype)
		and not exists (select from pg_index i where i.indrelid = p_table and i.indisunique
			and i.indpred is null and i.indkey::text = a.attnum::text and a.attnotnull);
end
$$;
comment on function cardkeep_legacy.own_in_the_way is 'What an old table has of its own that neither the view in its place nor Cardkeep''s table would do. Locks nothing.';

create function cardkeep_legacy.can_show(p_old regtype, p_ours regtype) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return exists (select from pg_catalog.pg_type t where t.oid = p_old and case
	when t.typtype = 'e' then p_ours = 'text'::regtype
	when t.typtype <> 'b' then false
	-- Numbers are compared as numbers, and a text of any length may cut them.
	when t.typcategory = 'S' then p_ours not in ('boolean'::regtype, 'integer'::regtype)
	else p_old = any (case p_ours when 'jsonb'::regtype then array['json'::regtype, 'jsonb'::regtype]
		when 'timestamptz'::regtype then array['timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype]
		when 'integer'::regtype then array['integer'::regtype, 'bigint'::regtype]
		else array[p_ours] end) end);
comment on function cardkeep_legacy.can_show is 'Whether a column of an old table, by its type, can show every value that the service may write there: else one of them would end each statement that reads it. Locks nothing.';

create function cardkeep_legacy.columns_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_ours regclass := format('cardkeep.%I', (parse_ident(p_table::text))[2]);
begin
	return query
	select format('column %I of %s is %s, which cannot show every %s of Cardkeep''s', o.name, p_table, o.type,
			c.type),
		format('alter table %s alter column %I type %s using ...', p_table, o.name, c.type)
	from cardkeep_legacy.columns_of(p_table) o
	join cardkeep_legacy.columns_of(v_ours) c on c.name = cardkeep_legacy.field_of(p_table, o.name)
	where c.name not in ('id', 'user_id', 'is_public') and not cardkeep_legacy.can_show(o.type, c.type);
	-- Whoever hid a card by it would find the card shown.
	return query
	select format('column %I of %s says whether a card is shown, and nobody can tell what by %s', o.name,
			p_table, o.type),
		format('alter table %s alter column %I type %s using ..., or give it another name', p_table, o.name,
			case cardkeep_legacy.name_says(o.name) when 'since' then 'timestamptz' else 'boolean' end)
	from cardkeep_legacy.columns_of(p_table) o
	where v_ours = 'cardkeep.business_cards'::regclass and (o.name like 'is\_%' or o.name like '%\_at')
		and cardkeep_legacy.name_says(o.name) is not null
		and not exists (select from cardkeep_legacy.visibility_of(p_table) v where v.name = o.name);
end
$$;
comment on function cardkeep_legacy.columns_in_the_way is 'The columns of an old table whose type the view in its place could not have, and those that say whether a card is shown in a type that is not understood. Locks nothing.';

create function cardkeep_legacy.readers_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	c_again constant text := 'drop it, and make it again afterwards';
begin
	return query
	select format('%s %s reads %s', case c.relkind when 'm' then 'materialized view' else 'rule on' end,
		c.oid::regclass, p_table), c_again
	from pg_class c where c.oid in (select r.ev_class from pg_rewrite r
		join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
		where d.refobjid = p_table and r.ev_class <> p_table
			and (c.relkind <> 'v' or r.rulename <> '_RETURN'));
	return query
	select format('view %s reads %s as %s, whom its policies bind', r.view, p_table, r.owner::regrole),
		format('alter view %s set (security_invoker = true), or give it to the owner of the table', r.view)
	from cardkeep_legacy.readers_of(p_table) r
	where not r.as_caller and cardkeep_legacy.is_bound(r.owner, p_table);
	return query
	select format('%s is not %s''s, who therefore cannot turn it', o.what, current_user),
		format('sign in as %s, or as a member of that role', o.owner::regrole)
	from (
		select 'view ' || r.view, r.owner from cardkeep_legacy.readers_of(p_table) r
		union all
		select format('policy %I of %s', p.polname, c.oid::regclass), c.relowner from pg_policy p
		join pg_class c on c.oid = p.polrelid
		where p.oid in (select d.objid from pg_depend d where d.classid = 'pg_policy'::regclass
			and d.refobjid = p_table)
		union all
		select format('foreign key %I of %s', k.conname, c.oid::regclass), c.relowner
		from pg_constraint k join pg_class c on c.oid = k.conrelid
		where k.contype = 'f' and k.confrelid = p_table
		union all
		select 'function ' || p.oid::regprocedure, p.proowner from pg_proc p
		where p.oid in (select d.objid from pg_depend d where d.classid = 'pg_proc'::regclass
			and d.refobjid = p_table)) o (what, owner)
	where not pg_has_role(o.owner, 'usage');
	return query
	select format('%s has rows of %s in it', o.what, p_table), c_again
	from pg_class t
	join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid in (t.reltype,
		(select y.typarray from pg_type y where y.oid = t.reltype))
	cross join lateral (select case d.classid
		when 'pg_proc'::regclass then 'function ' || d.objid::regprocedure
		when 'pg_class'::regclass then case when d.objid <> t.oid then 'relation ' || d.objid::regclass end
		end as what) o
	where t.oid = p_table and o.what is not null;
	return query
	select format('constraint trigger %I of %s looks at %s', t.tgname, t.tgrelid::regclass, p_table), c_again
	from pg_trigger t where t.tgconstrrelid = p_table and not t.tgisinternal;
end
$$;
comment on function cardkeep_legacy.readers_in_the_way is 'What others made for an old table that cannot be turned to where its rows will be. Locks nothing.';

create function cardkeep_legacy.check_the_way(p_kinds text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_faults text := (select string_agg(format('%s (%s)', f.what, f.way_out), '; ')
		from (
			select w.* from unnest(p_kinds) with ordinality k (kind, nth)
			cross join lateral (select format('public.%I', k.kind)::regclass as id) t
			cross join lateral (
				select * from cardkeep_legacy.own_in_the_way(t.id)
				union all select * from cardkeep_legacy.columns_in_the_way(t.id)
				union all select * from cardkeep_legacy.references_in_the_way(t.id)
				union all select * from cardkeep_legacy.readers_in_the_way(t.id)
				union all select * from cardkeep_legacy.functions_in_the_way(k.kind)) w) f);
begin
	if v_faults is not null then
		raise exception 'upgrade: nothing was done, for this would not go on as it does: %', v_faults
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'The way out of each is in brackets; see doc/migration.md.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_the_way is 'Refuses to upgrade where something that programs rely on could neither be kept nor turned, and names all of it with the way out. The caller has locked the tables. Locks nothing.';

create function cardkeep_legacy.check_the_way_back(p_kinds text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_faults text := (select string_agg(format('%s (%s)', f.what, f.way_out), '; ')
		from unnest(p_kinds) with ordinality k (kind, nth)
		cross join lateral cardkeep_legacy.readers_in_the_way(format('public.%I', k.kind)::regclass) f);
begin
	if v_faults is not null then
		raise exception 'rollback: nothing was done, for this was made for what goes: %', v_faults
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'The way out of each is in brackets; see doc/migration.md.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_the_way_back is 'Refuses to go back where something was made for the views in the old tables'' places that cannot be turned to the tables, and names all of it with the way out. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('dependents');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'legacy_views') then
return;
end if;
execute $sql$
-- Deploy cardkeep:legacy_views to pg
--
-- Programs from before Cardkeep go on under the names they know: where a table was put aside, a view
-- in schema public has its name, its columns in their order and types, and the version, and no other
-- column: it is open to whom the table was open, who never saw what that did not have. It shows
-- Cardkeep's rows. Columns that Cardkeep does not have come from the table that was put aside and
-- can only be read.
--
-- Writing through it is direct SQL on Cardkeep's tables, with their triggers, so versions and
-- history are kept. A view's row is of the statement's snapshot, which a table's is not after a wait:
-- so an update or a deletion of a row that somebody changed meanwhile is refused (40001): neither
-- ever hits what the statement has not seen.
--
-- In the place of a guarded table (row level security) stand two views, see gates.


set local role cardkeep_owner;

create function cardkeep_legacy.show_as(p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_field name := cardkeep_legacy.field_of(p_table, p_column);
	v_target text;
	v_kind "char";
begin
	select format_type(a.atttypid, a.atttypmod), t.typtype into v_target, v_kind
	from pg_attribute a join pg_type t on t.oid = a.atttypid
	where a.attrelid = p_table and a.attname = p_column and not a.attisdropped;
	if v_target like 'timestamp% without time zone' then
		return format('(c.%I at time zone ''UTC'')::%s', v_field, v_target);
	elsif v_kind = 'e' then
		return format('case when c.%1$I::text = any (enum_range(null::%2$s)::text[]) then c.%1$I::text::%2$s end',
			v_field, v_target);
	elsif p_column in ('id', 'user_id') and v_target <> 'uuid' then
		return format('coalesce((select i.was from cardkeep_legacy.old_ids i
			where i.kind = %1$L and i.id = c.%1$I)%3$s)::%2$s', p_column, v_target,
			case when v_target = 'text' or v_target like 'character%' then format(', c.%I::text', p_column)
			end);
	end if;
	return format('c.%I::%s', v_field, v_target);
end
$$;
comment on function cardkeep_legacy.show_as is 'SQL that shows one of Cardkeep''s columns in the type that the old table has for it; a word that is not in an enumeration there is null, an id that is no uuid there reads as the old programs know it, and as null where they cannot. Locks nothing.';

create function cardkeep_legacy.show_visibility(p_says text, p_type regtype) returns text
language sql immutable parallel safe
return format(case p_type when 'boolean'::regtype then '%1$s' when 'text'::regtype then '(%1$s)::%2$s'
	when 'character varying'::regtype then '(%1$s)::text::%2$s' else '(%1$s)::integer::%2$s' end,
	case p_says when 'shown' then 'c.is_public' else 'not c.is_public' end, p_type);
comment on function cardkeep_legacy.show_visibility is 'SQL that shows whether a card is shown in a column of an old table that says so, or that it is not. Locks nothing.';

create function cardkeep_legacy.view_column(p_kind text, p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_shown text;
begin
	if p_kind = 'business_cards' then
		select cardkeep_legacy.show_visibility(v.says, v.type) into v_shown
		from cardkeep_legacy.visibility_of(p_table) v
		where v.name = p_column and v.says in ('shown', 'hidden');
	end if;
	if v_shown is not null then
		return format('%s as %I', v_shown, p_column);
	elsif cardkeep_legacy.field_of(p_table, p_column) not in (select c.name
		from cardkeep_legacy.columns_of(format('cardkeep.%I', p_kind)) c)
	then
		return format('o.%I', p_column);
	end if;
	return format('%s as %I', cardkeep_legacy.show_as(p_table, p_column), p_column);
end
$$;
comment on function cardkeep_legacy.view_column is 'SQL of one column of an old table in the view in its place: Cardkeep''s where it has it, else what was put aside. Locks nothing.';

create function cardkeep_legacy.view_columns(p_kind text, p_table regclass) returns text
language sql stable set search_path = pg_catalog, pg_temp
-- Whoever could read the table reads the view. What the table did not have was never shown to him.
return (select string_agg(cardkeep_legacy.view_column(p_kind, p_table, c.name), ', ' order by c.number)
		|| case when cardkeep_legacy.column_type(p_table, 'version') is null then ', c.version' else '' end
	from cardkeep_legacy.columns_of(p_table) c);
comment on function cardkeep_legacy.view_columns is 'The columns of the view in an old table''s place: its own in their order, then the version where it had none. Locks nothing.';

create function cardkeep_legacy.old_row(p_kind text, p_table regclass) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_key name := 'id';
	v_ids text := 'c.id';
	v_order text;
begin
	if p_kind <> 'business_cards' then
		v_key := 'user_id';
		v_ids := format('c.user_id, (select (a.was #>> ''{}'')::uuid from cardkeep.upgrade_changes a
			where a.kind = %L and a.entity_id = c.user_id and a.field = ''user_id'')', p_kind);
	end if;
	select coalesce(string_agg(format('o.%I desc nulls last', c.name), ', ' order by c.number desc)
		|| ', ', '') || 'o.ctid' into v_order
	from cardkeep_legacy.columns_of(p_table) c where c.name in ('created_at', 'updated_at');
	return format('(select o.* from %s o where %s in (%s) order by %s limit 1)', p_table,
		cardkeep_legacy.read_as(p_table, v_key, 'uuid'), v_ids, v_order);
end
$$;
comment on function cardkeep_legacy.old_row is 'SQL that finds the old row of one of Cardkeep''s, adopted ones too; the newest where there are several. Locks nothing.';

create function cardkeep_legacy.grants_of(p_table regclass)
returns table (grantee text, what text, again boolean, role oid)
language sql stable
begin atomic
	select case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
		g.privilege_type || coalesce(' (' || quote_ident(g.attname) || ')', ''), g.is_grantable, g.grantee
	from (
		select a.*, null::name as attname from pg_catalog.pg_class c, aclexplode(c.relacl) a
		where c.oid = p_table and a.grantee <> c.relowner
		union all
		select a.*, t.attname from pg_catalog.pg_class c
		join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped,
			aclexplode(t.attacl) a
		where c.oid = p_table and a.grantee <> c.relowner) g
	where g.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE');
end;
comment on function cardkeep_legacy.grants_of is 'Who but its owner may read and write a table, or columns of it. Locks nothing.';

create function cardkeep_legacy.copy_grants(p_view regclass, p_table regclass, p_owner name, p_inner boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_grantee text;
	v_right text;
	v_again boolean;
begin
	-- Granting only adds: on Supabase, default privileges open every new view in public to `anon`.
	perform cardkeep_legacy.close_to_others(p_view);
	execute format('grant select, insert, update, delete on %s to %I', p_view, p_owner);
	for v_grantee, v_right, v_again in
		select g.grantee, g.what, g.again from cardkeep_legacy.grants_of(p_table) g
		where not p_inner or exists (select from pg_roles r where r.oid = g.role
			and (r.rolsuper or r.rolbypassrls))
	loop
		execute format('grant %s on %s to %s%s', v_right, p_view, v_grantee,
			case when v_again then ' with grant option' end);
	end loop;
end
$$;
comment on function cardkeep_legacy.copy_grants is 'Opens a view in an old table''s place to whom the table was open and to nobody else; the inner of a guarded one to those alone whom no policy binds. Locks nothing but the view.';

create function cardkeep_legacy.copy_defaults(p_kind text, p_table regclass, p_view regclass)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_column name;
	v_default text;
begin
	for v_column, v_default in
		select a.attname, pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
		join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
		where d.adrelid = p_table and a.attgenerated = '' and not a.attisdropped
			and a.attname not in ('version', 'created_at', 'updated_at')
			and cardkeep_legacy.field_of(p_table, a.attname) in (select c.name
				from cardkeep_legacy.columns_of(format('cardkeep.%I', p_kind)) c)
	loop
		execute format('alter view %s alter column %I set default %s', p_view, v_column, v_default);
	end loop;
end
$$;
comment on function cardkeep_legacy.copy_defaults is 'Gives the view in an old table''s place the defaults of its columns, but for the version and the times, which are Cardkeep''s, and for columns that can only be read. Locks the view.';

create function cardkeep_legacy.make_ours(p_view regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- An owner must be allowed to make views where his view is.
	execute 'grant create on schema public to cardkeep_owner';
	execute format('alter view %s owner to cardkeep_owner', p_view);
	execute 'revoke create on schema public from cardkeep_owner';
end
$$;
comment on function cardkeep_legacy.make_ours is 'Gives a view in schema public to cardkeep_owner, who may read the tables under it. Locks the view.';

create function cardkeep_legacy.open_view(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_columns text := cardkeep_legacy.view_columns(p_kind, v_table);
	t cardkeep.upgraded_tables;
begin
	select u.* into t from cardkeep.upgraded_tables u where u.kind = p_kind;
	-- What a closed account has is being erased, and nobody's.
	execute format('create view public.%I as select %s from cardkeep.%I c %s
		where not exists (select from cardkeep.users u
			where u.id = c.user_id and u.closed_at is not null)', p_kind, v_columns, p_kind,
		case when v_columns ~ '\mo\.' then format('left join lateral %s o on true',
			cardkeep_legacy.old_row(p_kind, v_table)) end);
	execute format('comment on view public.%I is %L', p_kind, format('cardkeep.%s, for programs from before Cardkeep', p_kind));
	perform cardkeep_legacy.let_write(p_kind);
	perform cardkeep_legacy.copy_defaults(p_kind, v_table, format('public.%I', p_kind));
	perform cardkeep_legacy.make_ours(format('public.%I', p_kind));
	perform cardkeep_legacy.copy_grants(format('public.%I', p_kind), v_table, t.owner, t.is_guarded);
end
$$;
comment on function cardkeep_legacy.open_view is 'Puts the view in an old table''s place, of a guarded one the inner. Locks nothing but the view.';

create function cardkeep_legacy.let_write(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	execute format('create trigger write_%1$s instead of insert or update or delete on public.%1$I
		for each row execute function cardkeep_legacy.write_%2$s()', p_kind,
		case p_kind when 'business_cards' then 'card' else 'profile' end);
end
$$;
comment on function cardkeep_legacy.let_write is 'Has the view in an old table''s place carry out what is written through it. Locks the view.';

-- Writing

create function cardkeep_legacy.written(p_view regclass, p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_ours name[] := array(select c.name
		from cardkeep_legacy.columns_of(format('cardkeep.%I', (parse_ident(p_view::text))[2])) c);
	v_column text;
	v_field text;
	v_changes jsonb := '{}';
begin
	for v_column, v_field in select n.key, cardkeep_legacy.field_of(p_view, n.key::name) from jsonb_each(p_new) n
		where n.value is distinct from coalesce(p_old -> n.key, 'null')
	loop
		if not v_field = any (v_ours) then
			raise exception 'column "%" of % can only be read since the upgrade to Cardkeep', v_column, p_view
				using errcode = 'feature_not_supported';
		elsif v_field in ('id', 'user_id') and p_old ? v_field then
			raise exception 'column "%" of % cannot be changed since the upgrade to Cardkeep', v_field, p_view
				using errcode = 'feature_not_supported',
					hint = 'A row keeps its id and its owner; see "cardkeep user adopt".';
		end if;
		v_changes := v_changes || jsonb_build_object(v_field, case
			when v_field in ('id', 'user_id') then to_jsonb(cardkeep_legacy.uuid_of(p_new ->> v_field))
			when v_field in ('fields_config', 'design_config') and jsonb_typeof(p_new -> v_field) = 'string'
			then (p_new ->> v_field)::jsonb else p_new -> v_column end);
	end loop;
	return v_changes;
end
$$;
comment on function cardkeep_legacy.written is 'The columns that a statement on a view in public changes, as Cardkeep calls them; a column that Cardkeep does not have, and another id or owner of a row that is there, are refused with 0A000. Locks nothing.';

create function cardkeep_legacy.said(p_row jsonb, p_name name, p_says text) returns boolean
language sql immutable parallel safe
return (lower((p_row ->> p_name::text) collate "C") in ('t', 'true', '1', 'y', 'yes', 'on'))
	= (p_says = 'shown');
comment on function cardkeep_legacy.said is 'Whether a row says by one of its columns that it is shown; null where that is null. Locks nothing.';

create function cardkeep_legacy.is_shown(p_view regclass, p_new jsonb, p_old jsonb) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_names text[] := '{}';
	v_all boolean := true; -- every column says so
	v_changed boolean := false;
	v_off boolean := false; -- one that the statement changes does not
	v_since text; -- a time that hides it, which can only be read
	v_said boolean;
	v record;
begin
	for v in select n.name, n.says from cardkeep_legacy.visibility_of(p_view) n
	loop
		if v.says = 'since' then
			v_since := case when p_new ->> v.name::text is null then v_since else v.name::text end;
			continue;
		end if;
		v_names := v_names || v.name::text;
		v_said := coalesce(cardkeep_legacy.said(p_new, v.name, v.says), false);
		v_all := v_all and v_said;
		if p_new -> v.name::text is distinct from p_old -> v.name::text then
			v_changed := true;
			v_off := v_off or not v_said;
		end if;
	end loop;
	if p_old = '{}' or not v_changed or v_off then
		return case when p_old = '{}' then v_all when v_off then false end;
	elsif not v_all then
		raise exception 'a card is shown where % say so: set them in one statement',
			array_to_string(v_names, ' and ') using errcode = 'feature_not_supported';
	elsif v_since is not null then
		raise exception 'a card with a % is not shown, and that can only be read since the upgrade to Cardkeep',
			v_since using errcode = 'feature_not_supported';
	end if;
	return true;
end
$$;
comment on function cardkeep_legacy.is_shown is 'Whether a card is shown after a statement on its view, where several columns may say it; null where an update does not say. One that is switched off hides it; all have to be switched on in one statement to show it, and no time may hide it, else 0A000. Locks nothing.';

create function cardkeep_legacy.with_one_visibility(p_view regclass, p_new jsonb, p_old jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_names text[] := array(select v.name
		from cardkeep_legacy.visibility_of(p_view) v where v.says <> 'since');
	v_shown boolean := cardkeep_legacy.is_shown(p_view, p_new, p_old);
begin
	return p_new - v_names || case when v_shown is null then '{}'
		else jsonb_build_object('is_public', v_shown) end;
end
$$;
comment on function cardkeep_legacy.with_one_visibility is 'A row of the view with is_public alone for all columns that say whether the card is shown, and without it where the statement does not say. Locks nothing.';

create function cardkeep_legacy.fitted(p_changes jsonb, p_slug text) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_fit jsonb := cardkeep_legacy.fit_card(p_changes, p_slug);
	v_slug text := v_fit ->> 'slug';
begin
	-- Made of what was given, and not the card's own: it may be somebody's.
	if v_slug <> p_changes ->> 'slug' and v_slug is distinct from p_slug then
		return v_fit || jsonb_build_object('slug', cardkeep.generate_unique_slug(v_slug));
	end if;
	return v_fit;
end
$$;
comment on function cardkeep_legacy.fitted is 'What a statement on the view of cards writes, made to fit as the upgrade did with what was there: a name, a template, a slug that breaks the rule, which becomes a free one made of it (the card''s own where it comes to that). Takes the advisory locks of slugs, never waits.';

create function cardkeep_legacy.shown(p_view regclass, p_row jsonb, p_given jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return coalesce((select jsonb_object_agg(v.name, cardkeep_legacy.as_type(
			(p_row -> 'is_public')::boolean = (v.says = 'shown'), v.type))
		from cardkeep_legacy.visibility_of(p_view) v
		where p_row ? 'is_public' and v.says <> 'since'), '{}')
	|| (select jsonb_object_agg(v.name, p_row -> c.name)
		from cardkeep_legacy.columns_of(p_view) v
		join cardkeep_legacy.columns_of(format('cardkeep.%I', (parse_ident(p_view::text))[2])) c
			on c.name = cardkeep_legacy.field_of(p_view, v.name) and (c.type = v.type
				or v.type in ('timestamp'::regtype, 'json'::regtype, 'bigint'::regtype, 'text'::regtype,
					'character varying'::regtype))
		where (p_given is null or p_given ? c.name or c.name in ('version', 'updated_at'))
			and not (v.type <> 'uuid'::regtype and c.name in ('id', 'user_id')) and c.name <> 'is_public');
end
$$;
comment on function cardkeep_legacy.shown is 'What a statement on a view in public can return of the row that it wrote: all of a new one, what it changed of another. Locks nothing.';

create function cardkeep_legacy.admit_user(p_kind text, p_user uuid, p_was text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_constraint text;
begin
	if p_user is null then
		raise exception 'user_id must be given' using errcode = 'not_null_violation';
	end if;
	insert into cardkeep.users (id) values (p_user) on conflict do nothing;
	if cardkeep_legacy.column_type(format('cardkeep_legacy.%I', p_kind), 'user_id') <> 'uuid'::regtype then
		insert into cardkeep_legacy.old_ids (kind, id, was) values ('user_id', p_user, p_was)
		on conflict do nothing;
	end if;
	if to_regclass(format('cardkeep_legacy.people_of_%s', p_kind)) is not null then
		execute format('insert into cardkeep_legacy.people_of_%1$s (id, user_id)
			select $1, (jsonb_populate_record(null::cardkeep_legacy.people_of_%1$s,
				jsonb_build_object(''user_id'', $2))).user_id on conflict (id) do nothing', p_kind)
		using p_user, p_was;
	end if;
exception when foreign_key_violation then
	get stacked diagnostics v_constraint = constraint_name;
	raise exception 'insert or update on table "%" violates foreign key constraint "%"', p_kind, v_constraint
		using errcode = 'foreign_key_violation', constraint = v_constraint, detail = format(
			'Key (user_id)=(%s) is not there.', p_was);
end
$$;
comment on function cardkeep_legacy.admit_user is 'A waiting user for an id that no account has: programs from before Cardkeep have people of their own, and where a foreign key of the old table says whose an id has to be, it must be one of those (23503). Waits for somebody who makes the same.';

create function cardkeep_legacy.check_fresh(p_found boolean, p_exists boolean, p_what text)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
	if not p_found and p_exists then
		raise exception '% was changed since this statement began: nothing was written', p_what
			using errcode = 'serialization_failure', hint = 'Read it and try again.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_fresh is 'Refuses an update or a deletion that would hit what the statement has not seen, with 40001. Locks nothing.';

create function cardkeep_legacy.write_card() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
	v_changes jsonb;
	v_id text;
	c cardkeep.business_cards;
begin
	if tg_op = 'DELETE' then
		delete from cardkeep.business_cards b where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')
			and b.version = (v_old ->> 'version')::integer
		returning b.* into c;
		perform cardkeep_legacy.check_fresh(c.id is not null, exists (select
			from cardkeep.business_cards b where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')), 'the card');
		return case when c.id is not null then old end;
	end if;
	v_changes := cardkeep_legacy.fitted(cardkeep_legacy.written(tg_relid,
		cardkeep_legacy.with_one_visibility(tg_relid, to_jsonb(new), v_old), v_old), v_old ->> 'slug');
	if tg_op = 'INSERT' then
		perform cardkeep_legacy.admit_user(tg_table_name, (v_changes ->> 'user_id')::uuid,
			to_jsonb(new) ->> 'user_id');
		v_id := coalesce(to_jsonb(new) ->> 'id', cardkeep_legacy.next_id());
		c := cardkeep_legacy.insert_card(v_changes, v_id);
		new := jsonb_populate_record(new, jsonb_build_object('id', coalesce(v_id, c.id::text)));
	else
		update cardkeep.business_cards b
		set (name, slug, template_type, fields_config, design_config, is_public) =
			(select r.name, r.slug, r.template_type, r.fields_config, r.design_config, r.is_public
			from jsonb_populate_record(b, v_changes) r)
		where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')
			and b.version = (v_old ->> 'version')::integer
		returning b.* into c;
		perform cardkeep_legacy.check_fresh(c.id is not null, exists (select
			from cardkeep.business_cards b where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')), 'the card');
		if c.id is null then
			return null;
		end if;
	end if;
	new := jsonb_populate_record(new, cardkeep_legacy.shown(tg_relid, to_jsonb(c),
		case tg_op when 'UPDATE' then v_changes end));
	return new;
end
$$;
comment on function cardkeep_legacy.write_card is 'Carries a statement on public.business_cards out on the cards, as direct SQL: the version rises, history is kept, a deleted slug is retired. An update changes only what the statement changes; it and a deletion are refused with 40001 where somebody changed the card meanwhile; id, owner and times stay. Waits for the card''s row, then as the triggers of the cards.';

create function cardkeep_legacy.next_id() returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_sequence text := (select pg_get_serial_sequence(a.attrelid::regclass::text, 'id')
		from pg_attribute a where a.attrelid = 'cardkeep_legacy.business_cards'::regclass
			and a.attname = 'id' and a.attidentity <> '');
begin
	return nextval(v_sequence::regclass);
end
$$;
comment on function cardkeep_legacy.next_id is 'The next id where the old table of cards made its own as an identity column does; else null. Locks nothing.';

create function cardkeep_legacy.insert_card(p_row jsonb, p_id text) returns cardkeep.business_cards
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	r cardkeep.business_cards := jsonb_populate_record(null::cardkeep.business_cards, p_row);
	c cardkeep.business_cards;
begin
	r.id := coalesce(cardkeep_legacy.uuid_of(p_id), gen_random_uuid());
	if cardkeep_legacy.column_type('cardkeep_legacy.business_cards', 'id') <> 'uuid'::regtype then
		insert into cardkeep_legacy.old_ids (kind, id, was) values ('id', r.id, coalesce(p_id, r.id::text))
		on conflict do nothing;
	end if;
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, created_at)
	values (r.id, r.user_id, cardkeep_legacy.clean_name(r.name),
		coalesce(r.slug, cardkeep.generate_unique_slug(r.name)),
		coalesce(r.template_type, 'personal-small'), coalesce(r.fields_config, '{}'),
		coalesce(r.design_config, '{}'), coalesce(r.is_public, true),
		coalesce(cardkeep_legacy.clean_time(r.created_at), clock_timestamp()))
	returning * into c;
	return c;
end
$$;
comment on function cardkeep_legacy.insert_card is 'A card that a program from before Cardkeep makes, under the id that it gives; without a slug it gets a free one. Raises 23505 for a slug that a card has or had. Waits for the slug''s advisory lock.';

create function cardkeep_legacy.write_profile() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
	v_changes jsonb;
	v_row jsonb;
begin
	if tg_op = 'DELETE' then
		raise exception 'a profile is not deleted: clear its fields, or delete the account'
			using errcode = 'feature_not_supported';
	end if;
	v_changes := cardkeep_legacy.written(tg_relid, to_jsonb(new), v_old);
	if tg_op = 'INSERT' then
		perform cardkeep_legacy.admit_user(tg_table_name, (v_changes ->> 'user_id')::uuid,
			to_jsonb(new) ->> 'user_id');
		v_row := cardkeep_legacy.insert_profile(tg_table_name, v_changes);
	else
		v_row := cardkeep_legacy.update_profile(tg_table_name,
			cardkeep_legacy.uuid_of(v_old ->> 'user_id'), (v_old ->> 'version')::integer, v_changes);
	end if;
	if v_row is null then
		return null;
	end if;
	new := jsonb_populate_record(new, cardkeep_legacy.shown(tg_relid, v_row,
		case tg_op when 'UPDATE' then v_changes end));
	return new;
end
$$;
comment on function cardkeep_legacy.write_profile is 'Carries a statement on public.personal_info or public.professional_info out on the profiles, as write_card does on cards. Waits for the profile''s row, and for the advisory lock of a first one.';

create function cardkeep_legacy.insert_profile(p_kind text, p_row jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	-- A time that is none of ours is the moment's.
	v_row jsonb := p_row || jsonb_build_object('version', 1, 'created_at',
		cardkeep_legacy.clean_time((p_row ->> 'created_at')::timestamptz));
begin
	if p_kind = 'personal_info' then
		insert into cardkeep.personal_info as p
		select r.* from jsonb_populate_record(null::cardkeep.personal_info, v_row) r
		returning to_jsonb(p) into v_row;
	else
		insert into cardkeep.professional_info as p
		select r.* from jsonb_populate_record(null::cardkeep.professional_info, v_row) r
		returning to_jsonb(p) into v_row;
	end if;
	return v_row;
end
$$;
comment on function cardkeep_legacy.insert_profile is 'A first profile that a program from before Cardkeep writes. Waits for the advisory lock of the first profile.';

create function cardkeep_legacy.update_profile(p_kind text, p_user uuid, p_version integer,
	p_changes jsonb)
returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_row jsonb;
begin
	if p_kind = 'personal_info' then
		update cardkeep.personal_info p
		set (full_name, primary_email, secondary_email, primary_phone, secondary_phone, website,
			address) = (select r.full_name, r.primary_email, r.secondary_email, r.primary_phone,
			r.secondary_phone, r.website, r.address from jsonb_populate_record(p, p_changes) r)
		where p.user_id = p_user and p.version = p_version
		returning to_jsonb(p) into v_row;
	else
		update cardkeep.professional_info p
		set (job_title, company_name, department, work_email, work_phone, work_address,
			company_website, linkedin_url) = (select r.job_title, r.company_name, r.department,
			r.work_email, r.work_phone, r.work_address, r.company_website, r.linkedin_url
			from jsonb_populate_record(p, p_changes) r)
		where p.user_id = p_user and p.version = p_version
		returning to_jsonb(p) into v_row;
	end if;
	perform cardkeep_legacy.check_fresh(v_row is not null, exists (select
		from cardkeep_api.profiles p where p.kind = p_kind and p.user_id = p_user), 'the profile');
	return v_row;
end
$$;
comment on function cardkeep_legacy.update_profile is 'Changes a profile that is at this version still; else 40001, or null where it is gone. Waits for the profile''s row.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('legacy_views');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'legacy_functions') then
return;
end if;
execute $sql$
-- Deploy cardkeep:legacy_functions to pg
--
-- The mission's own functions, where a database from before Cardkeep has them in schema public: they
-- were made for tables, and would fail on the views, or go round what Cardkeep keeps. Each keeps its
-- name, its arguments, its owner and its grants; what it does is done here, with its caller's rights and
-- through the views, so that a caller can do no more by it than by a statement of his own. That holds for
-- one that acted with its owner's rights too: what it asked of its caller stood in its body, which does not
-- go on, or it asked nothing.


set local role cardkeep_owner;

create function cardkeep_legacy.column_for(p_view regclass, p_name text, p_fields text[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_field name := case
		when cardkeep_legacy.column_type(p_view, p_name) is not null then cardkeep_legacy.field_of(p_view, p_name)
		else coalesce((select s.field from cardkeep_legacy.second_names() s
			join pg_class c on c.oid = p_view and c.relname = s.kind where s.name = p_name), p_name) end;
begin
	return (select cardkeep_legacy.column_of(p_view, v_field) where v_field = any (p_fields));
end
$$;
comment on function cardkeep_legacy.column_for is 'The column of a view of old that an argument of one of the mission''s functions is for: that of its name, where Cardkeep has it, else that of the field which it names, by its own or its second name; null where the view has none. Locks nothing.';

-- This one acts with its owner's rights, but only looks into the catalog.
create function cardkeep_doors.fields_of(p_view regclass, p_args jsonb, p_fields text[], p_known text[])
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	-- All columns that say whether a card is shown have one say, whichever an argument is called after.
	v_says jsonb := case when 'is_public' = any (p_fields)
		then cardkeep_legacy.says_of('business_cards', p_view) else '{}' end;
	v_shown boolean;
	v_lost text;
	v_fields jsonb;
begin
	select jsonb_object_agg(c.name, a.value) filter (where c.name is not null and not k.says),
		bool_and(coalesce(cardkeep_legacy.said(p_args, a.key, cardkeep_legacy.name_says(k.name)), false))
			filter (where k.says),
		string_agg(a.key, ', ' order by a.key)
			filter (where c.name is null and not k.says and not k.name = any (p_known))
	into v_fields, v_shown, v_lost
	from jsonb_each(p_args) a
	cross join lateral (select n.name, v_says <> '{}' and (n.name in ('is_public', 'is_active')
			or v_says ? n.name) as says
		from (select case when starts_with(a.key, 'p_') then substr(a.key, 3) else a.key end as name) n) k
	cross join lateral (select cardkeep_legacy.column_for(p_view, k.name, p_fields) as name) c
	where a.value <> 'null';
	if v_lost is not null then
		raise exception 'Cardkeep has no place for % in %', v_lost, p_view
			using errcode = 'feature_not_supported', hint = 'Leave it out, or keep it in a table of your own.';
	end if;
	return coalesce(v_fields, '{}') || coalesce((select jsonb_object_agg(s.key,
			s.value -> case when v_shown then 2 else 1 end)
		from jsonb_each(v_says) s where v_shown is not null), '{}');
end
$$;
comment on function cardkeep_doors.fields_of is 'Arguments of a function of the mission''s as columns of a view of old, by their second names too, and one that says whether a card is shown as all columns that say so; null is none. Raises 0A000 where one has no place there. Locks nothing.';

create function cardkeep_doors.insert_fields(p_view regclass, p_fields jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	v_names text := (select string_agg(quote_ident(k), ', ' order by k) from jsonb_object_keys(p_fields) k);
	v_row jsonb;
begin
	execute format('insert into %s as t (%s) select %2$s from jsonb_populate_record(null::%1$s, $1)
		returning to_jsonb(t)', p_view, v_names) into v_row using p_fields;
	return v_row;
end
$$;
comment on function cardkeep_doors.insert_fields is 'Inserts a row into a view of old, with its defaults for what is not given. Acts with the caller''s rights. Waits as that insertion.';

create function cardkeep_doors.create_card(p_args jsonb, p_shows boolean) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	c_attempts constant integer := 10;
	v_fields jsonb := case when p_shows then cardkeep_doors.fields_of('public.business_cards',
			'{"is_public": true}', '{is_public}', '{}') else '{}' end
		|| cardkeep_doors.fields_of('public.business_cards', p_args,
			'{user_id,name,template_type,fields_config,design_config,is_public}', '{base_slug}');
	v_base text := coalesce(nullif(p_args ->> 'p_base_slug', ''), p_args ->> 'p_name');
	v_slug text := v_base;
begin
	for v_attempt in 1..c_attempts loop
		begin
			return cardkeep_doors.insert_fields('public.business_cards',
				v_fields || jsonb_build_object('slug', v_slug));
		exception when unique_violation then
			v_slug := left(v_base, 80) || '-' || left(md5(random()::text), 6);
		end;
	end loop;
	raise exception 'Unable to generate unique slug after % attempts', c_attempts
		using errcode = 'unique_violation';
end
$$;
comment on function cardkeep_doors.create_card is 'create_business_card_atomic by the view in the old table''s place: the row, with a slug of its own, and shown where p_shows says that the function of old did so and no argument says otherwise, else as the columns'' defaults have it. Raises 23505 where ten slugs were taken. Acts with the caller''s rights. Waits for the slug''s advisory lock.';

create function cardkeep_doors.update_card(p_args jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	v_fields jsonb := cardkeep_doors.fields_of('public.business_cards', p_args,
		'{name,template_type,fields_config,design_config,is_public}', '{card_id,user_id,expected_version}');
	v_names text := (select string_agg(quote_ident(k), ', ' order by k) from jsonb_object_keys(v_fields) k);
	v_version integer;
	k record;
begin
	select r.id, r.user_id into k from jsonb_populate_record(null::public.business_cards,
		jsonb_build_object('id', p_args -> 'p_card_id', 'user_id', p_args -> 'p_user_id')) r;
	begin
		execute format('update public.business_cards b
			set (%1$s) = (select %1$s from jsonb_populate_record(b, $1))
			where b.id = $2 and b.user_id = $3 and b.version = $4 returning b.version',
			coalesce(v_names, 'name'))
		into v_version using v_fields, k.id, k.user_id, (p_args ->> 'p_expected_version')::integer;
	exception when serialization_failure then
		-- Somebody was quicker: that is a conflict.
		v_version := null;
	end;
	if v_version is not null then
		return jsonb_build_object('success', true, 'new_version', v_version, 'message', 'Card updated');
	end if;
	select b.version into v_version from public.business_cards b
	where b.id = k.id and b.user_id = k.user_id;
	return jsonb_build_object('success', false, 'new_version', v_version, 'message',
		case when v_version is null then 'Card not found' else 'Version conflict' end);
end
$$;
comment on function cardkeep_doors.update_card is 'update_business_card_optimistic by the view in the old table''s place; null keeps a field. Acts with the caller''s rights. Waits for the card''s row.';

create function cardkeep_doors.save_profile(p_kind text, p_fields text[], p_args jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	v_fields jsonb := cardkeep_doors.fields_of(format('public.%I', p_kind), p_args, p_fields,
		'{user_id,expected_version}');
	v_names text := (select string_agg(quote_ident(k), ', ' order by k) from jsonb_object_keys(v_fields) k);
	v_user jsonb := jsonb_build_object('user_id', p_args -> 'p_user_id');
	v_expected integer := coalesce((p_args ->> 'p_expected_version')::integer, 0);
	v_version integer;
begin
	begin
		if v_expected = 0 then
			v_version := cardkeep_doors.insert_fields(format('public.%I', p_kind), v_fields || v_user) -> 'version';
		else
			execute format('update public.%1$I t set (%2$s) = (select %2$s from jsonb_populate_record(t, $1))
				where t.user_id = (jsonb_populate_record(null::public.%1$I, $2)).user_id and t.version = $3
				returning t.version', p_kind, coalesce(v_names || ', user_id', 'user_id, version'))
			into v_version using v_fields, v_user, v_expected;
		end if;
	exception when unique_violation or serialization_failure then
		v_version := null;
	end;
	if v_version is not null then
		return jsonb_build_object('success', true, 'new_version', v_version, 'is_new', v_expected = 0,
			'message', case v_expected when 0 then 'Profile created' else 'Profile updated' end);
	end if;
	execute format('select t.version from public.%1$I t
		where t.user_id = (jsonb_populate_record(null::public.%1$I, $1)).user_id', p_kind)
	into v_version using v_user;
	return jsonb_build_object('success', false, 'new_version', coalesce(v_version, 0), 'is_new', false,
		'message', 'Version conflict');
end
$$;
comment on function cardkeep_doors.save_profile is 'Either profile''s upsert by the view in the old table''s place; null keeps a field. Acts with the caller''s rights. Waits for the profile''s row, or for another first write.';

create function cardkeep_doors.save_personal_info(p_args jsonb) returns jsonb
language sql volatile
return cardkeep_doors.save_profile('personal_info', '{full_name,primary_email,secondary_email,primary_phone,secondary_phone,website,address}', p_args);
comment on function cardkeep_doors.save_personal_info is 'upsert_personal_info_optimistic, as save_profile. Waits as that.';

create function cardkeep_doors.save_professional_info(p_args jsonb) returns jsonb
language sql volatile
return cardkeep_doors.save_profile('professional_info', '{job_title,company_name,department,work_email,work_phone,work_address,company_website,linkedin_url}', p_args);
comment on function cardkeep_doors.save_professional_info is 'upsert_professional_info_optimistic, as save_profile. Waits as that.';

grant execute on function cardkeep_doors.fields_of, cardkeep_doors.insert_fields, cardkeep_doors.create_card,
	 cardkeep_doors.update_card, cardkeep_doors.save_profile,
	cardkeep_doors.save_personal_info, cardkeep_doors.save_professional_info to public;

-- Turning them, and back

create function cardkeep_legacy.functions_of(p_kind text)
returns table (function regprocedure, goes_to text)
language sql stable
begin atomic
	select p.oid::regprocedure, f.goes_to from pg_catalog.pg_proc p
	join (values ('business_cards', 'generate_unique_slug', 'slug'),
		('business_cards', 'create_business_card_atomic', 'create_card'),
		('business_cards', 'update_business_card_optimistic', 'update_card'),
		('personal_info', 'upsert_personal_info_optimistic', 'save_personal_info'),
		('professional_info', 'upsert_professional_info_optimistic', 'save_professional_info'))
		f (kind, name, goes_to) on f.name = p.proname
	where f.kind = p_kind and p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
	order by 1;
end;
comment on function cardkeep_legacy.functions_of is 'The functions of the mission''s names in schema public that are about an old table, and what does their work now. Locks nothing.';

create function cardkeep_legacy.arguments_of(p_function regprocedure, p_out boolean)
returns table (name text, type text, number bigint)
language sql stable
begin atomic
	select coalesce(p.proargnames[a.n], ''), format_type(a.type, null), row_number() over (order by a.n)
	from pg_catalog.pg_proc p
	cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
		with ordinality a (type, n)
	where p.oid = p_function
		and case when p_out then coalesce(p.proargmodes[a.n], 'i') in ('o', 't')
			else coalesce(p.proargmodes[a.n], 'i') = 'i' end;
end;
comment on function cardkeep_legacy.arguments_of is 'What a function takes, or by name gives, in its order. Locks nothing.';

create function cardkeep_legacy.functions_in_the_way(p_kind text)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select format('function %s has another form than Cardkeep''s', f.function),
		'give it another name, or drop it'
	from cardkeep_legacy.functions_of(p_kind) f join pg_proc p on p.oid = f.function
	where exists (select from unnest(p.proargmodes) m (mode) where m.mode in ('b', 'v'))
		or f.goes_to <> 'slug' and exists (select from cardkeep_legacy.arguments_of(f.function, false) a
			where a.name = '')
		or case when exists (select from cardkeep_legacy.arguments_of(f.function, true))
			then f.goes_to = 'slug'
			else p.proretset or p.prorettype <> all (case f.goes_to
				when 'slug' then array['text'::regtype, 'character varying'::regtype]
				else array['json'::regtype, 'jsonb'::regtype] end) end
		or f.goes_to = 'slug' and (select string_agg(a.type, ' ' order by a.number)
			from cardkeep_legacy.arguments_of(f.function, false) a) not in ('text', 'text integer');
	return query
	select format('function %s gives %s, which Cardkeep''s does not', f.function, string_agg(a.name, ', ')),
		'give it another name, or drop it'
	from cardkeep_legacy.functions_of(p_kind) f
	cross join lateral cardkeep_legacy.arguments_of(f.function, true) a
	where case f.goes_to when 'slug' then false when 'create_card' then a.name <> 'version'
			and cardkeep_legacy.column_type(format('public.%I', p_kind), a.name) is null
		when 'update_card' then a.name not in ('success', 'new_version', 'message')
		else a.name not in ('success', 'new_version', 'message', 'is_new') end
	group by f.function;
	return query
	select format('function %s is not %s''s', f.function, current_user),
		format('sign in as %s, or as a member of that role', p.proowner::regrole)
	from cardkeep_legacy.functions_of(p_kind) f join pg_proc p on p.oid = f.function
	where not pg_has_role(p.proowner, 'usage');
end
$$;
comment on function cardkeep_legacy.functions_in_the_way is 'The functions of the mission''s names that are of another form than ours, or are somebody else''s. Locks nothing.';

create function cardkeep_legacy.shows_cards(p_function regprocedure) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_source text := (select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) from pg_proc p
		where p.oid = p_function);
	v_says text[];
begin
	if octet_length(v_source) > 100000 then
		return null;
	end if;
	-- One after the other: alternatives would be greedy, up to the end of the last comment.
	v_source := regexp_replace(regexp_replace(v_source, '--[^\n]*', ' ', 'g'), '/\*.*?\*/', ' ', 'g');
	v_says := array(select s.value ->> 0
		from jsonb_each(cardkeep_legacy.says_of('business_cards', 'public.business_cards')) s
		where v_source ~* format('\m%s\M', s.key));
	-- By the words alone: who would show a card that was to be hidden does worse than who hides one.
	return case when v_says = '{}' then false
		when v_says <@ '{shown}' and v_source !~* '\mfalse\M' then v_source ~* '\mtrue\M'
		when v_says <@ '{hidden}' and v_source !~* '\mtrue\M' then v_source ~* '\mfalse\M' end;
end
$$;
comment on function cardkeep_legacy.shows_cards is 'Whether a function of old that makes cards set what says that they are shown, or left it to the columns'' defaults; null where its words do not tell. Locks nothing.';

create function cardkeep_legacy.function_body(p_function regprocedure, p_goes_to text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_call text;
	v_values text;
	v_names text;
	v_set boolean := (select p.proretset from pg_proc p where p.oid = p_function);
begin
	if p_goes_to = 'slug' then
		select format('cardkeep.generate_unique_slug(%s)', string_agg(format(case a.number when 1 then '$%s'
			else 'coalesce($%s, 10)' end, a.number), ', ')) into v_call
		from cardkeep_legacy.arguments_of(p_function, false) a;
		return format('begin return %s; end', v_call);
	end if;
	select format('cardkeep_doors.%I(jsonb_build_object(%s)%s) r(v)', p_goes_to,
		string_agg(format('%L, $%s', a.name, a.number), ', ' order by a.number), case p_goes_to
			when 'create_card' then format(', %s', coalesce(cardkeep_legacy.shows_cards(p_function), false)::text) end)
	into v_call
	from cardkeep_legacy.arguments_of(p_function, false) a;
	select string_agg(format(case when a.type in ('json', 'jsonb') then '(r.v -> %L)::%s'
		else '(r.v ->> %L)::%s' end, a.name, a.type), ', ' order by a.number),
		string_agg(quote_ident(a.name), ', ' order by a.number)
	into v_values, v_names
	from cardkeep_legacy.arguments_of(p_function, true) a;
	return format(case when v_set then 'begin return query select %s from %s; end'
		when v_values is not null then 'begin select %s into %3$s from %2$s; end'
		else 'begin return (select r.v from %2$s); end' end, v_values, v_call, v_names);
end
$$;
comment on function cardkeep_legacy.function_body is 'What a function of the mission''s name does now: hands its arguments on by their names, and takes from the answer what it gives by name. Locks nothing.';

create function cardkeep_legacy.turn_function(p_function regprocedure, p_goes_to text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	p pg_proc;
begin
	select o.* into p from pg_proc o where o.oid = p_function;
	if p_goes_to = 'create_card' and cardkeep_legacy.shows_cards(p_function) is null then
		raise warning 'upgrade: function % sets whether a card is shown, and its words do not tell how: a card that it makes is as the columns'' defaults have it, unless an argument says so',
			p_function;
	end if;
	insert into cardkeep.upgraded_functions (signature, owner, definition)
	values (p_function, pg_get_userbyid(p.proowner), pg_get_functiondef(p_function));
	execute format('create or replace function public.%I(%s) returns %s language plpgsql volatile %s
		set search_path = pg_catalog, public, pg_temp as %L', p.proname,
		pg_get_function_arguments(p_function), pg_get_function_result(p_function),
		case when p_goes_to = 'slug' then 'security definer' end,
		cardkeep_legacy.function_body(p_function, p_goes_to));
	-- A slug is looked for among all cards, by the owner of all.
	if p_goes_to = 'slug' then
		execute 'grant create on schema public to cardkeep_owner';
		execute format('alter function %s owner to cardkeep_owner', p_function);
		execute 'revoke create on schema public from cardkeep_owner';
		-- With the owner his own right went too.
		if exists (select from aclexplode(p.proacl) a where a.grantee = p.proowner) then
			execute format('grant execute on function %s to %s', p_function, p.proowner::regrole);
		end if;
	end if;
	raise notice 'upgrade: function % goes to Cardkeep''s rows now, for whom it was for', p_function;
	if p.prosecdef and p_goes_to <> 'slug' then
		raise warning 'upgrade: function % acted with its owner''s rights, and acts with its caller''s now: who could write by it alone is to be granted the table, or a policy, that lets him',
			p_function;
	end if;
end
$$;
comment on function cardkeep_legacy.turn_function is 'Makes a function of the mission''s name do what it did on Cardkeep''s rows, in its place: owner and grants stay, and it acts with its caller''s rights, but that the look for a free slug is Cardkeep''s own. Locks nothing.';

create function cardkeep_legacy.give_function(p_function regprocedure, p_owner name) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_may boolean := has_schema_privilege(p_owner, 'public', 'create');
begin
	perform from pg_proc p where p.oid = p_function and pg_get_userbyid(p.proowner) = p_owner;
	if found then
		return;
	end if;
	-- An owner must be allowed to make functions where his function is.
	if not v_may then
		execute format('grant create on schema public to %I', p_owner);
	end if;
	execute format('alter function %s owner to %I', p_function, p_owner);
	if not v_may then
		execute format('revoke create on schema public from %I', p_owner);
	end if;
end
$$;
comment on function cardkeep_legacy.give_function is 'Gives a function in schema public to its owner of before. Locks nothing.';

create function cardkeep_legacy.turn_functions_back() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	f cardkeep.upgraded_functions;
begin
	for f in delete from cardkeep.upgraded_functions returning *
	loop
		-- One that was dropped since is not brought back.
		if to_regprocedure(f.signature) is not null then
			execute f.definition;
			perform cardkeep_legacy.give_function(f.signature::regprocedure, f.owner);
		end if;
	end loop;
end
$$;
comment on function cardkeep_legacy.turn_functions_back is 'Puts back the functions of the mission''s names as they were. Locks nothing.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('legacy_functions');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'legacy_restore') then
return;
end if;
execute $sql$
-- Deploy cardkeep:legacy_restore to pg
--
-- The way back. Rows that changed since the upgrade are written into the old tables, field by field:
-- a value that nobody touched stays the old one to the byte, whatever Cardkeep had made of it. New
-- rows are inserted, deleted ones deleted. What an old table refuses (a user whom its foreign key
-- does not know, a longer text than it holds) is listed in unreturned_rows.
--
-- And nothing of Cardkeep's own is lost: every table of it is copied into schema cardkeep_kept before
-- the migrations take it down, accounts and history included. The next upgrade takes them up from
-- there, so that versions go on, slugs stay retired and people still can sign in; what the old
-- programs wrote in between is one version more.


set local role cardkeep_owner;

create view cardkeep_legacy.rows_now as
	select 'business_cards' as kind, b.id, to_jsonb(b) - 'last_write' as row
	from cardkeep.business_cards b
	union all
	select 'personal_info', p.user_id, to_jsonb(p) - 'last_write' from cardkeep.personal_info p
	union all
	select 'professional_info', p.user_id, to_jsonb(p) - 'last_write'
	from cardkeep.professional_info p;
comment on view cardkeep_legacy.rows_now is 'Cards and profiles as they are now, in one shape';

create view cardkeep_legacy.rows_then as
	select 'business_cards' as kind, c.id, to_jsonb(k) as row, c.place
	from cardkeep_legacy.carried_cards c
	cross join lateral (select c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config,
		c.design_config, c.is_public, c.version, c.created_at, c.updated_at) k
	union all
	select p.kind, p.user_id, p.fields || jsonb_build_object('user_id', p.user_id, 'version',
		p.version, 'created_at', p.created_at, 'updated_at', p.updated_at), p.place
	from cardkeep_legacy.carried_profiles p where p.rank = 1;
comment on view cardkeep_legacy.rows_then is 'The rows of the old tables as Cardkeep can keep them, in the same shape, and where they are';

create function cardkeep_legacy.write_as(p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_type regtype := cardkeep_legacy.column_type(p_table, p_column);
	v_field name := cardkeep_legacy.field_of(p_table, p_column);
begin
	return case
		when v_field = 'is_public'
			then cardkeep_legacy.write_visibility((select v.says
				from cardkeep_legacy.visibility_of(p_table) v where v.name = p_column), v_type)
		when p_column in ('id', 'user_id') and v_type <> 'uuid'::regtype
			then format(case when v_type in ('text'::regtype, 'character varying'::regtype) then '%s'
				else '(%s)::%s' end, format('coalesce((select i.was from cardkeep_legacy.old_ids i
				where i.kind = %1$L and i.id = ($1 ->> %1$L)::uuid), $1 ->> %1$L)', p_column), v_type)
		when v_type in ('timestamp'::regtype, 'date'::regtype)
			then format('($1 ->> %L)::timestamptz at time zone ''UTC''', v_field)
		when v_type in ('json'::regtype, 'jsonb'::regtype)
			then format('($1 -> %L)::%s', v_field, v_type)
		when v_type in ('text'::regtype, 'character varying'::regtype, 'character'::regtype)
			then format('$1 ->> %L', v_field)
		else format('($1 ->> %L)::%s', v_field, v_type) end;
end
$$;
comment on function cardkeep_legacy.write_as is 'SQL that makes a value for a column of an old table from a row given as JSON in $1. A text that the column cannot hold is refused there, not cut. Locks nothing.';

create function cardkeep_legacy.write_visibility(p_says text, p_type regtype) returns text
language sql immutable parallel safe
return format(case p_type when 'boolean'::regtype then '%1$s' when 'text'::regtype then '(%1$s)::text'
	when 'character varying'::regtype then '(%1$s)::text' else '(%1$s)::integer' end,
	case p_says when 'shown' then '($1 ->> ''is_public'')::boolean'
	else 'not ($1 ->> ''is_public'')::boolean' end);
comment on function cardkeep_legacy.write_visibility is 'SQL that says in a column of an old table whether the row given in $1 is shown. Locks nothing.';

create function cardkeep_legacy.write_back(p_table regclass, p_now jsonb, p_then jsonb, p_place tid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_names text;
	v_values text;
begin
	if p_now is null then
		execute format('delete from %s where ctid = $1', p_table) using p_place;
		return;
	end if;
	select string_agg(format('%I', c.name), ', '),
		string_agg(cardkeep_legacy.write_as(p_table, c.name), ', ')
	into v_names, v_values
	from cardkeep_legacy.columns_of(p_table) c
	cross join lateral (select cardkeep_legacy.field_of(p_table, c.name) as name) f
	where p_now ? f.name and (p_then is null or c.name in ('updated_at', 'version')
		or c.name not in ('id', 'user_id', 'created_at') and p_now -> f.name <> p_then -> f.name);
	if p_then is null then
		execute format('insert into %s (%s) overriding system value values (%s)', p_table, v_names,
			v_values)
		using p_now;
	elsif v_names is not null then
		execute format('update %s set (%s) = row (%s) where ctid = $2', p_table, v_names, v_values)
		using p_now, p_place;
	end if;
end
$$;
comment on function cardkeep_legacy.write_back is 'Writes one row into an old table: what changed of one that it has, all of one that it has not; removes one that is gone. Locks the row.';

create function cardkeep_legacy.give_rows_back(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_ignored text[] := '{id,user_id,created_at,updated_at}';
	d record;
	v_count bigint := 0;
begin
	if cardkeep_legacy.column_type(v_table, 'version') is null then
		v_ignored := v_ignored || 'version'::text;
	end if;
	for d in
		select n.id, n.row as now, t.row as before, t.place
		from (select r.* from cardkeep_legacy.rows_now r where r.kind = p_kind) n
		full join (select r.* from cardkeep_legacy.rows_then r where r.kind = p_kind) t on t.id = n.id
		where n.row - v_ignored is distinct from t.row - v_ignored
	loop
		begin
			perform cardkeep_legacy.write_back(v_table, d.now, d.before, d.place);
			v_count := v_count + 1;
		exception when integrity_constraint_violation or data_exception then
			insert into cardkeep.unreturned_rows (kind, entity_id, now, reason)
			values (p_kind, d.id, coalesce(d.now, d.before), sqlerrm);
		end;
	end loop;
	raise notice 'rollback: % rows of % written back; % refused, see cardkeep_kept.unreturned_rows',
		v_count, p_kind, (select count(*) from cardkeep.unreturned_rows u where u.kind = p_kind);
end
$$;
comment on function cardkeep_legacy.give_rows_back is 'Brings an old table up to date with what was written since the upgrade. What it refuses is listed. Locks each row that it writes.';

create function cardkeep_legacy.keep() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table name;
begin
	create schema cardkeep_kept authorization cardkeep_owner;
	comment on schema cardkeep_kept is 'What Cardkeep had when its upgrade was reverted; the next upgrade takes it up again';
	for v_table in
		select c.relname from pg_class c
		where c.relnamespace = 'cardkeep'::regnamespace and c.relkind = 'r'
	loop
		execute format('create table cardkeep_kept.%1$I as table cardkeep.%1$I', v_table);
		perform cardkeep_legacy.close_to_others(format('cardkeep_kept.%I', v_table)::regclass);
		execute format('alter table cardkeep_kept.%I owner to cardkeep_owner', v_table);
	end loop;
end
$$;
comment on function cardkeep_legacy.keep is 'Copies all tables of Cardkeep''s into schema cardkeep_kept. Locks nothing.';

-- Who leaves, leaves the old tables too

create function cardkeep_legacy.forget_row(p_kind text, p_ids uuid[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := to_regclass(format('cardkeep_legacy.%I', p_kind));
	v_key name := case p_kind when 'business_cards' then 'id' else 'user_id' end;
begin
	delete from cardkeep.upgrade_changes c where c.kind = p_kind and c.entity_id = any (p_ids);
	delete from cardkeep_legacy.old_ids i where i.kind = v_key and i.id = any (p_ids);
	if v_table is not null then
		execute format('delete from %s o where %s = any ($1)', v_table,
			cardkeep_legacy.read_as(v_table, v_key, 'uuid'))
		using p_ids;
	end if;
end
$$;
comment on function cardkeep_legacy.forget_row is 'Deletes rows that were put aside, and what is listed about them. Waits for those rows, which nobody else has business with.';

create function cardkeep_legacy.rows_of(p_kind text, p_user uuid) returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	if p_kind = 'business_cards' then
		return array(
			select b.id from cardkeep.business_cards b where b.user_id = p_user
			union all
			select r.card_id from cardkeep.retired_slugs r
			where r.user_id = p_user and r.card_id is not null);
	end if;
	return array(
		select (c.was #>> '{}')::uuid from cardkeep.upgrade_changes c
		where c.kind = p_kind and c.entity_id = p_user and c.field = 'user_id' and c.reason = 'adopted'
		union all
		select p_user
		where not exists (select from cardkeep.upgrade_changes c
			where c.kind = p_kind and c.was = to_jsonb(p_user) and c.field = 'user_id'
				and c.reason = 'adopted'));
end
$$;
comment on function cardkeep_legacy.rows_of is 'The ids of a user''s rows of one kind from before Cardkeep: of cards their own, of profiles the user id that each came with; what was adopted is the account''s alone, kind by kind. Locks nothing.';

create function cardkeep_legacy.forget_cards(p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := cardkeep_legacy.rows_of('business_cards', p_user);
begin
	delete from cardkeep.business_cards b where b.user_id = p_user;
	update cardkeep.retired_slugs r set user_id = null where r.user_id = p_user;
	delete from cardkeep.business_card_versions h where h.card_id = any (v_cards);
	perform cardkeep_api.forget_pruned('business_cards', v_cards);
end
$$;
comment on function cardkeep_legacy.forget_cards is 'Deletes the cards of somebody who waits, their history and what was put aside of them; their slugs stay retired. Waits for the cards'' rows, and for the advisory locks of young cards'' slugs.';

create function cardkeep_legacy.forget_profile(p_kind text, p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- Before its history, so that nobody adds to that. Of a user who stays, nothing is deleted but what is
	-- said to be pruned: all of it.
	execute format('delete from cardkeep.%I p where p.user_id = $1', p_kind) using p_user;
	delete from cardkeep.pruned_histories p where p.kind = p_kind and p.id = p_user;
	insert into cardkeep.pruned_histories (kind, id, first, began_at)
	values (p_kind, p_user, 2147483647, clock_timestamp());
	execute format('delete from cardkeep.%I h where h.user_id = $1', p_kind || '_versions') using p_user;
	delete from cardkeep.pruned_histories p where p.kind = p_kind and p.id = p_user;
	perform cardkeep_legacy.forget_row(p_kind, cardkeep_legacy.rows_of(p_kind, p_user));
end
$$;
comment on function cardkeep_legacy.forget_profile is 'Deletes a profile of somebody who waits, its history and what was put aside of it. Waits for the profile''s row.';

create function cardkeep_legacy.forget_rows(p_kind text, p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if p_kind = 'business_cards' then
		perform cardkeep_legacy.forget_cards(p_user);
	else
		perform cardkeep_legacy.forget_profile(p_kind, p_user);
	end if;
	-- With the last of it the user goes.
	delete from cardkeep.users u where u.id = p_user
		and not exists (select from cardkeep.business_cards b where b.user_id = p_user)
		and not exists (select from cardkeep_api.profiles p where p.user_id = p_user);
end
$$;
comment on function cardkeep_legacy.forget_rows is 'Deletes what somebody who waits has of one kind, as if it had never been, and the user where nothing else is left. Waits for those rows, then for the user''s.';

create function cardkeep_legacy.forget_user() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := cardkeep_legacy.rows_of('business_cards', old.id);
begin
	-- A waiting user with nothing left was adopted: the rows are somebody's.
	perform from cardkeep_api.profiles p where p.user_id = old.id;
	if found or num_nonnulls(old.email, old.closed_at) > 0 or v_cards <> '{}' then
		perform cardkeep_legacy.forget_row('business_cards', v_cards);
		perform cardkeep_legacy.forget_row(k, cardkeep_legacy.rows_of(k, old.id))
		from unnest(array['personal_info', 'professional_info']) k;
	end if;
	return old;
end
$$;
comment on function cardkeep_legacy.forget_user is 'Before an account goes: its rows from before Cardkeep, which were put aside, go too. Runs before the cards are forgotten. The account''s row is locked by the deletion.';

create trigger forget_before before delete on cardkeep.users
	for each row execute function cardkeep_legacy.forget_user();

-- And forth again

create function cardkeep_legacy.take_up_table(p_table name) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_columns text;
begin
	select string_agg(format('%I', k.attname), ', ') into v_columns
	from pg_attribute k join pg_attribute o
		on o.attrelid = format('cardkeep.%I', p_table)::regclass and o.attname = k.attname
	where k.attrelid = format('cardkeep_kept.%I', p_table)::regclass
		and k.attnum > 0 and not k.attisdropped and not o.attisdropped and o.attgenerated = '';
	execute format('insert into cardkeep.%1$I (%2$s) overriding system value
		select %2$s from cardkeep_kept.%1$I on conflict do nothing', p_table, v_columns);
end
$$;
comment on function cardkeep_legacy.take_up_table is 'Puts kept rows into their table again. Locks nothing but them.';

create function cardkeep_legacy.take_up() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table name;
begin
	-- What others refer to first, then history: the rows that it tells of find it there.
	for v_table in
		select c.relname from pg_class c
		where c.relnamespace = 'cardkeep_kept'::regnamespace and c.relkind = 'r'
			and to_regclass(format('cardkeep.%I', c.relname)) is not null
		order by c.relname <> 'users', c.relname not like '%\_versions', c.relname
	loop
		perform cardkeep_legacy.take_up_table(v_table);
		execute format('drop table cardkeep_kept.%I', v_table);
	end loop;
	drop schema cardkeep_kept;
	raise notice 'upgrade: took up what was kept when it was reverted';
end
$$;
comment on function cardkeep_legacy.take_up is 'Puts everything that was kept into Cardkeep''s tables again. Locks nothing but its rows.';

create function cardkeep_legacy.catch_up_cards() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.business_cards b
	where not exists (select from cardkeep_legacy.carried_cards c where c.id = b.id)
		and not exists (select from cardkeep.unreturned_rows u
			where u.kind = 'business_cards' and u.entity_id = b.id);
	update cardkeep.business_cards b
	set name = c.name, template_type = c.template_type, fields_config = c.fields_config,
		design_config = c.design_config, is_public = c.is_public
	from cardkeep_legacy.carried_cards c
	where c.id = b.id
		and not exists (select from cardkeep.unreturned_rows u
			where u.kind = 'business_cards' and u.entity_id = b.id)
		and not cardkeep_api.card_same(b, cardkeep_api.change_of(c.name, c.template_type,
			c.fields_config, c.design_config, c.is_public));
	perform cardkeep_legacy.catch_up_slug(c)
	from cardkeep_legacy.carried_cards c
	join cardkeep.business_cards b on b.id = c.id and b.slug is distinct from c.slug
	order by c.created_at, c.id;
end
$$;
comment on function cardkeep_legacy.catch_up_cards is 'Carries over what old programs did to cards between a revert and this upgrade, as direct SQL. The caller keeps others from writing cards.';

create function cardkeep_legacy.catch_up_slug(c cardkeep_legacy.carried_cards) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_slug text;
begin
	if cardkeep_legacy.is_slug(c.slug) then
		update cardkeep.business_cards b set slug = c.slug
		where b.id = c.id and not exists (select from cardkeep.retired_slugs r where r.slug = c.slug)
			and not exists (select from cardkeep.business_cards o where o.slug = c.slug);
		if found then
			return;
		end if;
	end if;
	select b.slug into v_slug from cardkeep.business_cards b where b.id = c.id;
	perform cardkeep_legacy.list_change('business_cards', c.id, 'slug', c.was -> 'slug',
		to_jsonb(v_slug), cardkeep_legacy.slug_fault(c.slug));
end
$$;
comment on function cardkeep_legacy.catch_up_slug is 'Gives a card the slug that an old program gave it; one that it cannot have is listed, and it keeps its own. The caller keeps others from writing cards.';

create function cardkeep_legacy.catch_up_profiles() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_legacy.update_profile(n.kind, n.user_id, n.version, p.fields)
	from cardkeep_legacy.carried_profiles p
	join cardkeep_api.profiles n on n.kind = p.kind and n.user_id = p.user_id and n.fields <> p.fields
	where p.rank = 1 and not exists (select from cardkeep.unreturned_rows u
		where u.kind = p.kind and u.entity_id = p.user_id);
end
$$;
comment on function cardkeep_legacy.catch_up_profiles is 'Carries over what old programs did to profiles between a revert and this upgrade, as direct SQL. Waits for each profile''s row.';

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('legacy_restore');
end
$change$;

do $change$
begin
if exists (select from cardkeep_console.changes c where c.name = 'upgrade') then
return;
end if;
execute $sql$
-- Deploy cardkeep:upgrade to pg
--
-- Upgrades a database from before Cardkeep in place: its tables are put aside, their rows carried
-- over, views put under their names. All of it is one transaction, so a failure leaves everything as
-- it was. Where there are no such tables nothing happens; calling upgrade() again does nothing, and
-- it may be called whenever such tables have come (a dump was loaded, say).
--
-- The order matters: first the locks, by which the old programs wait instead of failing; a statement
-- that waited looks its table up again by name and finds the view.


set local role cardkeep_owner;

create function cardkeep_legacy.check_shape(p_kind text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('public.%I', p_kind);
	v_missing text;
begin
	select string_agg(n, ', ') into v_missing
	from unnest(case p_kind when 'business_cards' then array['id', 'user_id', 'name', 'slug']
		else array['user_id'] end) n
	where cardkeep_legacy.column_type(v_table, n) is null;
	if v_missing is not null then
		raise exception 'public.% is no table that Cardkeep can upgrade: it has no %', p_kind, v_missing
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Give the table another name, or the columns it lacks, and try again.';
	end if;
	perform from pg_class c where c.oid = v_table and (c.relkind <> 'r'
		or exists (select from pg_inherits i where v_table in (i.inhrelid, i.inhparent)));
	if found then
		raise exception 'public.% is partitioned, inherited, inherited from or foreign: Cardkeep upgrades plain tables', p_kind
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Copy its rows into a plain table of this name, and try again.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_shape is 'Refuses a table that cannot be upgraded, before anything is done to it. Locks nothing.';

create function cardkeep_legacy.tables_before() returns setof text
language sql stable
begin atomic
	select k.kind from unnest(array['business_cards', 'personal_info', 'professional_info'])
		with ordinality k (kind, place)
	join pg_catalog.pg_class c on c.relname = k.kind and c.relkind in ('r', 'p', 'f')
	join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
	order by k.place;
end;
comment on function cardkeep_legacy.tables_before is 'The tables that wait to be upgraded. Locks nothing.';

create function cardkeep_legacy.part_from_sequences(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_column text;
	v_sequence text;
begin
	-- What is the table's own would go with it, out of its owner's hands and from under its name; the
	-- view's default and the programs go on asking it. That of an identity column nobody asks.
	for v_column, v_sequence in
		select a.attname, d.objid::regclass from pg_depend d
		join pg_class s on s.oid = d.objid and s.relkind = 'S'
		join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
		where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'
			and d.refobjid = format('public.%I', p_kind)::regclass
	loop
		execute format('alter sequence %s owned by none', v_sequence);
		update cardkeep.upgraded_tables u
		set sequences = u.sequences || jsonb_build_object(v_sequence, v_column) where u.kind = p_kind;
	end loop;
end
$$;
comment on function cardkeep_legacy.part_from_sequences is 'Leaves the sequences of a table''s serial columns where and whose they are. Locks them until the transaction ends.';

create function cardkeep_legacy.index_old_rows(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_key name := case p_kind when 'business_cards' then 'id' else 'user_id' end;
	v_is_uuid boolean := cardkeep_legacy.column_type(v_table, v_key) = 'uuid'::regtype;
begin
	-- Columns that Cardkeep does not have are looked up there row by row.
	perform from pg_index i join pg_attribute a on a.attrelid = v_table and a.attname = v_key
	where i.indrelid = v_table and i.indkey[0] = a.attnum and i.indpred is null and v_is_uuid;
	if not found then
		execute format('create index %I on %s ((%s))', 'old_rows_of_' || p_kind, v_table,
			format(case when v_is_uuid then '%I' else 'cardkeep_legacy.uuid_of(%I::text)' end, v_key));
	end if;
end
$$;
comment on function cardkeep_legacy.index_old_rows is 'An index by which the old row of one of Cardkeep''s is found, unless the table put aside has one. Locks the table until the transaction ends.';

create function cardkeep_legacy.put_aside(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('public.%I', p_kind);
begin
	insert into cardkeep.upgraded_tables (kind, owner, is_guarded, is_forced, triggers)
	select p_kind, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity,
		(select coalesce(jsonb_object_agg(t.tgname, t.tgenabled), '{}') from pg_trigger t
		where t.tgrelid = c.oid and not t.tgisinternal)
	from pg_class c where c.oid = v_table;
	execute format('alter table %s disable trigger user, no force row level security', v_table);
	perform cardkeep_legacy.part_from_sequences(p_kind);
	execute format('alter table %s set schema cardkeep_legacy', v_table);
	execute format('alter table %s owner to cardkeep_owner', v_table);
	perform cardkeep_legacy.index_old_rows(p_kind);
	if p_kind = 'business_cards' then
		perform cardkeep_legacy.tell_cards_apart(v_table);
	end if;
	perform cardkeep_legacy.note_ids(p_kind);
	perform cardkeep_legacy.define_old(p_kind);
end
$$;
comment on function cardkeep_legacy.put_aside is 'Moves a table out of the way, as it is, with its triggers and row level security at rest. The caller has locked it.';

create function cardkeep_legacy.tell_cards_apart(p_table regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_type regtype := cardkeep_legacy.column_type(p_table, 'id');
	v_place tid;
	v_was jsonb;
	v_id uuid;
begin
	for v_place, v_was in execute format(
		'select o.ctid, to_jsonb(o) from (select t.*, t.ctid, row_number() over
			(partition by t.id order by t.ctid) as nth from %s t) o where o.id is null or o.nth > 1', p_table)
	loop
		v_id := gen_random_uuid();
		execute format('update %s set id = $1::text::%s where ctid = $2', p_table, v_type)
		using v_id, v_place;
		perform cardkeep_legacy.list_change('business_cards', v_id, 'id', v_was -> 'id', to_jsonb(v_id),
			case when v_was ->> 'id' is null then 'missing' else 'duplicate' end);
	end loop;
end
$$;
comment on function cardkeep_legacy.tell_cards_apart is 'Gives rows without an id, or with one that another row has too, an id of their own, and lists them. Locks those rows.';

create function cardkeep_legacy.put_back(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	t cardkeep.upgraded_tables;
	v_trigger record;
	v_sequence record;
begin
	delete from cardkeep.upgraded_tables u where u.kind = p_kind returning u.* into t;
	execute format('drop index if exists cardkeep_legacy.%I', 'old_rows_of_' || p_kind);
	for v_trigger in select key as name, value as state from jsonb_each_text(t.triggers)
	loop
		execute format('alter table %s %s trigger %I', v_table, case v_trigger.state when 'O' then 'enable'
			when 'A' then 'enable always' when 'R' then 'enable replica' else 'disable' end, v_trigger.name);
	end loop;
	if t.is_forced then
		execute format('alter table %s force row level security', v_table);
	end if;
	-- An owner must be allowed to make tables where his table is.
	execute format('grant usage, create on schema cardkeep_legacy to %I', t.owner);
	execute format('alter table %s owner to %I', v_table, t.owner);
	execute format('alter table %s set schema public', v_table);
	execute format('revoke usage, create on schema cardkeep_legacy from %I', t.owner);
	for v_sequence in select key as name, value as of from jsonb_each_text(t.sequences)
		where to_regclass(key) is not null
	loop
		execute format('alter sequence %s owned by %s.%I', v_sequence.name, v_table, v_sequence.of);
	end loop;
	perform cardkeep_legacy.define_old(p_kind);
end
$$;
comment on function cardkeep_legacy.put_back is 'Moves a table to where it was, its triggers, its sequences, its owner and its row level security as they were. Locks it until the transaction ends.';

create function cardkeep_legacy.tell_of_users() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_count bigint := (select count(*) from cardkeep.waiting_users);
begin
	if v_count > 0 then
		raise notice 'upgrade: % users have rows and no account: see cardkeep.waiting_users, and "cardkeep user adopt"',
			v_count;
	end if;
end
$$;
comment on function cardkeep_legacy.tell_of_users is 'Says how many users wait to be adopted. Locks nothing.';

create function cardkeep_legacy.carry_all(p_kinds text[], p_again boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	perform cardkeep_legacy.carry_users();
	if p_again then
		if 'business_cards' = any (p_kinds) then
			lock table cardkeep.business_cards in share row exclusive mode;
			perform cardkeep_legacy.catch_up_cards();
		end if;
		perform cardkeep_legacy.catch_up_profiles();
		delete from cardkeep.unreturned_rows;
	end if;
	foreach v_kind in array p_kinds
	loop
		if v_kind = 'business_cards' then
			perform cardkeep_legacy.carry_cards();
		else
			perform cardkeep_legacy.carry_profiles(v_kind);
		end if;
	end loop;
	perform cardkeep_legacy.list_profile_changes();
end
$$;
comment on function cardkeep_legacy.carry_all is 'Carries the rows of the tables put aside over; again: after a revert, whose kept rows are there already. Waits until nobody writes cards and keeps them from it until the transaction ends.';

create function cardkeep_legacy.open_views(p_kinds text[], p_owners_views text[], p_gates jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
	v_guarded text[] := array(select u.kind from cardkeep.upgraded_tables u
		where u.kind = any (p_kinds) and u.is_guarded order by u.kind);
	v_gate record;
begin
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.open_view(v_kind);
	end loop;
	-- What reads with its owner's rights reads the inner views, while they have the names.
	perform cardkeep_legacy.turn(p_owners_views, 'upgrade');
	foreach v_kind in array v_guarded
	loop
		perform cardkeep_legacy.open_outer(v_kind);
	end loop;
	foreach v_kind in array v_guarded
	loop
		for v_gate in select g.key as name, g.value as body from jsonb_each_text(p_gates -> v_kind) g
		loop
			perform cardkeep_legacy.make_gate(v_kind, v_gate.name, v_gate.body);
		end loop;
		perform cardkeep_legacy.shut_gates(v_kind);
	end loop;
end
$$;
comment on function cardkeep_legacy.open_views is 'Puts the views in the old tables'' places, those of guarded ones behind their gates, and turns the views that read them with their owners'' rights. Locks nothing but views.';

create function cardkeep_legacy.turn_away(p_kinds text[], p_turned text[], p_owners_views text[],
	p_gates jsonb, p_again boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.put_aside(v_kind);
	end loop;
	-- First what may fail, then what takes long.
	perform cardkeep_legacy.open_views(p_kinds, p_owners_views, p_gates);
	perform cardkeep_legacy.turn(p_turned, 'upgrade');
	perform cardkeep_legacy.turn_function(f.function, f.goes_to)
	from unnest(p_kinds) k, cardkeep_legacy.functions_of(k) f;
	perform cardkeep_legacy.carry_all(p_kinds, p_again);
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.turn_row_references(v_kind, 'cardkeep_legacy', 'cardkeep');
		perform cardkeep_legacy.keep_people(v_kind);
	end loop;
end
$$;
comment on function cardkeep_legacy.turn_away is 'Puts the old tables aside, the views in their places, and turns to them all that others made for the tables; carries the rows over. Waits as carry_all, and for the tables that refer to the old ones.';

-- Old programs take the tables in whatever order they like. So nothing is waited for that one of them may hold
-- while it waits for what is held here: where a lock is not had soon, all are given up. Nobody looks for a deadlock
-- as soon as that. The next try goes by what this one has shown of their order: what was not had goes before the
-- first of those that its holders waited for, or, where they wait for none and are only slow, before all. The first
-- order is that of most, from the outside in. Where two programs go opposite ways no order suits both, and one of
-- them must be met at rest; so when it is tried again is left to chance: programs that were held up together go on
-- together, and would be met in the same step again and again.

create function cardkeep_legacy.place_before(p_relation regclass, p_held regclass[]) returns integer
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select coalesce(min(array_position(p_held, w.relation::regclass)),
		case when count(h.pid) > 0 then 1 else cardinality(p_held) + 1 end)
	from pg_catalog.pg_locks h
	left join pg_catalog.pg_locks w on w.pid = h.pid and w.database = h.database and not w.granted
	where h.relation = p_relation and h.granted and h.pid <> pg_backend_pid()
		and h.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database());
end;
comment on function cardkeep_legacy.place_before is 'Where among the relations that are held one has to be taken that was not had in time: before the first that its holders wait for; before all, where they are only slow; after all, where nobody has it any more. Locks nothing.';

create function cardkeep_legacy.lock_one(p_relation regclass, p_mode text, p_wait interval) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_owner name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = p_relation and c.relkind = 'v');
begin
	perform set_config('lock_timeout', greatest(ceil(extract(epoch from p_wait) * 1000), 1)::text, true);
	if v_owner is null then
		execute format('lock table %s in %s mode', p_relation, p_mode);
	else
		-- LOCK would wait for what the view reads while it holds the view. This changes nothing.
		execute format('alter view %s owner to %I', p_relation, v_owner);
	end if;
end
$$;
comment on function cardkeep_legacy.lock_one is 'Locks a table, or a view (access exclusive) without what it reads, until the transaction ends. Raises 55P03 where it has waited so long, which stays the limit of later ones.';

create function cardkeep_legacy.lock_together(p_relations regclass[], p_drops boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_limit text := current_setting('lock_timeout');
	v_until timestamptz := clock_timestamp() + case v_limit when '0' then interval '1 d' else v_limit::interval end;
	v_soon interval := current_setting('deadlock_timeout')::interval / 2;
	v_order regclass[] := '{}';
	v_held regclass[];
	v_before integer;
	v_begun timestamptz;
	v_relation regclass;
	v_mode text;
	v_must boolean;
begin
	loop
		begin
			v_begun := null;
			v_held := '{}';
			for v_relation, v_mode, v_must in
				select l.* from (select r.r, 'access exclusive', true from unnest(p_relations) r
					union all select b.*, false from cardkeep_legacy.relations_beside(p_relations, p_drops) b)
					l (relation, mode, must)
				join pg_class c on c.oid = l.relation
				order by array_position(v_order, l.relation), c.relkind <> 'v', l.must, l.relation, l.mode
			loop
				begin
					perform cardkeep_legacy.lock_one(v_relation, v_mode,
						coalesce(v_begun + v_soon, v_until) - clock_timestamp());
					v_begun := coalesce(v_begun, clock_timestamp());
					v_held := v_held || v_relation;
				exception
					when insufficient_privilege or wrong_object_type then
						if v_must then
							raise;
						end if;
					when lock_not_available then
						-- While the others are held still, for whom they wait shows.
						v_before := cardkeep_legacy.place_before(v_relation, v_held);
						raise;
				end;
			end loop;
			perform set_config('lock_timeout', v_limit, true);
			return;
		exception when lock_not_available then
			if clock_timestamp() >= v_until then
				raise;
			end if;
			v_order := array(select o.relation from unnest(v_held[:v_before - 1] || v_relation
				|| v_held[v_before:] || v_order) with ordinality o (relation, place)
				group by o.relation order by min(o.place));
			perform pg_sleep(0.3 * random());
		end;
	end loop;
end
$$;
comment on function cardkeep_legacy.lock_together is 'Locks these relations (access exclusive), and those of others that are changed with them as far as the caller may, until the transaction ends. Who waits for one of them meanwhile ends in no deadlock: waits for one with nothing of it held, and gives up what it has where another is not had soon. Raises 55P03 after lock_timeout in all.';

create function cardkeep_legacy.upgrade() returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp set row_security = off
set jit = off
as $$
declare
	v_kinds text[] := array(select cardkeep_legacy.tables_before());
	v_again boolean := to_regnamespace('cardkeep_kept') is not null;
	v_kind text;
	v_table regclass;
	v_turned text[] := '{}';
	v_owners_views text[] := '{}';
	v_gates jsonb := '{}';
	v_locked timestamptz;
begin
	-- What is owed to a deferred key keeps its table from being altered.
	set constraints all immediate;
	if v_again then
		perform cardkeep_legacy.take_up();
	end if;
	if v_kinds = '{}' then
		return v_again;
	end if;
	perform cardkeep_legacy.lock_together(array(select format('public.%I', k)::regclass from unnest(v_kinds) k),
		false);
	v_locked := clock_timestamp();
	perform cardkeep_legacy.check_shape(k) from unnest(v_kinds) k;
	perform cardkeep_legacy.check_the_way(v_kinds);
	-- All is read while the tables have their names, for by these it is bound again.
	foreach v_kind in array v_kinds
	loop
		v_table := format('public.%I', v_kind);
		v_owners_views := v_owners_views || cardkeep_legacy.dependent_views(v_table, false);
		v_turned := v_turned || cardkeep_legacy.dependent_views(v_table, true)
			|| cardkeep_legacy.dependent_policies(v_table) || cardkeep_legacy.dependent_functions(v_table);
		v_gates := v_gates || jsonb_build_object(v_kind, (select jsonb_object_agg(g.name, g.body)
			from cardkeep_legacy.gates_of(v_kind, v_table) g));
	end loop;
	perform cardkeep_legacy.turn_away(v_kinds, v_turned, v_owners_views, v_gates, v_again);
	perform cardkeep_legacy.tell_of_users();
	raise notice 'upgrade: old programs had to wait for % s',
		round(extract(epoch from clock_timestamp() - v_locked)::numeric, 1);
	return true;
end
$$;
comment on function cardkeep_legacy.upgrade is 'Upgrades the tables from before Cardkeep that are in schema public, all or nothing; false where there are none. Waits for the tables and what is changed with them (lock_together), then until nobody writes cards; keeps them until the transaction ends, in which no constraint is deferred any more.';

create function cardkeep_legacy.turn_row_references(p_kind text, p_from text, p_to text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_legacy.turn_references(format('%I.%I', p_from, p_kind)::regclass,
		format('%I.%I', p_to, p_kind)::regclass);
end
$$;
comment on function cardkeep_legacy.turn_row_references is 'Makes other tables'' foreign keys to cards, or to profiles, refer to the other table of them. Locks those tables until the transaction ends.';

create function cardkeep_legacy.uncover(p_kinds text[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.define_outer(v_kind, 'true');
		execute format('alter view public.%I rename to %I', v_kind, v_kind || '_of_cardkeep');
	end loop;
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.open_gates(v_kind);
		execute format('alter view cardkeep_doors.%I set schema public', v_kind);
	end loop;
end
$$;
comment on function cardkeep_legacy.uncover is 'Takes the outer views of guarded tables, and their gates, away from the inner ones, which have the names then. Locks these views.';

create function cardkeep_legacy.take_names_back(p_kinds text[]) returns text[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
	v_view regclass;
	v_guarded text[] := array(select u.kind from cardkeep.upgraded_tables u
		where u.kind = any (p_kinds) and u.is_guarded order by u.kind);
	v_turned text[] := '{}';
begin
	foreach v_kind in array p_kinds
	loop
		v_view := format('public.%I', v_kind);
		v_turned := v_turned || cardkeep_legacy.dependent_views(v_view, false)
			|| cardkeep_legacy.dependent_views(v_view, true) || cardkeep_legacy.dependent_policies(v_view)
			|| cardkeep_legacy.dependent_functions(v_view);
	end loop;
	perform cardkeep_legacy.uncover(v_guarded);
	foreach v_kind in array p_kinds
	loop
		v_turned := v_turned || cardkeep_legacy.dependent_views(format('public.%I', v_kind), false);
	end loop;
	foreach v_kind in array p_kinds
	loop
		execute format(case when v_kind = any (v_guarded) then 'alter view public.%I set schema cardkeep_doors'
			else 'alter view public.%I rename to %1$s_of_cardkeep' end, v_kind);
	end loop;
	return v_turned;
end
$$;
comment on function cardkeep_legacy.take_names_back is 'Frees the names of the old tables, whose views are called ..._of_cardkeep then, and says what is to be bound to the tables again: what reads the views, and by its owner''s rights the inner ones, which have the names while they are asked. The caller has locked the views.';

create function cardkeep_legacy.restore() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set row_security = off
set jit = off
as $$
declare
	v_kinds text[] := array(select u.kind from cardkeep.upgraded_tables u order by u.kind);
	v_kind text;
	v_turned text[];
begin
	if v_kinds = '{}' then
		return;
	end if;
	-- As in upgrade(); and a row that a deferred key refuses is refused while it can be listed.
	set constraints all immediate;
	-- What reads with its owner's rights reads the inner views, where there are such.
	perform cardkeep_legacy.lock_together(array(select r from unnest(v_kinds) k,
		unnest(array['cardkeep_doors', 'public', 'cardkeep', 'cardkeep_legacy']) n,
		to_regclass(format('%I.%I', n, k)) r where r is not null), true);
	perform cardkeep_legacy.check_the_way_back(v_kinds);
	v_turned := cardkeep_legacy.take_names_back(v_kinds);
	foreach v_kind in array v_kinds
	loop
		execute format('drop table if exists cardkeep_legacy.people_of_%s', v_kind);
		perform cardkeep_legacy.give_rows_back(v_kind);
		perform cardkeep_legacy.turn_row_references(v_kind, 'cardkeep', 'cardkeep_legacy');
	end loop;
	foreach v_kind in array v_kinds
	loop
		perform cardkeep_legacy.put_back(v_kind);
	end loop;
	perform cardkeep_legacy.turn(v_turned, 'rollback');
	perform cardkeep_legacy.turn_functions_back();
	foreach v_kind in array v_kinds
	loop
		execute format('drop view public.%I', v_kind || '_of_cardkeep');
		execute format('drop view if exists cardkeep_doors.%I', v_kind);
	end loop;
	perform cardkeep_legacy.keep();
end
$$;
comment on function cardkeep_legacy.restore is 'Takes the upgrade back: the old tables are where and as they were, with what was written since, and what Cardkeep had is kept for the next upgrade. Waits for the views in public, the tables of both and what is changed with them (lock_together), and keeps them until the transaction ends, in which no constraint is deferred any more.';

reset role;
set local lock_timeout = '30s';
do $$
begin
	perform cardkeep_legacy.upgrade();
end
$$;

reset role;
$sql$;
insert into cardkeep_console.changes (name) values ('upgrade');
end
$change$;

-- Tables that came after the changes were applied; nothing where there are none.
do $$
begin
	perform cardkeep_legacy.close_schema('cardkeep_console');
	perform cardkeep_legacy.close_to_others('cardkeep_console.changes'::regclass);
	perform cardkeep_legacy.upgrade();
end
$$;

commit;

select 'cards' as what, count(*) as how_many from cardkeep.business_cards
union all
select 'slugs that had to change: cardkeep.upgrade_changes', count(*) from cardkeep.upgrade_changes
where kind = 'business_cards' and field = 'slug'
union all
select 'other values that had to change: cardkeep.upgrade_changes', count(*)
from cardkeep.upgrade_changes where kind <> 'business_cards' or field <> 'slug'
union all
select 'users without an account: cardkeep.waiting_users', count(*) from cardkeep.waiting_users;
