-- History as clients see it, and bringing back what was.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

create function pg_temp.page(p_limit integer default 100, p_after integer default null)
returns cardkeep_api.answer language sql
return cardkeep_api.read_card_history(pg_temp.token('ann'), pg_temp.id('c'), p_limit, p_after);
-- A version's row, as it stands in a page.
create function pg_temp.row(a cardkeep_api.answer, p_version integer) returns jsonb language sql
return (select r from jsonb_array_elements(a.body::jsonb -> 'history') r
	where (r ->> 'version')::integer = p_version);
create function pg_temp.versions(a cardkeep_api.answer) returns text language sql
return (select string_agg(r ->> 'version', ' ')
	from json_array_elements(a.body::json -> 'history') r);
create function pg_temp.told(p_row jsonb) returns jsonb language sql
return p_row - '{version,session_id,at}'::text[];

-- A card with five versions: made, renamed, its fields, all at once, renamed by direct SQL.
select pg_temp.create_card('ann', 'c', 'One', '{"a": 1, "n": null}'),
	pg_temp.rename_card('ann', 'w2', 'c', '{1}', 'Two'),
	pg_temp.refield_card('ann', 'w3', 'c', '{2}', '{"b": 2}'),
	cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('w4'), pg_temp.id('c'), '{3}', row('Four',
		't-4', '{"b": 4}', '{"d": 4}', false)) \g /dev/null
update cardkeep.business_cards set name = 'Five', slug = 'five' where id = pg_temp.id('c');

select is(pg_temp.seen(pg_temp.page()), '200 v0', 'a card''s history can be read');
select is(pg_temp.keys((pg_temp.page()).body), 'history next', 'a page is a list and its next');
select is(pg_temp.versions(pg_temp.page()), '5 4 3 2 1', 'every version is there, newest first');
select is(pg_temp.keys((pg_temp.page()).body::json -> 'history' ->> 0),
	'version changed before after session_id at', 'each tells what the contract says');
select is(pg_temp.told(pg_temp.row(pg_temp.page(), 1)), '{"changed": ["design_config",
	"fields_config", "is_public", "name", "slug", "template_type"],
	"before": {"name": null, "slug": null, "template_type": null, "fields_config": null,
		"design_config": null, "is_public": null},
	"after": {"name": "One", "slug": "one", "template_type": "personal-small",
		"fields_config": {"a": 1, "n": null}, "design_config": {}, "is_public": true}}',
	'version 1 made every field, from null');
select is(pg_temp.told(pg_temp.row(pg_temp.page(), 2)),
	'{"changed": ["name"], "before": {"name": "One"}, "after": {"name": "Two"}}',
	'a later one names the field that changed, with its value before and after');
select is(pg_temp.told(pg_temp.row(pg_temp.page(), 3)), '{"changed": ["fields_config"],
	"before": {"fields_config": {"a": 1, "n": null}}, "after": {"fields_config": {"b": 2}}}',
	'documents are whole');
select is(pg_temp.told(pg_temp.row(pg_temp.page(), 4)), '{"changed": ["design_config",
	"fields_config", "is_public", "name", "template_type"],
	"before": {"name": "Two", "template_type": "personal-small", "fields_config": {"b": 2},
		"design_config": {}, "is_public": true},
	"after": {"name": "Four", "template_type": "t-4", "fields_config": {"b": 4},
		"design_config": {"d": 4}, "is_public": false}}', 'every field can have changed');
-- A number that is written otherwise is a change, whoever makes it.
select pg_temp.create_card('ann', 'digits', 'D', '{"p": 1.50}'),
	pg_temp.refield_card('ann', 'd2', 'digits', '{1}', '{"p": 1.5}') \g /dev/null
select status from cardkeep_api.update_cards(array[pg_temp.token('ann')], array[pg_temp.id('d3')::text],
	array[pg_temp.id('digits')::text], array['{2}'], array['D 3'], array[null], array['{"p": 1.500}'],
	array[null], array[null]) \g /dev/null
update cardkeep.business_cards set fields_config = '{"p": 1.5000}' where id = pg_temp.id('digits');
select is((select string_agg(h.b_fields_config ->> 'p', ' ' order by h.version)
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id('digits')), '1.50 1.5 1.500',
	'each spelling is kept: by a single update, by one in a set, by direct SQL');
select is(pg_temp.seen(pg_temp.refield_card('ann', 'd5', 'digits', '{4}', '{"p": 1.5000}')), '200 v4 unchanged',
	'the same digits are no change');
