-- Merging: one rule for every field, and what a merge answers.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

-- The rule, on one field whose value is none, null, 1, 2 or 3 on each side: all 125 cases.
create temporary table sides as select s from unnest(array[null, 'null', '1', '2', '3']::jsonb[]) s;
create function pg_temp.doc(p_value jsonb) returns jsonb language sql
return case when p_value is null then '{}' else jsonb_build_object('k', p_value) end;
create temporary table cases as
	select pg_temp.doc(b.s) as base, pg_temp.doc(m.s) as mine, pg_temp.doc(t.s) as theirs,
		cardkeep_api.merge_fields(pg_temp.doc(b.s), pg_temp.doc(m.s), pg_temp.doc(t.s)) as merged
	from sides b, sides m, sides t;
select is((select count(*) from cases), 125::bigint, 'every case of one field');
select is_empty('select * from cases where mine = base and merged is distinct from theirs',
	'what the request left as it was stays as others have it');
select is_empty('select * from cases where theirs = base and merged is distinct from mine',
	'what others left as it was becomes the request''s');
select is_empty('select * from cases where mine = theirs and merged is distinct from mine',
	'the same value written by both is no conflict');
select is_empty($$select * from cases where mine <> base and theirs <> base and mine <> theirs
	and merged is not null$$, 'anything else is one');
select is_empty($$select * from cases c join cases d on d.base = c.base and d.mine = c.theirs
	and d.theirs = c.mine where d.merged is distinct from c.merged$$,
	'it does not matter who came first');

