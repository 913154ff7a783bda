-- What upgrades a database from before Cardkeep is there, for administrators, and at rest.
\ir lib/people.psql
begin;
select * from no_plan();

create temporary view ours as
	select p.*, 'cardkeep_legacy.' || p.proname as name from pg_proc p
	where p.pronamespace = 'cardkeep_legacy'::regnamespace;

select is_empty($$select o.name from ours o where o.proowner <> 'cardkeep_owner'::regrole$$,
	'every function is the owner''s');
select is_empty($$select o.name from ours o where o.prosqlbody is null
	and 'search_path=pg_catalog, pg_temp' <> all (coalesce(o.proconfig, '{""}'))$$,
	'has its search path pinned, or its names bound when it was made');
select is_empty($$select o.name from ours o
	where coalesce(obj_description(o.oid, 'pg_proc'), '') !~* 'lock|wait|keeps others'$$,
	'and says what it locks');
select set_eq($$select o.name from ours o where has_function_privilege('public', o.oid, 'execute')$$,
	array['cardkeep_legacy.uuid_of'], 'none is everybody''s but the one that views call');
select set_eq($$select o.name from ours o where o.prosecdef and o.prorettype <> 'trigger'::regtype$$,
	array[]::text[], 'none acts as the owner, but for triggers');
select ok(not has_schema_privilege('cardkeep_runtime', 'cardkeep_legacy', 'usage'),
	'the service has no business there');
select is_empty($$select c.relname from pg_class c where c.relkind in ('r', 'v')
	and c.relnamespace = 'cardkeep_legacy'::regnamespace
	and obj_description(c.oid, 'pg_class') is null$$, 'every view says what it shows');
select is_empty('select from cardkeep_legacy.carried_cards', 'without old tables nothing is carried');
select is_empty('select from cardkeep_legacy.carried_profiles', 'no profile either');
set local role cardkeep_admin;
select is(cardkeep_legacy.upgrade(), false, 'and an upgrade has nothing to do');
reset role;

-- An account that goes takes what was put aside with it
create table public.business_cards (id uuid primary key, user_id uuid, name text, slug text);
create table public.personal_info (user_id uuid, full_name text);
create table public.professional_info (user_id uuid, job_title text);
insert into public.business_cards values (pg_temp.id('c'), pg_temp.id('old'), 'C', 'C!'),
	(pg_temp.id('d'), pg_temp.id('other'), 'D', 'd');
insert into public.personal_info values (pg_temp.id('old'), 'Old'), (pg_temp.id('other'), 'Other'),
	(pg_temp.id('half'), 'Half');
insert into public.professional_info values (pg_temp.id('half'), 'Job');
select ok(cardkeep_legacy.upgrade(), 'tables that come later are upgraded when it is called');
select pg_temp.sign_up('ann') \g /dev/null
select is((cardkeep_api.adopt_user(pg_temp.id('old'), 'ann@example.org')).status, 200,
	'an adopted user''s rows');
select is((select count(*) from cardkeep_legacy.business_cards), 2::bigint, 'stay where they were');
delete from cardkeep.users where id = pg_temp.id('ann');
select results_eq('select name from cardkeep_legacy.business_cards', array['D'],
	'until the account goes: then its old cards do');
select results_eq('select full_name from cardkeep_legacy.personal_info order by 1',
	array['Half', 'Other'], 'and its old profiles');
select is_empty($$select from cardkeep.upgrade_changes where entity_id = pg_temp.id('c')$$,
	'and what was listed about them');

-- An account that adopted one of two profiles, since it had the other, has that one alone
select pg_temp.sign_up('bob'), cardkeep_api.save_own_profile('personal_info', pg_temp.token('bob'), pg_temp.id('p'),
	'{0}', '{"full_name": "Bob"}') \g /dev/null
select is((cardkeep_api.adopt_user(pg_temp.id('half'), 'bob@example.org')).body::jsonb -> 'left',
	'["personal_info"]', 'who is adopted by half');
savepoint adopted;
delete from cardkeep.users where id = pg_temp.id('bob');
select results_eq('select full_name from cardkeep_legacy.personal_info order by 1',
	array['Half', 'Other'], 'keeps the row that still waits when the account goes');
select is_empty('select from cardkeep_legacy.professional_info', 'which takes the one that it adopted');
rollback to adopted;
delete from cardkeep.users where id = pg_temp.id('half');
select results_eq('select full_name from cardkeep_legacy.personal_info order by 1', array['Other'],
	'when the one who waits goes, the row that waited does');
select results_eq('select job_title from cardkeep_legacy.professional_info', array['Job'],
	'and the account''s stays');

select * from finish();
rollback;