select is((select s.detail from cardkeep_api.update_cards(array[pg_temp.token('ann')],
	array[pg_temp.id('d6')::text], array[pg_temp.id('digits')::text], array['{4}'], array['D 3'],
	array[null], array['{"p": 1.5000}'], array[null], array[null]) s), 'unchanged', 'in a set neither');
select is((pg_temp.refield_card('ann', 'd2', 'digits', '{1}', '{"p": 1.5}')).body::json -> 'fields_config' ->> 'p',
	'1.5', 'a repeat is answered with its own');
select is((cardkeep_api.revert_card(pg_temp.token('ann'), pg_temp.id('d7'), pg_temp.id('digits'), '{4}', 1))
	.body::json -> 'fields_config' ->> 'p', '1.50', 'and a revert brings the first one back');
select is(pg_temp.told(pg_temp.row(pg_temp.page(), 5)), '{"changed": ["name", "slug"],
	"before": {"name": "Four", "slug": "one"}, "after": {"name": "Five", "slug": "five"}}',
	'what direct SQL did stands there too');
select is(pg_temp.row(pg_temp.page(), v) ->> 'session_id', s, 'version ' || v || ' names who wrote it')
from (values (4, pg_temp.id('ann')::text), (5, null)) t(v, s);
select is(pg_temp.row(pg_temp.page(), 5) ->> 'at', (cardkeep_api.read_card(pg_temp.token('ann'),
	pg_temp.id('c'))).body::json ->> 'updated_at', 'and when, as the card''s own time says it');
select is(pg_temp.row(pg_temp.page(), 1) ->> 'at', (cardkeep_api.read_card(pg_temp.token('ann'),
	pg_temp.id('c'))).body::json ->> 'created_at', 'from its creation on');

-- Pages
select is((pg_temp.page()).body::json ->> 'next', null, 'the last page has no next');
select is(pg_temp.versions(pg_temp.page(2)), '5 4', 'a page holds at most so many');
select is((pg_temp.page(2)).detail, '4', 'its cursor is its last version');
select is((pg_temp.page(2)).body::jsonb -> 'next', '"4"', 'in the body too');
select is(pg_temp.versions(pg_temp.page(2, 4)), '3 2', 'the next page goes on there');
select is(pg_temp.versions(pg_temp.page(2, 2)), '1', 'to version 1');
select is((pg_temp.page(3, 4)).body::json ->> 'next', null, 'a page that ends with it has no next');
select is((pg_temp.page(5, 1)).body::jsonb, '{"history": [], "next": null}',
	'below it there is nothing');
select is((select jsonb_agg(x.r order by x.p desc) from (
	with recursive pages as (
		select 1 as n, pg_temp.page(1) as a
		union all
		select p.n + 1, pg_temp.page(1, (p.a).detail::integer) from pages p where (p.a).detail <> '')
	select -n as p, (a).body::jsonb -> 'history' -> 0 as r from pages) x),
	(pg_temp.page()).body::jsonb -> 'history', 'page by page tells the same as all at once');
select pg_temp.refield_card('ann', 'big' || v, 'c', array[v],
	jsonb_build_object('text', repeat(chr(96 + v), 200000))) from generate_series(5, 12) v \g /dev/null
select is(pg_temp.versions(pg_temp.page()), '13 12', 'a page ends before 1 MiB');
select ok(octet_length((pg_temp.page()).body) <= 1048576, 'and is not larger than that');
select is(pg_temp.versions(pg_temp.page(100, 12)), '11 10', 'what did not fit is on the next');
select pg_temp.refield_card('ann', 'huge', 'c', '{13}',
	jsonb_build_object('text', repeat('x', 1100000))) \g /dev/null
select is(pg_temp.versions(pg_temp.page()), '14', 'a version larger than a page has a page of its own');
select is(pg_temp.versions(pg_temp.page(100, 14)), '13 12', 'after which the rest follows');

-- Whose it is
select is(pg_temp.seen(cardkeep_api.read_card_history(pg_temp.token('bob'), pg_temp.id('c'), 10, null)),
	'404 v0', 'somebody else''s history looks as if it were not there');
select is(pg_temp.seen(cardkeep_api.read_card_history(pg_temp.token('no'), pg_temp.id('c'), 10, null)),
	'401 v0', 'nobody can read it');
select pg_temp.create_card('ann', 'gone', 'Gone'), cardkeep_api.delete_card(pg_temp.token('ann'),
	pg_temp.id('d'), pg_temp.id('gone'), '{1}') \g /dev/null
select is(pg_temp.seen(cardkeep_api.read_card_history(pg_temp.token('ann'), pg_temp.id('gone'), 10,
	null)), '404 v0', 'a deleted card''s history is gone with it');

