-- What a refused write is told: base, mine and theirs, field by field.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann') \g /dev/null

create function pg_temp.fields(a cardkeep_api.answer) returns jsonb language sql
return (a.body::jsonb -> 'conflictingFields');

-- Cards
select pg_temp.create_card('ann', 'c', 'One', '{"a": 1, "b": 2, "c": 3}'),
	pg_temp.refield_card('ann', 'w2', 'c', '{1}', '{"a": 10, "c": 3, "d": 4}'),
	pg_temp.rename_card('ann', 'w3', 'c', '{2}', 'Three') \g /dev/null
select is(pg_temp.keys((pg_temp.rename_card('ann', 'x', 'c', '{1}', 'Mine')).body),
	'currentVersion current conflictingFields', 'a conflict has the three parts of the contract');
select is((pg_temp.rename_card('ann', 'x', 'c', '{1}', 'Mine')).body::jsonb -> 'currentVersion',
	'3', 'the version now');
select is((pg_temp.rename_card('ann', 'x', 'c', '{1}', 'Mine')).body::jsonb -> 'current',
	(cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c'))).body::jsonb,
	'the whole card now');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{1}', 'Mine')),
	'[{"field": "name", "base": "One", "mine": "Mine", "theirs": "Three"}]',
	'a field that others changed has base, mine and theirs');
select is(pg_temp.fields(pg_temp.refield_card('ann', 'x', 'c', '{2}',
	'{"a": 10, "c": 3, "d": 5}')), '[]', 'a field that nobody else changed is not listed');
select is(pg_temp.fields(cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('x'),
	pg_temp.id('c'), '{2}', row(null, 'big', null, null, false))), '[]',
	'nor is what the request leaves out');
select is(pg_temp.fields(pg_temp.refield_card('ann', 'x', 'c', '{1}', '{"a": 5, "b": 2, "c": 9}')),
	'[{"field": "fields_config.a", "base": 1, "mine": 5, "theirs": 10},
	{"field": "fields_config.b", "base": 2, "mine": 2, "theirs": null},
	{"field": "fields_config.d", "base": null, "mine": null, "theirs": 4}]',
	'documents are compared key by key; a key they deleted is null on their side, one they added on mine');
select is(pg_temp.fields(pg_temp.refield_card('ann', 'x', 'c', '{1}', '{"c": 3, "d": 1}')),
	'[{"field": "fields_config.a", "base": 1, "mine": null, "theirs": 10},
	{"field": "fields_config.b", "base": 2, "mine": null, "theirs": null},
	{"field": "fields_config.d", "base": null, "mine": 1, "theirs": 4}]',
	'a key of the base that the request leaves out is deleted by it');
-- The same request without a base: what it repeats of theirs is no conflict, all else is.
select is(pg_temp.fields(pg_temp.refield_card('ann', 'x', 'c', '{}', '{"a": 5, "b": 2, "c": 3}')),
	'[{"field": "fields_config.a", "mine": 5, "theirs": 10},
	{"field": "fields_config.b", "mine": 2, "theirs": null},
	{"field": "fields_config.d", "mine": null, "theirs": 4}]',
	'a key that they added, and one that the request merely repeats, are told with a base or without');
select is((select array_agg(f ->> 'field' order by f ->> 'field')
		from jsonb_array_elements(pg_temp.fields(pg_temp.refield_card('ann', 'x', 'c', '{1}',
			'{"a": 5, "b": 2, "c": 3}'))) f), '{fields_config.a,fields_config.b,fields_config.d}',
	'... and are the same keys');
select is(pg_temp.fields(cardkeep_api.revert_card(pg_temp.token('ann'), pg_temp.id('x'),
	pg_temp.id('c'), '{1}', 1)), '[{"field": "fields_config.a", "base": 1, "mine": 1, "theirs": 10},
	{"field": "fields_config.b", "base": 2, "mine": 2, "theirs": null},
	{"field": "fields_config.d", "base": null, "mine": null, "theirs": 4},
	{"field": "name", "base": "One", "mine": "One", "theirs": "Three"}]',
	'a stale revert is told what it would undo, keys that they added included');
