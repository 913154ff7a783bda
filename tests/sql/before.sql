-- What upgrades a database from before Cardkeep is there, for administrators, and at rest.
\ir lib/people.psql
begin;
select * from no_plan();

create temporary view ours as
	select p.*, 'cardkeep_before.' || p.proname as name from pg_proc p
	where p.pronamespace = 'cardkeep_before'::regnamespace;

select is_empty($$select o.name from ours o where o.proowner <> 'cardkeep_owner'::regrole$$,
	'every function is the owner''s');
select is_empty($$select o.name from ours o where o.prosqlbody is null
	and 'search_path=pg_catalog, pg_temp' <> all (coalesce(o.proconfig, '{""}'))$$,
	'has its search path pinned, or its names bound when it was made');
select is_empty($$select o.name from ours o
	where coalesce(obj_description(o.oid, 'pg_proc'), '') !~* 'lock|wait|keeps others'$$,
	'and says what it locks');
select set_eq($$select o.name from ours o where has_function_privilege('public', o.oid, 'execute')$$,
	array['cardkeep_before.uuid_of'], 'none is everybody''s but the one that views call');
select set_eq($$select o.name from ours o where o.prosecdef and o.prorettype <> 'trigger'::regtype$$,
	array[]::text[], 'none acts as the owner, but for triggers');
select ok(not has_schema_privilege('cardkeep_runtime', 'cardkeep_before', 'usage'),
	'the service has no business there');
select is_empty($$select c.relname from pg_class c where c.relkind in ('r', 'v')
	and c.relnamespace = 'cardkeep_before'::regnamespace
	and obj_description(c.oid, 'pg_class') is null$$, 'every view says what it shows');
select is_empty('select from cardkeep_before.carried_cards', 'without old tables nothing is carried');
select is_empty('select from cardkeep_before.carried_profiles', 'no profile either');
set local role cardkeep_admin;
select is(cardkeep_before.upgrade(), false, 'and an upgrade has nothing to do');
reset role;

-- An account that goes takes what was put aside with it
create table public.business_cards (id uuid primary key, user_id uuid, name text, slug text);
create table public.personal_info (user_id uuid, full_name text);
insert into public.business_cards values (pg_temp.id('c'), pg_temp.id('old'), 'C', 'C!'),
	(pg_temp.id('d'), pg_temp.id('other'), 'D', 'd');
insert into public.personal_info values (pg_temp.id('old'), 'Old'), (pg_temp.id('other'), 'Other');
select ok(cardkeep_before.upgrade(), 'tables that come later are upgraded when it is called');
select pg_temp.sign_up('ann') \g /dev/null
select is((cardkeep_api.adopt_user(pg_temp.id('old'), 'ann@example.org')).status, 200,
	'an adopted user''s rows');
select is((select count(*) from cardkeep_before.business_cards), 2::bigint, 'stay where they were');
delete from cardkeep.users where id = pg_temp.id('ann');
select results_eq('select name from cardkeep_before.business_cards', array['D'],
	'until the account goes: then its old cards do');
select results_eq('select full_name from cardkeep_before.personal_info', array['Other'],
	'and its old profiles');
select is_empty($$select from cardkeep.upgrade_changes where entity_id = pg_temp.id('c')$$,
	'and what was listed about them');

select * from finish();
rollback;
