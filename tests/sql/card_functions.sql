-- The promised functions on cards, as clients and psql call them.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

select is(pg_get_function_arguments('cardkeep.generate_unique_slug'::regproc),
	'base_slug text, max_attempts integer DEFAULT 10', 'generate_unique_slug has its parameters');
select is(pg_get_function_arguments('cardkeep.create_business_card_atomic'::regproc),
	'p_user_id uuid, p_name text, p_base_slug text DEFAULT NULL::text, '
	'p_template_type text DEFAULT NULL::text, p_fields_config jsonb DEFAULT NULL::jsonb, '
	'p_design_config jsonb DEFAULT NULL::jsonb', 'create_business_card_atomic has its parameters');
select is(pg_get_function_result('cardkeep.create_business_card_atomic'::regproc),
	'TABLE(id uuid, slug text, name text, created_at timestamp with time zone)',
	'and its result');
select is(pg_get_function_arguments('cardkeep.update_business_card_optimistic'::regproc),
	'p_card_id uuid, p_user_id uuid, p_expected_version integer, p_name text DEFAULT NULL::text, '
	'p_template_type text DEFAULT NULL::text, p_fields_config jsonb DEFAULT NULL::jsonb, '
	'p_design_config jsonb DEFAULT NULL::jsonb, p_is_public boolean DEFAULT NULL::boolean',
	'update_business_card_optimistic has its parameters');
select is(pg_get_function_result('cardkeep.update_business_card_optimistic'::regproc),
	'TABLE(success boolean, new_version integer, message text)', 'and its result');

create temporary table made as select * from cardkeep.create_business_card_atomic(
	pg_temp.id('ann'), E'  Cafe\u0301 ', null, 'big', '{"a": 1}', '{"b": 2}');
select is((select (m.name, m.slug)::text from made m), (E'Caf\u00e9'::text, 'cafe'::text)::text,
	'a card is made with its name trimmed and normalised, and a slug from it');
select is((select (b.slug, b.template_type, b.fields_config, b.design_config, b.is_public, b.version,
	b.created_at)::text from cardkeep.business_cards b join made m using (id)),
	(select ('cafe'::text, 'big'::text, '{"a": 1}'::jsonb, '{"b": 2}'::jsonb, true, 1,
	m.created_at)::text from made m), 'and is there, at version 1');
select is((select (h.version, h.session_id is null)::text from cardkeep.business_card_versions h
	join made m on m.id = h.card_id), (1, true)::text, 'with version 1 in history, of no session');
select is((select c.slug from cardkeep.create_business_card_atomic(pg_temp.id('ann'), 'X', 'Base Slug')
	c), 'base-slug', 'a base slug goes through the slug rule');
select matches((select c.slug from cardkeep.create_business_card_atomic(pg_temp.id('bob'), 'X',
	'base-slug') c), '^base-slug-[a-z0-9]{6}$', 'a taken one gets a suffix');
select is((select count(*) from generate_series(1, 20), lateral
	cardkeep.create_business_card_atomic(pg_temp.id('bob'), 'Twenty')), 20::bigint,
	'twenty of one name in one transaction all succeed');
select throws_ok($$select cardkeep.create_business_card_atomic(gen_random_uuid(), 'X')$$, '23503',
	null, 'an unknown user is refused');
select throws_ok($$select cardkeep.create_business_card_atomic(null, 'X')$$, '22023', null,
	'no user is refused');
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, '   ')$$,
	pg_temp.id('ann')), '22023', null, 'an empty name is refused');
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, repeat('x', 201))$$,
	pg_temp.id('ann')), '23514', null, 'a name of 201 characters is refused');
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, 'X',
	p_template_type => 'No!')$$, pg_temp.id('ann')), '23514', null, 'a bad template is refused');
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, 'X',
	p_fields_config => '[1]')$$, pg_temp.id('ann')), '23514', null,
	'a document that is no object is refused');

create function pg_temp.numbers(p_count integer) returns jsonb language sql
return jsonb_build_object('n', (select jsonb_agg('1e9999'::numeric) from generate_series(1, p_count)));
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, 'X',
	p_fields_config => pg_temp.numbers(53))$$, pg_temp.id('ann')), '23514',
	'a document of a card takes at most 512 KiB when it is printed',
	'a document that is printed on more than 512 KiB is refused, few as its bytes are');
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, 'X',
	p_design_config => pg_temp.numbers(53))$$, pg_temp.id('ann')), '23514', null, 'the other one too');
select lives_ok(format($$select cardkeep.create_business_card_atomic(%L, 'X',
	p_fields_config => pg_temp.numbers(52))$$, pg_temp.id('ann')), 'a smaller one is taken');
select throws_ok(format($$select cardkeep.update_business_card_optimistic(%L, %L, 1,
	p_fields_config => pg_temp.numbers(53))$$, (select id from made), pg_temp.id('ann')), '23514', null,
	'nor does an update take one');

create function pg_temp.update_made(p_who text, p_version integer, p_name text) returns text
language sql
return (select u::text from made m, lateral cardkeep.update_business_card_optimistic(m.id,
	pg_temp.id(p_who), p_version, p_name) u);
select is(pg_temp.update_made('ann', 1, ' Two '), '(t,2,"Card updated")',
	'an update from the current version succeeds');
select is((select b.name from cardkeep.business_cards b join made m using (id)), 'Two',
	'with its name trimmed');
select is(pg_temp.update_made('ann', 1, 'Three'), '(f,2,"Version conflict")',
	'one from an older version gets the current one');
select is(pg_temp.update_made('ann', null, 'Three'), '(f,2,"Version conflict")',
	'no version is no current version');
select is(pg_temp.update_made('ann', 2, 'Two'), '(t,2,"Card updated")',
	'one that changes nothing writes nothing');
select is(pg_temp.update_made('ann', 2, null), '(t,2,"Card updated")', 'null keeps a field');
select is(pg_temp.update_made('bob', 2, 'Theft'), '(f,,"Card not found")',
	'somebody else''s card looks as if it were not there');
select is((select u::text from cardkeep.update_business_card_optimistic(gen_random_uuid(),
	pg_temp.id('ann'), 1, 'X') u), '(f,,"Card not found")', 'an unknown card is not found');
select is((select u::text from made m, lateral cardkeep.update_business_card_optimistic(m.id,
	pg_temp.id('ann'), 2, p_template_type => 't', p_fields_config => '{"n": 1}',
	p_design_config => '{}', p_is_public => false) u), '(t,3,"Card updated")',
	'every field can be changed');
select is((select (b.name, b.template_type, b.fields_config, b.design_config, b.is_public)::text
	from cardkeep.business_cards b join made m using (id)),
	('Two'::text, 't'::text, '{"n": 1}'::jsonb, '{}'::jsonb, false)::text, 'and is');
select is((select (h.b_name, h.b_template_type, h.b_fields_config, h.b_design_config, h.b_is_public,
	h.session_id is null)::text from cardkeep.business_card_versions h
	join made m on m.id = h.card_id where h.version = 3),
	(null::text, 'big'::text, '{"a": 1}'::jsonb, '{"b": 2}'::jsonb, true, true)::text,
	'history holds what was before, of no session');
select throws_ok(format($$select cardkeep.update_business_card_optimistic(%L, %L, 3,
	p_name => ' ')$$, m.id, pg_temp.id('ann')), '23514', null, 'an empty name is refused')
from made m;

select * from finish();
rollback;
