-- The promised functions and the three tables, as REST clients call them.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob'), pg_temp.sign_up('out') \g /dev/null
select cardkeep_api.end_session(pg_temp.token('out'), pg_temp.id('w'), null) \g /dev/null

-- A view as the service makes it, with what a test wants otherwise.
create function pg_temp.view(p_other jsonb default '{}') returns jsonb language sql
return '{"filters": [], "order": [], "offset": 0, "count": false, "single": false}'::jsonb || p_other;
create function pg_temp.filter(p_column text, p_op text, p_values text[], p_not boolean default false)
returns jsonb language sql
return jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('column', p_column,
	'op', p_op, 'not', p_not, 'values', to_jsonb(p_values))));
create function pg_temp.create(p_who text, p_write text, p_args jsonb, p_view jsonb default '{}',
	p_key uuid default null)
returns cardkeep_api.answer language sql
return cardkeep_api.rest_run('create', pg_temp.token(p_who), pg_temp.id(p_write), p_args,
	pg_temp.view(p_view), p_key);
create function pg_temp.update(p_who text, p_write text, p_args jsonb, p_view jsonb default '{}',
	p_key uuid default null)
returns cardkeep_api.answer language sql
return cardkeep_api.rest_run('update', pg_temp.token(p_who), pg_temp.id(p_write), p_args,
	pg_temp.view(p_view), p_key);
create function pg_temp.save(p_who text, p_write text, p_args jsonb, p_view jsonb default '{}')
returns cardkeep_api.answer language sql
return cardkeep_api.rest_run('personal_info', pg_temp.token(p_who), pg_temp.id(p_write), p_args,
	pg_temp.view(p_view));
create function pg_temp.slug(p_who text, p_args jsonb, p_view jsonb default '{}')
returns cardkeep_api.answer language sql
return cardkeep_api.rest_run('slug', pg_temp.token(p_who), null, p_args, pg_temp.view(p_view));
create function pg_temp.rows(p_view jsonb default '{}', p_source text default 'business_cards',
	p_who text default 'ann')
returns text language sql
return (cardkeep_api.rest_run('rows', pg_temp.token(p_who), null,
	jsonb_build_object('source', p_source), pg_temp.view(p_view))).body;
create function pg_temp.error(a cardkeep_api.answer) returns text language sql
return a.status || ' ' || a.detail || ' ' || (a.body::jsonb ->> 'message');

-- Creating
set local timezone = 'UTC';
select is(pg_temp.seen(pg_temp.create('ann', 'c1', '{"p_name": "Ann", "slug": "ann"}')), '201 v1',
	'a creation');
select is((pg_temp.create('ann', 'c1', '{"p_name": "Ann", "slug": "ann"}')).body,
	(select format(E'0 1 *\n[{"id":"%s","slug":"ann","name":"Ann","created_at":%s}]', b.id,
	to_json(b.created_at)) from cardkeep.business_cards b where b.id = pg_temp.id('c1')),
	'answers the row of the promised function');
select is(pg_temp.seen(pg_temp.create('ann', 'c1', '{"p_name": "Ann", "slug": "ann"}')),
	'201 v1 again', 'its repeat is answered as the first was');
