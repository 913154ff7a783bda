-- Bringing back what a card or a profile was.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

create function pg_temp.revert(p_who text, p_write text, p_card text, p_expected integer[],
	p_to integer)
returns cardkeep_api.answer language sql
return cardkeep_api.revert_card(pg_temp.token(p_who), pg_temp.id(p_write), pg_temp.id(p_card),
	p_expected, p_to);
create function pg_temp.content(p_body text) returns jsonb language sql
return p_body::jsonb - '{version,updated_at}'::text[];
create function pg_temp.fields(a cardkeep_api.answer) returns jsonb language sql
return (a.body::jsonb -> 'conflictingFields');

-- What each version answered, to be compared with what comes back.
create temporary table was (version integer, body text);
insert into was select 1, (pg_temp.create_card('ann', 'c', 'One', '{"a": 1, "n": null}')).body;
insert into was select 2, (pg_temp.rename_card('ann', 'w2', 'c', '{1}', 'Two')).body;
insert into was select 3, (cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('w3'),
	pg_temp.id('c'), '{2}', row('Three', 't-3', '{"b": 3}', '{"d": 3}', false))).body;
insert into was select 4, (pg_temp.refield_card('ann', 'w4', 'c', '{3}', '{}')).body;

select is(pg_temp.seen(pg_temp.revert('ann', 'r5', 'c', '{4}', 2)), '200 v5',
	'a revert writes a new version');
select is(pg_temp.content((pg_temp.revert('ann', 'r5', 'c', '{4}', 2)).body), (select
	pg_temp.content(w.body) from was w where w.version = 2),
	'which answers the whole card, with the content of the old one');
select is(pg_temp.seen(pg_temp.revert('ann', 'r5', 'c', '{4}', 2)), '200 v5 again',
	'a repeat is answered as the first was');
select is((select (h.session_id, h.write_id, h.b_name, h.b_template_type, h.b_fields_config,
	h.b_design_config, h.b_is_public)::text from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c') and h.version = 5), (pg_temp.id('ann'), pg_temp.id('r5'),
	'Three'::text, 't-3'::text, '{}'::jsonb, '{"d": 3}'::jsonb, false)::text,
	'and which stands in history as any other');
select is(pg_temp.content((pg_temp.revert('ann', 'to' || v, 'c', array[c], v)).body),
	pg_temp.content(w.body), 'version ' || v || ' comes back as it was')
from was w, (values (1, 5), (3, 6), (4, 7), (2, 8), (1, 9)) o(v, c) where w.version = o.v
order by o.c;
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{10}', 10)), '200 v10 unchanged',
	'a revert to the present version writes nothing');
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{10}', 6)), '200 v10 unchanged',
	'nor does one to a version of equal content');
select is((select count(*) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c')), 10::bigint, 'and leaves no history');
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{10}', t)), '422 v10',
	t || ' is no version of it') from unnest('{0,-1,11,2147483647}'::integer[]) t;
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{9}', t)), '422 v10',
	t || ' is none, also for a request that is out of date') from unnest('{0,11}'::integer[]) t;
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{9}', 3)), '409 v10',
	'a revert from an older version is refused');
select is(pg_temp.fields(pg_temp.revert('ann', 'r', 'c', '{9}', 3)),
	'[{"field": "name", "base": "Two", "mine": "Three", "theirs": "One"}]',
	'the old content being the request''s side of the conflict');
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{3,10}', 3)), '200 v11',
	'one of several expected versions is enough');
select is(pg_temp.seen(pg_temp.revert('bob', 'r', 'c', '{11}', 1)), '404 v0',
	'somebody else''s card cannot be reverted');
select is(pg_temp.seen(pg_temp.revert('bob', 'r5', 'c', '{4}', 2)), '404 v0',
	'nor its reverts be repeated');
select is(pg_temp.seen(pg_temp.revert('nobody', 'r', 'c', '{11}', 1)), '401 v0',
	'nobody can revert it');