select is((select s.body::jsonb -> 'conflictingFields' -> -1 from cardkeep_api.update_cards(
	array[pg_temp.token('ann')], array[pg_temp.id('x')::text], array[pg_temp.id('c')::text],
	array['{1}'], array[null], array[null], array['{"a": 1, "b": 2, "c": 3}'], array[null],
	array[null]) s), '{"field": "fields_config.d", "base": null, "mine": null, "theirs": 4}',
	'in a set as well');
select is(pg_temp.fields(cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id('x'),
	pg_temp.id('c'), '{1}', row(null, null, '{"a": 5, "b": 2, "c": 3}', null, null))) -> -1,
	'{"field": "fields_config.d", "base": null, "mine": null, "theirs": 4}',
	'and where a merge is refused');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{2,1}', 'Mine')),
	'[{"field": "name", "base": "One", "mine": "Mine", "theirs": "Three"}]',
	'of several expected versions the newest is the base');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{9}', 'Mine')),
	'[{"field": "name", "mine": "Mine", "theirs": "Three"}]',
	'a version that never was has no base');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{0}', 'Mine')),
	'[{"field": "name", "mine": "Mine", "theirs": "Three"}]', 'nor has version 0');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{}', 'Three')), '[]',
	'without a base what is equal is no conflict');
select is(pg_temp.fields(pg_temp.refield_card('ann', 'x', 'c', '{}', '{"a": 10}')),
	'[{"field": "fields_config.c", "mine": null, "theirs": 3},
	{"field": "fields_config.d", "mine": null, "theirs": 4}]',
	'without a base a document is compared with all of theirs');

select pg_temp.rename_often(3, 1003) \g /dev/null
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{3}', 'Mine')) -> 0 ->> 'base',
	'Three', 'a base a thousand versions back is found');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'c', '{2}', 'Mine')),
	'[{"field": "name", "mine": "Mine", "theirs": "Name 1002"}]',
	'beyond that it is left out');
select is((pg_temp.refield_card('ann', 'w2', 'c', '{1}', '{"a": 10, "c": 3, "d": 4}')).body::json
	->> 'name', 'One', 'but a repeat is rebuilt however far back it is');

select pg_temp.create_card('ann', 'h', 'Hole') \g /dev/null
alter table cardkeep.business_card_versions disable trigger user;
update cardkeep.business_cards set version = 3, last_write = gen_random_uuid(), name = 'Holed'
where id = pg_temp.id('h');
delete from cardkeep.business_card_versions where card_id = pg_temp.id('h') and version > 1;
select is((select b.version from cardkeep.business_cards b where b.id = pg_temp.id('h')), 2,
	'a jump of the version by direct SQL is one version');
select is(pg_temp.fields(pg_temp.rename_card('ann', 'x', 'h', '{1}', 'Mine')),
	'[{"field": "name", "mine": "Mine", "theirs": "Holed"}]',
	'where history has a hole the base is left out');

-- Profiles
create function pg_temp.save(p_write text, p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id(p_write), p_expected,
	p_patch);
select pg_temp.save('p1', '{0}', '{"job_title": "A", "department": "D"}'),
	pg_temp.save('p2', '{1}', '{"job_title": "B"}'),
	pg_temp.save('p3', '{2}', '{"work_phone": "1", "department": null}') \g /dev/null
select is(pg_temp.fields(pg_temp.save('x', '{1}', '{"job_title": "M", "department": "M",
	"work_email": "m@x"}')), '[{"field": "department", "base": "D", "mine": "M", "theirs": null},
	{"field": "job_title", "base": "A", "mine": "M", "theirs": "B"}]',
	'a profile''s conflict names the fields that others changed');
select is(pg_temp.fields(pg_temp.save('x', '{0}', '{"job_title": "M", "department": "M"}')),
	'[{"field": "job_title", "base": null, "mine": "M", "theirs": "B"}]',
	'version 0 is known to be empty');
select is(pg_temp.fields(pg_temp.save('x', '{8}', '{"job_title": "M", "work_phone": "1"}')),
	'[{"field": "job_title", "mine": "M", "theirs": "B"}]',
	'a profile''s version that never was has no base');
select is(pg_temp.keys((pg_temp.save('x', '{1}', '{"job_title": "M"}')).body::json ->> 'current'),
	'job_title company_name department work_email work_phone work_address company_website '
	'linkedin_url version created_at updated_at', 'the whole profile now');

select * from finish();
rollback;