-- Profiles
create function pg_temp.save(p_write text, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id(p_write),
	array[p_expected], p_patch);
create function pg_temp.own(p_limit integer default 100, p_after integer default null)
returns cardkeep_api.answer language sql
return cardkeep_api.read_own_history('personal_info', pg_temp.token('ann'), p_limit, p_after);
select is((pg_temp.own()).body::jsonb, '{"history": [], "next": null}',
	'a profile that was never written has an empty history');
select pg_temp.save('p1', 0, '{"full_name": "A", "address": "B"}'),
	pg_temp.save('p2', 1, '{"full_name": "C", "website": null}'),
	pg_temp.save('p3', 2, '{"full_name": null, "website": "http://x"}'),
	pg_temp.save('p4', 3, '{"full_name": "D"}') \g /dev/null
select is(pg_temp.versions(pg_temp.own()), '4 3 2 1', 'a profile''s history, newest first');
select is(pg_temp.told(pg_temp.row(pg_temp.own(), 1)), '{"changed": ["address", "full_name"],
	"before": {"address": null, "full_name": null}, "after": {"address": "B", "full_name": "A"}}',
	'its version 1 tells of what was written');
select is(pg_temp.told(pg_temp.row(pg_temp.own(), 2)),
	'{"changed": ["full_name"], "before": {"full_name": "A"}, "after": {"full_name": "C"}}',
	'a later one of what changed');
select is(pg_temp.told(pg_temp.row(pg_temp.own(), 3)), '{"changed": ["full_name", "website"],
	"before": {"full_name": "C", "website": null},
	"after": {"full_name": null, "website": "http://x"}}', 'a field that was cleared is null');
select is(pg_temp.row(pg_temp.own(), 4) ->> 'session_id', pg_temp.id('ann')::text, 'with who wrote it');
select is((select jsonb_agg(x.r order by x.p desc) from (
	with recursive pages as (
		select 1 as n, pg_temp.own(1) as a
		union all
		select p.n + 1, pg_temp.own(1, (p.a).detail::integer) from pages p where (p.a).detail <> '')
	select -n as p, (a).body::jsonb -> 'history' -> 0 as r from pages) x),
	(pg_temp.own()).body::jsonb -> 'history', 'page by page tells the same as all at once');
select is(pg_temp.seen(cardkeep_api.read_own_history('personal_info', pg_temp.token('no'), 10, null)), '401 v0',
	'nobody''s profile has no history');
select is((cardkeep_api.read_own_history('professional_info', pg_temp.token('ann'), 10, null)).body::jsonb,
	'{"history": [], "next": null}', 'the other profile has a history of its own');
select cardkeep_api.save_own_profile('professional_info', pg_temp.token('bob'), pg_temp.id('q1'), '{0}',
	'{"job_title": "J"}') \g /dev/null
select is(pg_temp.told(pg_temp.row(cardkeep_api.read_own_history('professional_info', pg_temp.token('bob'), 10,
	null), 1)), '{"changed": ["job_title"], "before": {"job_title": null},
	"after": {"job_title": "J"}}', 'and everybody their own');
select pg_temp.save('l' || v, v, jsonb_build_object('address', repeat(chr(60 + v), 200000)))
from generate_series(4, 9) v \g /dev/null
select is(pg_temp.versions(pg_temp.own()), '10 9', 'a profile''s page ends before 1 MiB too');

-- Nobody changes history
create temporary table deeds as
	select format(d, c.oid::regclass) as sql from pg_class c, unnest(array[
		'update %s set at = at', 'update %s set version = 0 where false', 'delete from %s',
		'truncate %s', 'truncate %s cascade', 'delete from %s where version = 1',
		'merge into %s h using (select) s on true when matched then delete',
		'merge into %s h using (select) s on true when matched then update set version = 0']) d
	where c.relnamespace = 'cardkeep'::regnamespace and c.relname ~ '_versions$' and c.relkind = 'r';
grant select on deeds to cardkeep_runtime, cardkeep_admin;
select is((select count(*) from deeds), 24::bigint, 'there are three histories');
select throws_ok(d.sql, '42501', null, 'a superuser cannot ' || d.sql) from deeds d;
set local role cardkeep_admin;
select throws_ok(d.sql, '42501', null, 'nor an administrator ' || d.sql) from deeds d;
set local role cardkeep_runtime;
select throws_ok(d.sql, '42501', null, 'nor the service ' || d.sql) from deeds d;
reset role;
delete from cardkeep.business_cards;
select is((select count(*) from cardkeep.business_card_versions h where h.card_id = pg_temp.id('c')),
	15::bigint, 'history outlives its card');

select * from finish();
rollback;
