-- Nothing that takes more time or room than its input has is done before a bound is looked at.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann') \g /dev/null

create function pg_temp.marks(p_count integer) returns text language sql immutable
return 'e' || repeat(U&'\0301\0316', p_count / 2);

-- Names. To normalise a run of marks takes time by its square: what is too long however it is put is
-- left as it is.
select is(cardkeep_api.clean_name(E' \u00e9a\u0301 '), E'\u00e9\u00e1', 'a name is trimmed and normalised');
select is(cardkeep_api.clean_name(repeat('a', 199) || E'e\u0301'), repeat('a', 199) || E'\u00e9',
	'so is one that is short enough when it is');
select is(cardkeep_api.clean_name(pg_temp.marks(800)), pg_temp.marks(800),
	'one of more than 800 characters is not normalised');
select is(cardkeep_api.clean_name(repeat(' ', 100000) || 'x'), repeat(' ', 100000) || 'x',
	'nor trimmed');
select throws_ok(format('select cardkeep.create_business_card_atomic(%L, %L)', pg_temp.id('ann'),
	pg_temp.marks(200000)), '23514', null, 'and is no name');
select pg_temp.create_card('ann', 'c', 'Card') \g /dev/null
select throws_ok(format('select cardkeep.update_business_card_optimistic(%L, %L, 1, %L)', pg_temp.id('c'),
	pg_temp.id('ann'), pg_temp.marks(200000)), '23514', null, 'nor may a card get it');
select is(r.detail, '23514', format('nor by %s over REST', f))
from unnest('{create,update}'::text[]) f,
	lateral cardkeep_api.rest_run(f, pg_temp.token('ann'), pg_temp.id('rest ' || f), jsonb_build_object(
		'p_name', pg_temp.marks(200000), 'p_card_id', pg_temp.id('c'), 'p_expected_version', 1),
		'{"filters": [], "order": [], "offset": 0, "count": false, "single": false}', null) r;

-- Slugs
select is(cardkeep_api.slugify(repeat(U&'\0301', 400) || 'a'), 'card',
	'a slug is made of the first 400 characters');
select is(cardkeep_api.slugify(repeat(U&'\0301', 399) || 'a'), 'a', 'of all of them');
select is(cardkeep.generate_unique_slug(pg_temp.marks(200000)), 'e', 'however many there are');
select is(cardkeep_legacy.clean_name(E'\n' || repeat('x', 100) || repeat(' ', 800) || 'y'), repeat('x', 100),
	'a name from before is cut before it is normalised');

-- Documents. A number of 8 bytes may be printed with 16,384 digits.
create function pg_temp.numbers(p_number text, p_count integer) returns jsonb language sql
return ('[' || repeat(p_number || ',', p_count - 1) || p_number || ']')::jsonb;
select is(cardkeep_api.document_fits(pg_temp.numbers('1e-16383', 100000)), false,
	'numbers that would be printed with a gigabyte of digits are not printed');
select is(cardkeep_api.document_fits(pg_temp.numbers('1e131071', 100000)), false, 'large ones neither');
select is(cardkeep_api.document_fits(pg_temp.numbers('1e-16383', n)), n < 32,
	format('%s of the longest', n)) from unnest(array[1, 31, 32]) n;
select is(cardkeep_api.document_fits(pg_temp.numbers('-0e-16383', 100000)), false, 'nor zeros');
select is(cardkeep_api.document_fits(pg_temp.numbers('0', n)), 3 * n <= 524288,
	format('%s of the shortest', n)) from unnest(array[174762, 174763]) n;
select is(cardkeep_api.document_fits(to_jsonb(repeat('x', n))), n + 2 <= 524288,
	format('a text of %s', n)) from unnest(array[524286, 524287]) n;
select is(cardkeep_api.document_fits(jsonb_build_object('a', repeat('x', n))), n + 9 <= 524288,
	format('a document that is printed with %s', n + 9)) from unnest(array[524279, 524280]) n;
select is(cardkeep_api.document_fits(d), true, format('%s fits', d))
from unnest(array['{}', '[]', 'null', '1e300', '{"a": {"b": [1.5, -0.1, true, null, "x"]}}']::jsonb[]) d;
select is(cardkeep_api.document_fits(null), null, 'no document is no question');
select is(r.detail, '22023', 'arguments that are printed so are refused before one of them becomes a text')
from cardkeep_api.rest_run('create', pg_temp.token('ann'), pg_temp.id('expanding'),
	jsonb_build_object('p_name', pg_temp.numbers('1e-16383', 20000)),
	'{"filters": [], "order": [], "offset": 0, "count": false, "single": false}') r;

-- Keys, of all levels together
create function pg_temp.keys_of(p_count integer) returns jsonb language sql
return jsonb_build_object('list', jsonb_build_array(1, (select jsonb_object_agg('k' || i, '{}'::jsonb)
	from generate_series(1, p_count - 2) i)), 'last', 1);
select is(cardkeep_api.document_keys_fit(pg_temp.keys_of(n)), n <= 4096, format('%s keys', n))
from unnest(array[2, 4096, 4097]) n;
select throws_ok(format('select cardkeep.%s', c), '23514', 'a document of a card has at most 4,096 keys',
	format('none has more by %s', split_part(c, '(', 1)))
from unnest(array[
	format('create_business_card_atomic(%L, %L, p_fields_config => %L)', pg_temp.id('ann'), 'K',
		pg_temp.keys_of(4097)),
	format('create_business_card_atomic(%L, %L, p_design_config => %L)', pg_temp.id('ann'), 'K',
		pg_temp.keys_of(4097)),
	format('update_business_card_optimistic(%L, %L, 1, p_fields_config => %L)', pg_temp.id('c'),
		pg_temp.id('ann'), pg_temp.keys_of(4097))]) c;

-- What has more already, is read and changed as before, but for that document.
select pg_temp.create_card('ann', 'wide', 'Wide', pg_temp.keys_of(5000)),
	pg_temp.rename_card('ann', 'wide 2', 'wide', '{1}', 'Wider') \g /dev/null
select is(pg_temp.seen(cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id('wide 3'),
	pg_temp.id('wide'), '{1}', row(null, null, null, '{"a": 1}', null))), '200 v3 merged',
	'a card with more keys than may be is merged with in its other fields');
select is(pg_temp.seen(cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id('wide 4'),
	pg_temp.id('wide'), '{1}', row(null, null, pg_temp.keys_of(5000) || '{"last": 2}', null, null))),
	'422 v3 fields_config', 'not in the document that has them');
select is((u.success, u.new_version)::text, '(t,4)', 'and is changed by direct SQL')
from cardkeep.update_business_card_optimistic(pg_temp.id('wide'), pg_temp.id('ann'), 3, 'Widest') u;

select * from finish();
rollback;