-- Several fields: each by itself, and one that overlaps refuses them all.
select is(cardkeep_api.merge_fields(b, m, t), r, d) from (values
	('{}'::jsonb, '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, 'nothing merges into nothing'),
	('{"a": 1, "b": 1}', '{"a": 2, "b": 1}', '{"a": 1, "b": 2}', '{"a": 2, "b": 2}',
		'changes of different fields'),
	('{"a": 1, "b": 1}', '{"b": 1}', '{"a": 1, "b": 2}', '{"b": 2}', 'a deletion and a change'),
	('{"a": 1}', '{"a": 1, "b": 2}', '{"a": 1, "c": 3}', '{"a": 1, "b": 2, "c": 3}', 'two additions'),
	('{"a": 1}', '{"a": 1, "b": 2}', '{"a": 1, "b": 2}', '{"a": 1, "b": 2}', 'one addition, twice'),
	('{"a": 1}', '{}', '{}', '{}', 'one deletion, twice'),
	('{"a": 1}', '{}', '{"a": 2}', null, 'a deletion of what others changed'),
	('{"a": 1}', '{"a": 2}', '{}', null, 'a change of what others deleted'),
	('{"a": 1, "b": 1}', '{"a": 2, "b": 2}', '{"a": 3, "b": 1}', null, 'one field of two'),
	('{"a": {"x": 1, "y": 1}}', '{"a": {"x": 2, "y": 1}}', '{"a": {"x": 1, "y": 2}}', null,
		'what lies deeper is one value'),
	('{"a": 1.0}', '{"a": 1}', '{"a": 2}', '{"a": 2}', 'numbers by their value'),
	('{"a": [1, 2]}', '{"a": [2, 1]}', '{"a": [1, 2]}', '{"a": [2, 1]}', 'lists with their order')
	) v(b, m, t, r, d);

-- To the digit: jsonb's own = would not tell.
select is(cardkeep_api.merge_fields(b, m, t)::text, r, d) from (values
	('{"a": 1.5}'::jsonb, '{"a": 1.50}'::jsonb, '{"a": 1.5}'::jsonb, '{"a": 1.50}',
		'what only mine writes otherwise'),
	('{"a": 1.5}', '{"a": 1.5}', '{"a": 1.50}', '{"a": 1.50}', 'what only theirs writes otherwise'),
	('{"a": 1.5}', '{"a": 1.50}', '{"a": 1.500}', '{"a": 1.50}', 'what both do is as mine has it'),
	('{"a": 1.5}', '{"a": 1.50}', '{"a": 2}', '{"a": 2}', 'a value wins over a spelling'),
	('{"a": 1.5}', '{"a": 2}', '{"a": 1.50}', '{"a": 2}', 'whosever it is')) v(b, m, t, r, d);

-- Cards
create function pg_temp.merge(p_who text, p_write text, p_card text, p_expected integer,
	p_name text default null, p_fields jsonb default null, p_design jsonb default null,
	p_public boolean default null, p_key text default null)
returns cardkeep_api.answer language sql
return cardkeep_api.merge_card(pg_temp.token(p_who), pg_temp.id(p_write), pg_temp.id(p_card),
	array[p_expected], row(p_name, null, p_fields, p_design, p_public), pg_temp.id(p_key));
create function pg_temp.part(a cardkeep_api.answer, variadic p_keys text[]) returns jsonb language sql
return (select jsonb_object_agg(k, a.body::jsonb -> k) from unnest(p_keys) k where a.body::jsonb ? k);

select pg_temp.create_card('ann', 'c', 'One', '{"a": 1, "b": 1, "n": null}'),
	pg_temp.refield_card('ann', 'w2', 'c', '{1}', '{"a": 2, "b": 1, "n": null}'),
	pg_temp.rename_card('ann', 'w3', 'c', '{2}', 'Three') \g /dev/null
select is(pg_temp.seen(pg_temp.merge('ann', 'm4', 'c', 1, null, '{"a": 1, "b": 4, "n": null}', '{"d": 4}',
	false)), '200 v4 merged', 'a request that overlaps nothing is merged');
select is((pg_temp.merge('ann', 'm4', 'c', 1)).body::jsonb - '{id,user_id,created_at,updated_at}'::text[],
	'{"name": "Three", "slug": "one", "template_type": "personal-small", "is_public": false,
	"fields_config": {"a": 2, "b": 4, "n": null}, "design_config": {"d": 4}, "version": 4,
	"merged": true, "mergedWith": [2, 3]}', 'its answer is the card with both, and the versions between');
select is((cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c'))).body::jsonb,
	(pg_temp.merge('ann', 'm4', 'c', 1)).body::jsonb - '{merged,mergedWith}'::text[], 'which is the card now');
select is((select (h.session_id, h.write_id, h.b_name is null, h.b_fields_config, h.b_design_config,
	h.b_is_public)::text from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c') and h.version = 4), (pg_temp.id('ann'), pg_temp.id('m4'), true,
	'{"a": 2, "b": 1, "n": null}'::jsonb, '{}'::jsonb, true)::text,
	'history holds what it changed of the newest version');
select is(pg_temp.seen(pg_temp.merge('ann', 'm4', 'c', 1)), '200 v4 again merged',
	'a repeat finds itself, though not at the version after the one expected');
select is(pg_temp.seen(pg_temp.merge('ann', 'm5', 'c', 4, 'Five')), '200 v5',
	'at the present version it is an ordinary update');
select is(pg_temp.part(pg_temp.merge('ann', 'm5', 'c', 4, 'Five'), 'name', 'merged', 'mergedWith'),
	'{"name": "Five"}', 'whose answer says nothing of merging');
select is(pg_temp.seen(pg_temp.merge('ann', 'm5', 'c', 4, 'Five')), '200 v5 again', 'nor does its repeat');
select is(pg_temp.seen(pg_temp.merge('ann', 'x', 'c', 5, 'Five')), '200 v5 unchanged',
	'one that changes nothing writes nothing');
select is(pg_temp.seen(pg_temp.merge('ann', 'x', 'c', 3, 'Five')), '200 v5 unchanged',
	'nor one whose change others made too');
select is(pg_temp.part(pg_temp.merge('ann', 'x', 'c', 3, 'Five'), 'version', 'merged', 'mergedWith'),
	'{"version": 5, "merged": true, "mergedWith": [4, 5]}', 'but it says with what it was merged');
select is(pg_temp.seen(pg_temp.merge('ann', 'x', 'c', 3, 'Three')), '200 v5 unchanged',
	'nor one that only sends back what it read');
select is(pg_temp.seen(pg_temp.merge('ann', 'x', 'c', 3, 'Mine', '{"z": 1}')), '409 v5',
	'one that overlaps is refused');
select is(pg_temp.part(pg_temp.merge('ann', 'x', 'c', 3, 'Mine', '{"a": 2, "b": 1}'), 'currentVersion',
	'conflictingFields', 'reason'), '{"currentVersion": 5, "conflictingFields": [
	{"field": "fields_config.b", "base": 1, "mine": 1, "theirs": 4},
	{"field": "name", "base": "Three", "mine": "Mine", "theirs": "Five"}]}',
	'and told the same as without merging');