update cardkeep.business_cards set slug = 'renamed' where id = pg_temp.id('c');
select is((pg_temp.revert('ann', 'r', 'c', '{12}', 1)).body::jsonb -> 'slug', '"renamed"',
	'the slug stays');

-- Where history does not reach
select pg_temp.create_card('ann', 'h', 'Hole') \g /dev/null
select pg_temp.rename_card('ann', 'h' || v, 'h', array[v], 'Hole ' || v) from generate_series(1, 4) v \g /dev/null
alter table cardkeep.business_card_versions disable trigger user;
delete from cardkeep.business_card_versions where card_id = pg_temp.id('h') and version <= 2;
alter table cardkeep.business_card_versions enable trigger user;
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'h', '{5}', 2)), '409 v5 base_unavailable',
	'a version that is no longer kept cannot come back');
select is((pg_temp.revert('ann', 'r', 'h', '{5}', 2)).body::jsonb, '{"reason": "base-unavailable"}',
	'and the answer says so');
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'h', '{4}', 2)), '409 v5',
	'to a request that is out of date it says that instead');
select is((pg_temp.revert('ann', 'r', 'h', '{5}', 3)).body::json ->> 'name', 'Hole 2',
	'the oldest one that the next tells of can');

-- Deleted; a session that has ended
select cardkeep_api.delete_card(pg_temp.token('ann'), pg_temp.id('d'), pg_temp.id('c'), '{13}')
\g /dev/null
select is(pg_temp.seen(pg_temp.revert('ann', 'r', 'c', '{14}', 1)), '404 v0',
	'a deleted card does not come back');
select is(pg_temp.seen(pg_temp.revert('ann', 'r5', 'c', '{4}', 2)), '200 v5 again',
	'but a repeat finds itself after the deletion');
select pg_temp.create_card('bob', 'b', 'B'), pg_temp.rename_card('bob', 'b2', 'b', '{1}', 'B2'),
	pg_temp.revert('bob', 'b3', 'b', '{2}', 1),
	cardkeep_api.end_session(pg_temp.token('bob'), pg_temp.id('out'), null) \g /dev/null
select is(pg_temp.seen(pg_temp.revert('bob', 'b4', 'b', '{3}', 2)), '401 v0',
	'an ended session reverts nothing');
select is(pg_temp.seen(pg_temp.revert('bob', 'b3', 'b', '{2}', 1)), '200 v3 again',
	'but learns how its own revert came out');

-- Profiles
create function pg_temp.save(p_write text, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id(p_write),
	array[p_expected], p_patch);
create function pg_temp.back(p_write text, p_expected integer[], p_to integer,
	p_who text default 'ann')
returns cardkeep_api.answer language sql
return cardkeep_api.revert_own_profile('personal_info', pg_temp.token(p_who), pg_temp.id(p_write), p_expected, p_to);
create function pg_temp.own_content(p_body text) returns jsonb language sql
return p_body::jsonb - '{version,updated_at,isNew}'::text[];

select is(pg_temp.seen(pg_temp.back('p', '{0}', t)), '422 v0',
	'a profile that was never written has no version ' || t) from unnest('{0,1}'::integer[]) t;
truncate was;
insert into was select 1, (pg_temp.save('p1', 0, '{"full_name": "A", "address": "B"}')).body;
insert into was select 2, (pg_temp.save('p2', 1, '{"full_name": null, "website": "http://x"}')).body;
insert into was select 3, (pg_temp.save('p3', 2, '{"primary_phone": "1", "address": "C"}')).body;
select is(pg_temp.own_content((pg_temp.back('p' || c + 1, array[c], v)).body),
	pg_temp.own_content(w.body), 'version ' || v || ' of a profile comes back as it was')
from was w, (values (1, 3), (3, 4), (2, 5), (1, 6)) o(v, c) where w.version = o.v order by o.c;
select is(pg_temp.seen(pg_temp.back('p5', '{4}', 3)), '200 v5 again',
	'a repeat is answered as the first was');
