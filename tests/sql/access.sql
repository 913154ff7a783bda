-- Who may do what, read from the catalogue: the runtime role executes the listed functions, and
-- that is all.
\ir lib/people.psql
begin;
select * from no_plan();

create temporary view ours as
	select p.*, p.pronamespace::regnamespace || '.' || p.proname as name
	from pg_proc p where p.pronamespace in ('cardkeep'::regnamespace, 'cardkeep_api'::regnamespace);
create temporary table granted as
	select f as name from unnest(array['cardkeep.create_business_card_atomic',
		'cardkeep.generate_unique_slug', 'cardkeep.update_business_card_optimistic',
		'cardkeep.upsert_personal_info_optimistic', 'cardkeep.upsert_professional_info_optimistic',
		'cardkeep_api.change_password', 'cardkeep_api.delete_account', 'cardkeep_api.end_sessions',
		'cardkeep_api.read_password', 'cardkeep_api.touch_sessions',
		'cardkeep_api.check_card', 'cardkeep_api.check_session', 'cardkeep_api.create_card',
		'cardkeep_api.delete_card', 'cardkeep_api.end_session', 'cardkeep_api.find_account',
		'cardkeep_api.list_cards', 'cardkeep_api.list_sessions', 'cardkeep_api.open_session',
		'cardkeep_api.read_card', 'cardkeep_api.read_own_profile', 'cardkeep_api.read_user',
		'cardkeep_api.register', 'cardkeep_api.save_own_profile',
		'cardkeep_api.update_card', 'cardkeep_api.read_cards', 'cardkeep_api.create_cards',
		'cardkeep_api.update_cards', 'cardkeep_api.read_card_history', 'cardkeep_api.revert_card',
		'cardkeep_api.read_own_history', 'cardkeep_api.revert_own_profile',
		'cardkeep_api.sweep_writes', 'cardkeep_api.erase_step',
		'cardkeep_api.merge_card', 'cardkeep_api.merge_own_profile', 'cardkeep_api.patch_card',
		'cardkeep_api.rest_run']) f;

select set_eq($$select o.name from ours o
	where has_function_privilege('cardkeep_runtime', o.oid, 'execute')$$, 'select name from granted',
	'the runtime role executes exactly the listed functions');
select is_empty($$select c.oid::regclass from pg_class c
	where c.relnamespace in ('cardkeep'::regnamespace, 'cardkeep_api'::regnamespace)
	and c.relkind in ('r', 'v', 'm', 'p', 'f') and (has_any_column_privilege('cardkeep_runtime',
	c.oid, 'select, insert, update, references') or has_table_privilege('cardkeep_runtime', c.oid,
	'delete, truncate, trigger'))$$, 'it has no right on any table or view');
select is_empty($$select c.oid::regclass from pg_class c
	where c.relnamespace in ('cardkeep'::regnamespace, 'cardkeep_api'::regnamespace)
	and case when c.relkind = 'S' then has_sequence_privilege('cardkeep_runtime', c.oid,
	'usage, select, update') end$$, 'nor on any sequence');
select ok(not has_schema_privilege('cardkeep_runtime', s, 'create'), 'it creates nothing in ' || s)
from unnest('{cardkeep,cardkeep_api,public}'::text[]) s;
select is((select (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication
	or r.rolbypassrls) from pg_roles r where r.rolname = 'cardkeep_runtime'), false,
	'it has no attribute that lets it do more');
select is_empty($$select m.roleid::regrole from pg_auth_members m
	where m.member = 'cardkeep_runtime'::regrole$$, 'and is a member of no role');
select is_empty($$select o.name from ours o, aclexplode(o.proacl) a where a.grantee = 0$$,
	'no function is everybody''s');
select is_empty($$select o.name from ours o where o.proacl is null$$,
	'nor left to the default, which would be everybody');

select is_empty($$select o.name from ours o where o.proowner <> 'cardkeep_owner'::regrole$$,
	'every function is the owner''s');
select is_empty($$select c.oid::regclass from pg_class c
	where c.relnamespace in ('cardkeep'::regnamespace, 'cardkeep_api'::regnamespace)
	and c.relowner <> 'cardkeep_owner'::regrole$$, 'and every table');
select is((select (r.rolsuper or r.rolcanlogin) from pg_roles r
	where r.rolname = 'cardkeep_owner'), false, 'who is no superuser and cannot sign in');
select is_empty($$select o.name from ours o where o.prosqlbody is null
	and (o.prosecdef or o.prorettype = 'trigger'::regtype
		or o.pronamespace = 'cardkeep'::regnamespace or o.name = 'cardkeep_api.adopt_user')
	and 'search_path=pg_catalog, pg_temp' <> all (coalesce(o.proconfig, '{""}'))$$,
	'every function that is called from outside has its search path pinned (decision 0013)');
select set_eq($$select o.name from ours o where o.prosecdef
	and o.prorettype <> 'trigger'::regtype$$, 'select name from granted',
	'those that act as the owner are the listed ones, and triggers');
select is_empty($$select o.name from ours o where obj_description(o.oid, 'pg_proc') is null$$,
	'every function says what it guarantees');
select is_empty($$select o.name from ours o
	where obj_description(o.oid, 'pg_proc') !~* 'lock|wait|holds|reads'$$, 'and what it locks');
select is_empty($$select c.oid::regclass from pg_class c
	where c.relnamespace in ('cardkeep'::regnamespace, 'cardkeep_api'::regnamespace)
	and c.relkind in ('r', 'v') and obj_description(c.oid, 'pg_class') is null$$,
	'every table says what it is for');