select is((pg_temp.merge('ann', 'x', 'c', 3, 'Mine')).body::jsonb -> 'current',
	(cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c'))).body::jsonb, 'with the card as it is');
select is((select b.version from cardkeep.business_cards b where b.id = pg_temp.id('c')), 5,
	'nothing of it is applied');
select is(pg_temp.seen(pg_temp.merge('ann', 'm6', 'c', 3, null, '{"a": 2, "b": 1}')), '200 v6 merged',
	'a key that is left out is deleted, one that is as it was is not written');
select is((cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c'))).body::jsonb -> 'fields_config',
	'{"a": 2, "b": 4}', 'even one that holds null');
select is(pg_temp.seen(pg_temp.merge('ann', 'x', 'c', 5, null, '{"a": 2, "b": 4, "n": 1}')), '409 v6',
	'to change what others deleted overlaps');
select is(pg_temp.part(pg_temp.merge('ann', 'x', 'c', 5, null, '{"a": 2, "b": 4, "n": 1}'),
	'conflictingFields'), '{"conflictingFields": [
	{"field": "fields_config.n", "base": null, "mine": 1, "theirs": null}]}',
	'and is told so, though none and null look alike');
select is(pg_temp.seen(pg_temp.merge('bob', 'x', 'c', 3, 'Theft')), '404 v0',
	'somebody else''s card cannot be merged into');
select is(pg_temp.seen(pg_temp.merge('bob', 'm4', 'c', 1)), '404 v0', 'nor its merges be repeated');
select is(pg_temp.seen(pg_temp.merge('nobody', 'x', 'c', 3, 'Theft')), '401 v0', 'nobody can merge');

-- Without a base
select is(pg_temp.part(pg_temp.merge('ann', 'x', 'c', v, null, null, '{"d": 4}'), 'reason',
	'conflictingFields'), '{"reason": "base-unavailable", "conflictingFields": []}',
	'version ' || v || ' never was, so nothing is merged') from unnest('{0,7,2147483647,-1}'::integer[]) v;
select pg_temp.rename_often(6, 1006) \g /dev/null
select is(pg_temp.part(pg_temp.merge('ann', 'x', 'c', 5, null, null, '{"d": 5}'), 'reason'),
	'{"reason": "base-unavailable"}', 'nor across more than a thousand versions');
select is(pg_temp.seen(pg_temp.merge('ann', 'far', 'c', 6, null, null, '{"d": 6}')), '200 v1007 merged',
	'a thousand can be');
select is(pg_temp.seen(pg_temp.merge('ann', 'far', 'c', 6, null, null, '{"d": 6}')),
	'200 v1007 again merged', 'and the repeat finds itself beyond them');
select pg_temp.create_card('ann', 'h', 'Hole') \g /dev/null
select pg_temp.rename_card('ann', 'h' || v, 'h', array[v], 'Hole ' || v) from generate_series(1, 4) v \g /dev/null
alter table cardkeep.business_card_versions disable trigger user;
delete from cardkeep.business_card_versions where card_id = pg_temp.id('h') and version <= 2;
alter table cardkeep.business_card_versions enable trigger user;
select is(pg_temp.part(pg_temp.merge('ann', 'x', 'h', 2, null, '{"a": 1}'), 'reason'),
	'{"reason": "base-unavailable"}', 'nor from a version that is no longer kept');
select is(pg_temp.seen(pg_temp.merge('ann', 'hm', 'h', 3, null, '{"a": 1}')), '200 v6 merged',
	'the oldest one that the next tells of will do');

-- Deleted; a session that has ended; under a key
select pg_temp.create_card('ann', 'd', 'D', '{"a": 1}'), pg_temp.rename_card('ann', 'd2', 'd', '{1}', 'D2'),
	pg_temp.merge('ann', 'd3', 'd', 1, null, '{"a": 3}'), cardkeep_api.delete_card(pg_temp.token('ann'),
	pg_temp.id('d4'), pg_temp.id('d'), '{3}') \g /dev/null
select is(pg_temp.seen(pg_temp.merge('ann', 'x', 'd', 1, 'Back')), '404 v0',
	'a deleted card cannot be merged into');
select is(pg_temp.seen(pg_temp.merge('ann', 'd3', 'd', 1)), '200 v3 again merged',
	'but a repeat finds itself after the deletion');
select pg_temp.create_card('bob', 'b', 'B', '{"a": 1}'), pg_temp.rename_card('bob', 'b2', 'b', '{1}', 'B2'),
	pg_temp.merge('bob', 'b3', 'b', 1, null, '{"a": 3}'),
	cardkeep_api.end_session(pg_temp.token('bob'), pg_temp.id('out'), null) \g /dev/null
select is(pg_temp.seen(pg_temp.merge('bob', 'x', 'b', 1, null, '{"a": 4}')), '401 v0',
	'an ended session merges nothing');
select is(pg_temp.seen(pg_temp.merge('bob', 'b3', 'b', 1)), '200 v3 again merged',
	'but learns how its own merge came out');
select pg_temp.create_card('ann', 'k', 'K', '{"a": 1}'), pg_temp.rename_card('ann', 'k2', 'k', '{1}', 'K2')
\g /dev/null
select is(pg_temp.seen(pg_temp.merge('ann', 'q', 'k', 1, 'Mine', p_key => 'key')), '409 v2',
	'a keyed merge that is refused');
select is(pg_temp.seen(pg_temp.merge('ann', 'q', 'k', 1, 'K2', p_key => 'key')), '200 v2 unchanged',
	'or changes nothing');
select is(pg_temp.seen(pg_temp.merge('ann', 'q', 'k', 1, null, '{"a": 3}', p_key => 'key')),
	'200 v3 merged', 'leaves the key to be used');
select pg_temp.rename_card('ann', 'k4', 'k', '{3}', 'K4') \g /dev/null
select is(pg_temp.seen(pg_temp.merge('ann', 'q', 'k', 1, null, '{"a": 3}', p_key => 'key')),
	'200 v3 again merged', 'its repeat is answered as the first was');
select is(pg_temp.part(pg_temp.merge('ann', 'q', 'k', 1, null, '{"a": 3}', p_key => 'key'), 'name',
	'version', 'merged', 'mergedWith'), '{"name": "K2", "version": 3, "merged": true, "mergedWith": [2]}',
	'whatever followed');
select is(pg_temp.seen(pg_temp.merge('ann', 'other', 'k', 1, null, '{"a": 4}', p_key => 'key')),
	'422 v0 key_reused', 'and the key does for no other request');

-- Profiles
create function pg_temp.save(p_write text, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id(p_write),
	array[p_expected], p_patch);
-- Two documents that fit may not fit together.
select pg_temp.create_card('ann', 'big', 'Big', '{}'),
	pg_temp.refield_card('ann', 'b2', 'big', '{1}', jsonb_build_object('a', repeat('x', 262000)))
\g /dev/null
select is(pg_temp.seen(pg_temp.merge('ann', 'b3', 'big', 1, null,
	jsonb_build_object('b', repeat('x', 262000)))), '200 v3 merged', 'a merge of up to 512 KiB is one');
select is(pg_temp.seen(pg_temp.merge('ann', 'b4', 'big', 1, null,
	jsonb_build_object('c', repeat('x', 262000)), p_key => 'b4')), '422 v3 fields_config',
	'beyond it is refused by the name of its document');
select is((select b.version from cardkeep.business_cards b where b.id = pg_temp.id('big')), 3,
	'and nothing is applied');
select is(pg_temp.seen(pg_temp.merge('ann', 'b5', 'big', 1, 'Small', p_key => 'b4')), '200 v4 merged',
	'nor is its key spent');

create function pg_temp.own(p_write text, p_expected integer, p_patch jsonb, p_who text default 'ann',
	p_key text default null)
returns cardkeep_api.answer language sql
return cardkeep_api.merge_own_profile('personal_info', pg_temp.token(p_who), pg_temp.id(p_write), array[p_expected],
	p_patch, pg_temp.id(p_key));

select is(pg_temp.part(pg_temp.own('x', 3, '{"full_name": "X"}'), 'currentVersion', 'reason'),
	'{"currentVersion": 0, "reason": "base-unavailable"}', 'a profile that was never written has no version 3');
select is(pg_temp.seen(pg_temp.own('p1', 0, '{"full_name": "A", "address": "B"}')), '201 v1',
	'its first write is an ordinary one');
select is(pg_temp.seen(pg_temp.own('p1', 0, '{"full_name": "A", "address": "B"}')), '201 v1 again',
	'and its repeat too');
select pg_temp.save('p2', 1, '{"full_name": "C"}'), pg_temp.save('p3', 2, '{"website": "http://x"}') \g /dev/null
select is(pg_temp.seen(pg_temp.own('p4', 1, '{"address": "D", "full_name": "A"}')), '200 v4 merged',
	'a profile is merged field by field');
select is(pg_temp.part(pg_temp.own('p4', 1, '{}'), 'full_name', 'address', 'website', 'version', 'merged',
	'mergedWith'), '{"full_name": "C", "address": "D", "website": "http://x", "version": 4,
	"merged": true, "mergedWith": [2, 3]}', 'its answer has both sides and the versions between');
select is(pg_temp.seen(pg_temp.own('p4', 1, '{}')), '200 v4 again merged', 'a repeat finds itself');
select is((select h.before from cardkeep.personal_info_versions h
	where h.user_id = pg_temp.id('ann') and h.version = 4), '{"address": "B"}',
	'history holds what it changed of the newest version');
select is(pg_temp.seen(pg_temp.own('p5', 0, '{"primary_phone": "1"}')), '200 v5 merged',
	'version 0 is a base, all empty');
select is(pg_temp.part(pg_temp.own('p5', 0, '{}'), 'mergedWith'), '{"mergedWith": [1, 2, 3, 4]}',
	'also for the repeat');
select is(pg_temp.part(pg_temp.own('x', 1, '{"full_name": "X", "address": "D"}'), 'currentVersion',
	'conflictingFields', 'reason'), '{"currentVersion": 5, "conflictingFields": [
	{"field": "address", "base": "B", "mine": "D", "theirs": "D"},
	{"field": "full_name", "base": "A", "mine": "X", "theirs": "C"}]}', 'an overlap is refused with both sides');