select is((select (h.session_id, h.write_id, h.before)::text
	from cardkeep.personal_info_versions h where h.user_id = pg_temp.id('ann') and h.version = 4),
	(pg_temp.id('ann'), pg_temp.id('p4'), '{"full_name": null, "address": "C", "website": "http://x",
	"primary_phone": "1"}'::jsonb)::text, 'and stands in history as any other');
select is(pg_temp.seen(pg_temp.back('p', '{7}', t)), '200 v7 unchanged',
	'a profile''s revert to equal content writes nothing') from unnest('{7,1,4}'::integer[]) t;
select is(pg_temp.seen(pg_temp.back('p', '{7}', t)), '422 v7', t || ' is no version of it')
from unnest('{0,8}'::integer[]) t;
select is(pg_temp.seen(pg_temp.back('p', '{6}', 2)), '409 v7',
	'one from an older version is refused');
select is(pg_temp.fields(pg_temp.back('p', '{6}', 2)), '[
	{"field": "full_name", "base": null, "mine": null, "theirs": "A"},
	{"field": "website", "base": "http://x", "mine": "http://x", "theirs": null}]',
	'the old content being the request''s side');
select is(pg_temp.seen(pg_temp.back('p', '{7}', 1, 'nobody')), '401 v0', 'nobody reverts it');
alter table cardkeep.personal_info_versions disable trigger user;
delete from cardkeep.personal_info_versions where user_id = pg_temp.id('ann') and version <= 2;
select is(pg_temp.seen(pg_temp.back('p', '{7}', 2)), '409 v7 base_unavailable',
	'a profile''s version that is no longer kept cannot come back');
select is(pg_temp.seen(pg_temp.back('p', '{6}', 2)), '409 v7',
	'to a request that is out of date it says that instead');
select is(pg_temp.seen(cardkeep_api.revert_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q'),
	'{0}', 1)), '422 v0', 'the other profile has versions of its own');
select cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q1'), '{0}',
	'{"job_title": "J"}'), cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'),
	pg_temp.id('q2'), '{1}', '{"job_title": "K"}') \g /dev/null
select is((cardkeep_api.revert_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q3'), '{2}',
	1)).body::json ->> 'job_title', 'J', 'which come back likewise');

-- Under a key
create function pg_temp.keyed(p_request text, p_expected integer[], p_to integer)
returns cardkeep_api.answer language sql
return cardkeep_api.revert_card(pg_temp.token('ann'), pg_temp.id(p_request), pg_temp.id('k'), p_expected,
	p_to, pg_temp.id('key'));
select pg_temp.create_card('ann', 'k', 'Key'), pg_temp.rename_card('ann', 'k2', 'k', '{1}', 'Two') \g /dev/null
select is(pg_temp.seen(pg_temp.keyed('q', '{1}', 1)), '409 v2', 'a keyed revert that is refused');
select is(pg_temp.seen(pg_temp.keyed('q', '{2}', 2)), '200 v2 unchanged', 'or changes nothing');
select is(pg_temp.seen(pg_temp.keyed('q', '{2}', 1)), '200 v3', 'leaves the key to be used');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'k4', 'k', '{3}', 'Four')), '200 v4', 'whatever follows');
select is(pg_temp.seen(pg_temp.keyed('q', '{2}', 1)), '200 v3 again', 'it is answered as the first was');
select is(pg_temp.seen(pg_temp.keyed('other', '{4}', 1)), '422 v0 key_reused',
	'and the key does for no other request');
create function pg_temp.own_keyed(p_request text, p_expected integer[], p_to integer)
returns cardkeep_api.answer language sql
return cardkeep_api.revert_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id(p_request), p_expected,
	p_to, pg_temp.id('own key'));
select is(pg_temp.seen(pg_temp.own_keyed('q', '{3}', 2)), '200 v4', 'a profile''s keyed revert');
select is(pg_temp.seen(pg_temp.own_keyed('q', '{3}', 2)), '200 v4 again', 'is repeated likewise');
select is(pg_temp.seen(pg_temp.own_keyed('other', '{4}', 1)), '422 v0 key_reused', 'or refused');

select * from finish();
rollback;