select is((select h.session_id from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c1')), pg_temp.id('ann'), 'history knows the session');
select is(pg_temp.seen(pg_temp.create('ann', 'c2', jsonb_build_object('p_name', 'Two', 'slug', 'two',
	'p_user_id', pg_temp.id('ann')))), '201 v1', 'p_user_id may be the caller');
select is(pg_temp.seen(pg_temp.create('ann', 'c3', jsonb_build_object('p_name', 'X', 'slug', 'x',
	'p_user_id', pg_temp.id('bob')))), '403 v0', 'and nobody else');
select is(pg_temp.seen(pg_temp.create('ann', 'c3', '{"p_name": "X", "p_user_id": null}')), '403 v0',
	'nor nobody');
select is(pg_temp.error(pg_temp.create('ann', 'c3', '{"p_name": "X", "p_user_id": "me"}')),
	'422 22P02 invalid input syntax for type uuid: "me"', 'a value of the wrong type is SQL''s error');
select is(pg_temp.error(pg_temp.create('ann', 'c3', '{"p_name": ""}')),
	'422 22023 p_name must be given', 'a name must be given');
select is((pg_temp.create('ann', 'c3', '{"p_name": "X", "p_fields_config": [1]}')).detail, '23514',
	'what no card may hold is refused');
select is((pg_temp.create('out', 'c3', '{"p_name": ""}')).status, 401,
	'who has no session is told nothing else');
select is((pg_temp.create('out', 'c3', jsonb_build_object('p_name', 'X', 'p_user_id',
	pg_temp.id('bob')))).status, 401, 'whoever it says it is');
select is(pg_temp.error(pg_temp.create('ann', 'c3', '{"p_name": "X"}',
	pg_temp.filter('name', 'eq', '{Y}') || '{"single": true}')),
	'422 PGRST116 Cannot coerce the result to a single JSON object', 'no row where one was wanted');
select is_empty($$select from cardkeep.business_cards b where b.id = pg_temp.id('c3')$$,
	'and nothing of all these was applied');
select is(pg_temp.error(pg_temp.create('ann', 'c3', '{"p_name": "X"}', '{"select": ["user_id"]}')),
	'422 42703 column create_business_card_atomic.user_id does not exist',
	'a column that the row has not is refused');
select is((pg_temp.create('ann', 'c4', '{"p_name": "Four"}', '{"select": ["slug"], "count": true,
	"single": true}')).body, E'0 1 1\n{"slug":"four"}', 'one row, one column, and its number');
select is((pg_temp.create('ann', 'c5', '{"p_name": "Five"}', '{"limit": 0}')).body, E'0 0 *\n[]',
	'no row, if none is wanted');

-- Under a key
select is(pg_temp.seen(pg_temp.create('ann', 'k1', '{"p_name": "Key"}', '{}', pg_temp.id('key'))),
	'201 v1', 'a keyed creation');
select is(pg_temp.seen(pg_temp.create('ann', 'k1', '{"p_name": "Key"}', '{}', pg_temp.id('key'))),
	'201 v1 again', 'is found by its key');
select is(pg_temp.seen(pg_temp.create('ann', 'k2', '{"p_name": "Key"}', '{}', pg_temp.id('key'))),
	'422 v0 key_reused', 'which names one request');
select is((pg_temp.create('ann', 'k3', '{"p_name": "K"}', '{"single": true, "limit": 0}',
	pg_temp.id('free'))).detail, 'PGRST116', 'what was taken back');
select is(pg_temp.seen(pg_temp.create('ann', 'k4', '{"p_name": "K"}', '{}', pg_temp.id('free'))),
	'201 v1', 'leaves its key free');

-- Updating
create function pg_temp.args(p_version integer, p_other jsonb default '{"p_name": "New"}')
returns jsonb language sql
return jsonb_build_object('p_card_id', pg_temp.id('c1'), 'p_expected_version', p_version) || p_other;
select is((pg_temp.update('ann', 'u1', pg_temp.args(1))).body,
	E'0 1 *\n[{"success":true,"new_version":2,"message":"Card updated"}]', 'an update');
select is(pg_temp.seen(pg_temp.update('ann', 'u1', pg_temp.args(1))), '200 v2 again', 'repeated');
select is(pg_temp.seen(pg_temp.update('ann', 'u2', pg_temp.args(2))), '200 v2 unchanged',
	'one that changes nothing');
select is(pg_temp.seen(pg_temp.update('ann', 'u3', pg_temp.args(1, '{"p_name": "Late"}'))), '409 v2',
	'a late one is a conflict');
select is((pg_temp.update('ann', 'u3', pg_temp.args(1, '{"p_name": "Late"}'))).body,
	E'0 1 *\n[{"success":false,"new_version":2,"message":"Version conflict"}]', 'told as a row');
select is((pg_temp.update('bob', 'u4', pg_temp.args(2))).body,
	E'0 1 *\n[{"success":false,"new_version":null,"message":"Card not found"}]',
	'somebody else''s card is not there');
select is((pg_temp.update('ann', 'u5', pg_temp.args(2, '{"p_name": "No", "p_is_public": "f"}'),
	pg_temp.filter('success', 'is', '{false}') || '{"single": true}')).detail, 'PGRST116',
	'an update whose row is not wanted');
select is((select b.version from cardkeep.business_cards b where b.id = pg_temp.id('c1')), 2,
	'is taken back');
select is(pg_temp.seen(pg_temp.update('ann', 'u6', pg_temp.args(2, '{"p_fields_config": {"a": 1.0},
	"p_template_type": "t", "p_is_public": false, "p_name": null}'))), '200 v3', 'every field');
select is(pg_temp.error(pg_temp.update('ann', 'u7', pg_temp.args(3, '{"p_expected_version": 3e9}'))),
	'422 22003 value "3000000000" is out of range for type integer', 'a number that is none');
select is((pg_temp.update('ann', 'u7', pg_temp.args(3, '{"p_expected_version": "3"}'))).status, 200,
	'a number as a text is one');

-- Profiles
select is((pg_temp.save('ann', 'p1', '{"p_expected_version": 0, "patch": {"full_name": "A"}}')).body,
	E'0 1 *\n[{"success":true,"new_version":1,"message":"Profile created","is_new":true}]',
	'a first profile');
select is((pg_temp.save('ann', 'p2', '{"p_expected_version": 1, "patch": {"full_name": ""}}')).body,
	E'0 1 *\n[{"success":true,"new_version":2,"message":"Profile updated","is_new":false}]',
	'the empty string clears');
select is((pg_temp.save('ann', 'p3', '{"p_expected_version": 1, "patch": {"full_name": "B"}}')).body,
	E'0 1 *\n[{"success":false,"new_version":2,"message":"Version conflict","is_new":false}]',
	'a late one is a conflict');
select is(pg_temp.seen(pg_temp.save('ann', 'p4', jsonb_build_object('p_user_id', pg_temp.id('bob'),
	'p_expected_version', 2, 'patch', '{}'::jsonb))), '403 v0', 'nobody else''s');

-- Slugs
select is((pg_temp.slug('ann', '{"base_slug": "x", "slug": "free"}')).body, E'0 1 *\n"free"',
	'a slug is a text');
select isnt((pg_temp.slug('ann', '{"slug": "free"}')).body, E'0 1 *\n"free"',
	'two calls of one wave get two');
select is(pg_temp.error(pg_temp.slug('ann', '{"slug": "ann", "max_attempts": 1}')),
	'422 23505 no free slug for "ann" in 1 attempts', 'attempts that are spent are SQL''s error');
select is((pg_temp.slug('ann', '{"slug": "ann", "max_attempts": null}')).detail, '22023',
	'null is no number of attempts');
select is((pg_temp.slug('out', '{"slug": "ann", "max_attempts": 0}')).status, 401,
	'nobody gets one');

select is(pg_temp.error(cardkeep_api.rest_run('professional_info', pg_temp.token('ann'),
	pg_temp.id('p9'), '{"p_expected_version": 0, "patch": {"job_title": "J"}}', pg_temp.view(
	'{"single": true, "limit": 0}'))), '422 PGRST116 Cannot coerce the result to a single JSON object',
	'a profile is not saved either where no row is wanted');
select is_empty($$select from cardkeep.professional_info p where p.user_id = pg_temp.id('ann')$$,
	'and is not there');

-- Rows
select is(pg_temp.seen(cardkeep_api.rest_run('professional_info', pg_temp.token('bob'),
	pg_temp.id('p10'), '{"p_expected_version": 0, "patch": {"job_title": "B"}}', pg_temp.view())),
	'201 v1', 'somebody else has a profile');
select is(pg_temp.seen(pg_temp.save('bob', 'p11',
	'{"p_expected_version": 0, "patch": {"full_name": "Bob"}}')), '201 v1', 'and another');
select is(pg_temp.rows('{"select": ["slug", "name"], "limit": 2, "count": true}'),
	E'0 2 6\n[{"slug":"k","name":"K"},{"slug":"key","name":"Key"}]', 'one''s own cards, newest first');
select is(pg_temp.rows(p_who => 'bob'), E'0 0 *\n[]', 'and nobody else''s');
select is(pg_temp.rows(p_who => 'out'), '', 'nor anything without a session');
select is(pg_temp.rows('{"select": ["slug", "name", "slug"], "limit": 1}'),
	E'0 1 *\n[{"slug":"k","name":"K"}]', 'a column that is named twice is there once');
select is(pg_temp.rows('{"select": ["slug"], "order": [{"column": "slug", "descending": false, "nulls":
	"last"}], "limit": 2, "offset": 1}'), E'1 2 *\n[{"slug":"five"},{"slug":"four"}]', 'ordered');
select is(pg_temp.rows(pg_temp.filter('slug', 'in', '{ann,two,nothing}') || '{"select": ["slug"]}'),
	E'0 2 *\n[{"slug":"two"},{"slug":"ann"}]', 'filtered by a list');
select is(pg_temp.rows(pg_temp.filter('slug', 'in', '{}')), E'0 0 *\n[]', 'an empty list fits nothing');
select is(pg_temp.rows(pg_temp.filter('slug', 'in', '{ann}', true) || '{"count": true, "limit": 0}'),
	E'0 0 5\n[]', 'all but a list');
select is(pg_temp.rows(pg_temp.filter('version', 'neq', '{1}') || '{"select": ["version"]}'),
	E'0 1 *\n[{"version":3}]', 'by a number');
select matches(pg_temp.rows(pg_temp.filter(c, op, '{"{\"a\": 1}"}', negated)),
	'"42804".*neither compared nor ordered', format('not by %s %s %s', c, op, negated))
from unnest('{fields_config,design_config}'::text[]) c, unnest('{eq,neq,in}'::text[]) op,
	unnest('{f,t}'::boolean[]) negated;
select is(pg_temp.rows(pg_temp.filter('fields_config', 'is', '{not_null}') || '{"select": ["slug"], "limit": 1}'),
	E'0 1 *\n[{"slug":"k"}]', 'but whether there is one may be asked');
select matches(pg_temp.rows('{"order": [{"column": "design_config", "descending": false}]}'),
	'"42804".*neither compared nor ordered', 'nor ordered by one');
select matches(pg_temp.rows(jsonb_build_object('filters', (select jsonb_agg(
		pg_temp.filter('version', 'eq', '{1}') -> 'filters' -> 0) from generate_series(1, 21)))),
	'"22023".*20 filters', 'of filters there are 20 at most');
select matches(pg_temp.rows(pg_temp.filter('version', 'in', array_fill('1'::text, array[101]))),
	'"22023".*100 values', 'and of values 100');
select matches(pg_temp.rows(jsonb_build_object('order', (select jsonb_agg(
		'{"column": "name", "descending": false}'::jsonb) from generate_series(1, 21)))),
	'"22023".*20 columns', 'of columns to order by 20');
select matches(pg_temp.rows(jsonb_build_object('select', (select jsonb_agg('name'::text)
		from generate_series(1, 1001)))),
	'"22023".*1000 columns', 'and of columns to select 1,000');
select is(pg_temp.rows(pg_temp.filter('is_public', 'is', '{false}') || '{"select": ["slug"]}'),
	E'0 1 *\n[{"slug":"ann"}]', 'by a truth');
select is(pg_temp.rows(pg_temp.filter('name', 'is', array[v]) || '{"select": ["slug"], "count": true,
	"limit": 0}'), E'0 0 ' || n || E'\n[]', 'by being ' || v)
from (values ('null', 0), ('not_null', 6)) x (v, n);
select is((cardkeep_api.rest_run('rows', pg_temp.token('ann'), null,
	'{"source": "business_cards"}', pg_temp.view(v))).detail, code,
	what)
from (values (pg_temp.filter('last_write', 'is', '{null}'), '42703', 'no column but those listed'),
	('{"select": ["last_write"]}', '42703', 'nor is another one read'),
	('{"order": [{"column": "xmin", "descending": false, "nulls": "last"}]}', '42703', 'nor ordered by'),
	(pg_temp.filter('id"; drop table users; --', 'eq', '{1}'), '42703', 'nor anything worse'),
	(pg_temp.filter('id', 'eq', '{''; select 1}'), '22P02', 'a value is a value'),
	(pg_temp.filter('name', 'is', '{true}'), '42804', 'a name is no truth'),
	('{"offset": 7, "count": true}', 'PGRST103', 'a page behind the last'),
	('{"single": true}', 'PGRST116', 'too many for one')) x (v, code, what);
select is(pg_temp.rows('{"single": true, "select": ["full_name", "version"]}', 'personal_info'),
	E'0 1 *\n{"full_name":null,"version":2}', 'a profile');
select is(pg_temp.rows('{}', 'professional_info'), E'0 0 *\n[]', 'one that was never written has no row');

-- Pages
insert into cardkeep.business_cards (id, user_id, name, slug)
select md5('many' || i)::uuid, pg_temp.id('bob'), 'M', 'many-' || i from generate_series(1, 150) i;
select is(split_part(pg_temp.rows('{"count": true, "limit": 1000}', p_who => 'bob'), E'\n', 1), '0 100 150',
	'a page has 100 rows at most');
update cardkeep.business_cards set fields_config = jsonb_build_object('a', repeat('x', 200000))
where user_id = pg_temp.id('bob');
select is(split_part(pg_temp.rows(p_who => 'bob'), E'\n', 1), '0 5 *', 'and 1 MiB');
update cardkeep.business_cards set design_config = jsonb_build_object('a', repeat('x', 900000))
where user_id = pg_temp.id('bob');
select is((cardkeep_api.rest_run('rows', pg_temp.token('bob'), null,
	'{"source": "business_cards"}', pg_temp.view(
	'{"single": true, "limit": 2}'))).body::jsonb ->> 'details', 'The result contains 2 rows',
	'a page that is cut is not taken for one row');

select * from finish();
rollback;