select is(pg_temp.seen(pg_temp.own('x', 1, '{"full_name": ""}')), '409 v5',
	'to clear what others changed overlaps too');
select is(pg_temp.seen(pg_temp.own('x', 3, '{"address": "D"}')), '200 v5 unchanged',
	'the same value written by both is no conflict');
select is(pg_temp.part(pg_temp.own('x', 9, '{"address": "E"}'), 'reason'), '{"reason": "base-unavailable"}',
	'a version that never was is no base');
select is(pg_temp.seen(pg_temp.own('x', 1, '{"address": "E"}', 'nobody')), '401 v0', 'nobody can merge');
select is(pg_temp.seen(pg_temp.own('q', 4, '{"website": null}', p_key => 'own')), '200 v6 merged',
	'a profile''s keyed merge');
select is(pg_temp.seen(pg_temp.own('q', 4, '{"website": null}', p_key => 'own')), '200 v6 again merged',
	'is repeated likewise');
select is(pg_temp.seen(pg_temp.own('other', 6, '{"website": "x"}', p_key => 'own')), '422 v0 key_reused',
	'or refused');
alter table cardkeep.personal_info_versions disable trigger user;
delete from cardkeep.personal_info_versions where user_id = pg_temp.id('ann') and version <= 2;
select is(pg_temp.part(pg_temp.own('x', 2, '{"primary_phone": "9"}'), 'reason'),
	'{"reason": "base-unavailable"}', 'nor is one that is no longer kept');
select is(pg_temp.seen(cardkeep_api.merge_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('f1'), '{0}',
	'{"job_title": "J"}')), '201 v1', 'the other profile has versions of its own');
select cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('f2'), '{1}',
	'{"job_title": "K"}') \g /dev/null
select is(pg_temp.seen(cardkeep_api.merge_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('f3'), '{1}',
	'{"department": "D"}')), '200 v3 merged', 'and is merged likewise');
select cardkeep_api.end_session(pg_temp.token('ann'), pg_temp.id('bye'), null) \g /dev/null
select is(pg_temp.seen(pg_temp.own('p4', 1, '{}')), '200 v4 again merged',
	'a profile''s repeat finds itself after the session ended');
select is(pg_temp.seen(pg_temp.own('new', 6, '{"address": "Z"}')), '401 v0', 'which writes nothing more');

select * from finish();
rollback;