select is_empty($$select o.name from ours o
	where o.prosrc ~* '\m(now\(|set_config|execute|exception when|temp table|current_timestamp)'
	-- await_slug: how many locks direct SQL took in this transaction, for it alone.
	and o.name <> all ('{cardkeep_api.rest_page,cardkeep_api.rest_run,cardkeep_api.await_slug}')$$,
	'no function uses the transaction''s time, settings, dynamic SQL or exception blocks');
select set_eq($$select o.name from ours o where o.prosrc ~* '\m(execute|exception when)'$$,
	'{cardkeep_api.rest_page,cardkeep_api.rest_run}'::text[],
	'but for the two that REST clients need (decision 0012)');
select is_empty($$select i.indexrelid::regclass from pg_index i join pg_attribute a
	on a.attrelid = i.indrelid and a.attnum = any (i.indkey) and a.attname = 'version'
	join pg_class c on c.oid = i.indrelid where c.relnamespace = 'cardkeep'::regnamespace
	and c.relname in ('business_cards', 'personal_info', 'professional_info')$$,
	'no index on version ends HOT updates');

select set_eq($$select unnest(s.setconfig) from pg_db_role_setting s join pg_database d
	on d.oid = s.setdatabase where d.datname = current_database()
	and s.setrole = 'cardkeep_runtime'::regrole$$, array['statement_timeout=5s',
	'lock_timeout=250ms', 'idle_in_transaction_session_timeout=10s',
	'client_connection_check_interval=2s', 'synchronous_commit=on',
	'default_transaction_isolation=read committed', 'jit=off', 'enable_seqscan=off'],
	'the runtime role''s settings stand on the role, in this database');
select set_eq($$select m.roleid::regrole::text from pg_auth_members m
	where m.member = 'cardkeep_admin'::regrole$$,
	array['cardkeep_owner', 'pg_monitor', 'pg_signal_backend'],
	'administrators are members of the owner, see statistics and end backends');

-- In deed
select pg_temp.sign_up('ann'), pg_temp.create_card('ann', 'c', 'Card') \g /dev/null
set local role cardkeep_runtime;
select throws_ok('select * from cardkeep.' || t, '42501', null, 'the runtime role cannot read ' || t)
from unnest('{users,sessions,closed_accounts,business_cards,retired_slugs,
	personal_info,professional_info,business_card_versions,personal_info_versions,
	professional_info_versions,writes}'::text[]) t;
select throws_ok(format($$select cardkeep_api.update_card_core(%L, null, %L, %L, '{1}',
	row('X', null, null, null, null::boolean))$$, pg_temp.id('ann'), pg_temp.id('w'), pg_temp.id('c')), '42501', null,
	'it cannot go round the session');
select throws_ok($$update cardkeep.business_cards set name = 'X'$$, '42501', null,
	'nor write a table');
select is((cardkeep_api.read_card(sha256('ann'), md5('c')::uuid)).status, 200,
	'but its calls work');
reset role;

-- What a caller puts into its own path is not what the functions find, however deep inside.
create schema trap;
create function trap.sprung(integer, integer) returns boolean language plpgsql as
	'begin raise exception ''a function of the caller was called''; end';
create function trap.sprung(uuid, uuid) returns boolean language plpgsql as
	'begin raise exception ''a function of the caller was called''; end';
create function trap.concat_ws(text, text, text, text, text, text) returns text language plpgsql as
	'begin raise exception ''a function of the caller was called''; end';
create function trap.cardinality(integer[]) returns integer language plpgsql as
	'begin raise exception ''a function of the caller was called''; end';
create function trap.to_jsonb(text) returns jsonb language plpgsql as
	'begin raise exception ''a function of the caller was called''; end';
create operator trap.= (function = trap.sprung, leftarg = integer, rightarg = integer);
create operator trap.= (function = trap.sprung, leftarg = uuid, rightarg = uuid);
create operator trap.> (function = trap.sprung, leftarg = integer, rightarg = integer);
grant usage on schema trap to cardkeep_runtime;
create function pg_temp.springs() returns boolean language plpgsql set search_path = trap, pg_catalog as
	'begin return 1 <> 1 or 1 = 2; exception when raise_exception then return true; end';
select ok(pg_temp.springs(), 'a trap in a caller''s path is met by what names no schema');
set local role cardkeep_runtime;
set local search_path = trap, pg_catalog;
select (cardkeep_api.update_card(pg_catalog.sha256('ann'), pg_catalog.md5('w1')::uuid,
	pg_catalog.md5('c')::uuid, '{1}', row('Two', null, null, null, null))).status as updated \gset
select (cardkeep_api.update_card(pg_catalog.sha256('ann'), pg_catalog.md5('w2')::uuid,
	pg_catalog.md5('c')::uuid, '{1}', row('Three', null, null, null, null))).status as refused \gset
select (cardkeep_api.merge_card(pg_catalog.sha256('ann'), pg_catalog.md5('w3')::uuid,
	pg_catalog.md5('c')::uuid, '{1}', row(null, 'business-standard', null, null, null))).status as merged \gset
select (cardkeep_api.save_own_profile('personal_info', pg_catalog.sha256('ann'), pg_catalog.md5('w4')::uuid, '{0}',
	'{"full_name": "Ann"}')).status as saved \gset
set local search_path = tap;
reset role;
select is(:updated, 200, 'but not by an update');
select is(:refused, 409, 'nor by its refusal');
select is(:merged, 200, 'nor by a merge');
select is(:saved, 201, 'nor by a profile');

set local role cardkeep_admin;
select lives_ok('select * from cardkeep.business_cards', 'an administrator reads the tables');
select lives_ok($$select cardkeep.generate_unique_slug('x')$$, 'and calls the functions');

select * from finish();
rollback;
