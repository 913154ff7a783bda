-- Cards as the service calls them: every status, repeats, pages.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

-- Creating
select is(pg_temp.seen(pg_temp.create_card('ann', 'c1', 'My Card', '{"a": 1}')), '201 v1',
	'creating answers 201 and version 1');
select is(pg_temp.seen(pg_temp.create_card('ann', 'c1', 'My Card', '{"a": 1}')), '201 v1 again',
	'a repeated creation is answered as the first was');
select is(pg_temp.keys((pg_temp.create_card('ann', 'c1', 'My Card')).body), 'id user_id name slug '
	'template_type fields_config design_config is_public version created_at updated_at',
	'a card shows the fields of the contract in its order');
select is((pg_temp.create_card('ann', 'c1', 'My Card')).body::jsonb - 'created_at' - 'updated_at',
	jsonb_build_object('id', pg_temp.id('c1'), 'user_id', pg_temp.id('ann'), 'name', 'My Card',
		'slug', 'my-card', 'template_type', 'personal-small', 'fields_config', '{"a": 1}'::jsonb,
		'design_config', '{}'::jsonb, 'is_public', true, 'version', 1),
	'what is left out takes its default');
select matches((pg_temp.create_card('bob', 'c2', 'My Card')).body::json ->> 'slug',
	'^my-card-[a-z0-9]{6}$', 'the second card of a name gets a suffix of six');
select is(pg_temp.seen(pg_temp.create_card('bob', 'c1', 'My Card')), '409 v0 id_taken',
	'somebody else''s write id is refused');
select is(pg_temp.seen(pg_temp.create_card('nobody', 'c3', 'My Card')), '401 v0',
	'nobody can create');
select matches((pg_temp.create_card('ann', 'c4', 'Admin')).body::json ->> 'slug',
	'^admin-[a-z0-9]{6}$', 'a reserved word is never a slug');
select is((cardkeep_api.create_card(pg_temp.token('ann'), pg_temp.id('c5'), 'chosen', row('X', 'big-1',
	'{"a": 1}', '{"b": 2}', false))).body::jsonb - '{id,user_id,created_at,updated_at}'::text[],
	'{"name": "X", "slug": "chosen", "template_type": "big-1", "fields_config": {"a": 1},
	"design_config": {"b": 2}, "is_public": false, "version": 1}', 'what is given is kept');
select is((select (h.version, h.session_id, h.write_id, h.at, num_nonnulls(h.b_name, h.b_slug,
	h.b_template_type, h.b_fields_config, h.b_design_config, h.b_is_public))::text
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id('c1')),
	(select (1, pg_temp.id('ann'), pg_temp.id('c1'), b.created_at, 0)::text
	from cardkeep.business_cards b where b.id = pg_temp.id('c1')),
	'version 1 stands in history with its session and write id, and nothing before it');

-- Reading
select is(pg_temp.seen(cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c1'))), '200 v1',
	'a card of one''s own can be read');
select is(pg_temp.seen(cardkeep_api.read_card(pg_temp.token('bob'), pg_temp.id('c1'))), '404 v0',
	'somebody else''s looks as if it were not there');
select is(pg_temp.seen(cardkeep_api.read_card(pg_temp.token('nobody'), pg_temp.id('c1'))), '401 v0',
	'nobody can read it');
select is(pg_temp.seen(cardkeep_api.check_card(pg_temp.token('ann'), pg_temp.id('c1'))), '200 v1 my-card',
	'a card of one''s own passes the check');
select is(pg_temp.seen(cardkeep_api.check_card(pg_temp.token('bob'), pg_temp.id('c1'))), '404 v0',
	'somebody else''s does not');
select is(pg_temp.seen(cardkeep_api.check_card(pg_temp.token('nobody'), pg_temp.id('c1'))), '401 v0',
	'nobody passes it');

-- Changing
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w1', 'c1', '{1}', 'New')), '200 v2',
	'an update from the current version raises it by one');
select is((select b.slug from cardkeep.business_cards b where b.id = pg_temp.id('c1')), 'my-card',
	'a change of name keeps the slug');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w1', 'c1', '{1}', 'New')), '200 v2 again',
	'a repeated update is answered as the first was');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w1', 'c1', '{1,1}', 'New')), '200 v2 again',
	'also where it names its version twice');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w2', 'c1', '{2}', 'New')), '200 v2 unchanged',
	'an update that changes nothing writes nothing');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'c1', '{1}', 'Old')), '409 v2',
	'an update from an older version is refused');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'c1', '{}', 'Old')), '409 v2',
	'no expected version matches nothing');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'c1', '{2147483647,-5}', 'Old')), '409 v2',
	'nor do numbers that no version can be');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w4', 'c1', '{7,2,9}', 'Newer')), '200 v3',
	'one of several expected versions is enough');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w1', 'c1', '{1}', 'New')), '200 v2 again',
	'a repeat is found after later versions too');
select is((pg_temp.rename_card('ann', 'w1', 'c1', '{1}', 'New')).body::json ->> 'name', 'New',
	'and shows the card as of its own version');
select is((pg_temp.rename_card('ann', 'w1', 'c1', '{1}', 'New')).body::json ->> 'updated_at',
	(select cardkeep_api.stamp(h.at) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c1') and h.version = 2), 'with the time of that version');
select is((pg_temp.create_card('ann', 'c1', 'My Card')).body::json ->> 'name', 'My Card',
	'a repeated creation shows the card as of version 1');
select is(pg_temp.seen(pg_temp.rename_card('bob', 'w5', 'c1', '{3}', 'Theft')), '404 v0',
	'somebody else''s card cannot be changed');
select is(pg_temp.seen(pg_temp.rename_card('bob', 'w1', 'c1', '{1}', 'New')), '404 v0',
	'nor can its writes be repeated');
select is(pg_temp.seen(pg_temp.rename_card('nobody', 'w5', 'c1', '{3}', 'Theft')), '401 v0',
	'nobody can change it');
select is((cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('w6'), pg_temp.id('c1'), '{3}',
	row('N', 't-2', '{"f": 1}', '{"d": 1}', false))).body::jsonb
	- '{id,user_id,slug,created_at,updated_at}'::text[], '{"name": "N", "template_type": "t-2",
	"fields_config": {"f": 1}, "design_config": {"d": 1}, "is_public": false, "version": 4}',
	'every field can be changed');
select is((select (h.b_name, h.b_template_type, h.b_fields_config, h.b_design_config,
	h.b_is_public, h.b_slug is null, h.session_id, h.write_id)::text
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id('c1') and h.version = 4),
	('Newer'::text, 'personal-small'::text, '{"a": 1}'::jsonb, '{}'::jsonb, true, true,
	pg_temp.id('ann'), pg_temp.id('w6'))::text,
	'history holds what every changed field was before, and who wrote it');
select is((select num_nonnulls(h.b_name, h.b_slug, h.b_template_type, h.b_fields_config,
	h.b_design_config, h.b_is_public) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c1') and h.version = 2), 1, 'and nothing of fields that stayed');
select ok((select bool_and(b.updated_at >= b.created_at) and count(*) = 1
	from cardkeep.business_cards b where b.id = pg_temp.id('c1')
	and b.updated_at = (select max(h.at) from cardkeep.business_card_versions h
		where h.card_id = b.id)), 'the card''s time is that of its last version');

-- Deleting
create function pg_temp.delete_card(p_who text, p_write text, p_card text, p_expected integer[])
returns cardkeep_api.answer language sql
return cardkeep_api.delete_card(pg_temp.token(p_who), pg_temp.id(p_write), pg_temp.id(p_card),
	p_expected);
select is(pg_temp.seen(pg_temp.delete_card('ann', 'd1', 'c1', '{3}')), '409 v4',
	'a deletion from an older version is refused');
select is((pg_temp.delete_card('ann', 'd1', 'c1', '{3}')).body::json ->> 'conflictingFields', '[]',
	'and has no fields in conflict');
select is(pg_temp.seen(pg_temp.delete_card('bob', 'd1', 'c1', '{4}')), '404 v0',
	'somebody else''s card cannot be deleted');
select is(pg_temp.seen(pg_temp.delete_card('nobody', 'd1', 'c1', '{4}')), '401 v0',
	'nobody can delete it');
select is(pg_temp.seen(pg_temp.delete_card('ann', 'd1', 'c1', '{4}')), '204 v5',
	'a deletion from the current version answers 204');
select is(pg_temp.seen(pg_temp.delete_card('ann', 'd1', 'c1', '{4}')), '204 v5 again',
	'a repeated deletion is answered as the first was');
select is(pg_temp.seen(pg_temp.delete_card('ann', 'd1', 'c1', '{4,4}')), '204 v5 again',
	'also where it names its version twice');
select is(pg_temp.seen(pg_temp.delete_card('ann', 'd2', 'c1', '{4}')), '404 v0',
	'deleting it anew is 404');
select is(pg_temp.seen(cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c1'))), '404 v0',
	'a deleted card is gone');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w9', 'c1', '{4}', 'Back')), '404 v0',
	'and cannot be changed');
select is((select (h.is_deletion, h.session_id, h.write_id, h.b_name, h.b_slug, h.b_template_type,
	h.b_fields_config, h.b_design_config, h.b_is_public)::text
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id('c1') and h.version = 5),
	(true, pg_temp.id('ann'), pg_temp.id('d1'), 'N'::text, 'my-card'::text, 't-2'::text,
	'{"f": 1}'::jsonb, '{"d": 1}'::jsonb, false)::text, 'its last version holds all of it');
select is((select count(*) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('c1')), 5::bigint, 'one row a version, the deletion too');
select is((select (r.card_id, r.user_id)::text from cardkeep.retired_slugs r
	where r.slug = 'my-card'), (pg_temp.id('c1'), pg_temp.id('ann'))::text,
	'its slug is retired, with whose it was');
select matches((pg_temp.create_card('bob', 'c6', 'My card')).body::json ->> 'slug',
	'^my-card-[a-z0-9]{6}$', 'and never given again');
select is(pg_temp.seen(pg_temp.create_card('ann', 'c1', 'My Card')), '201 v1 again',
	'a creation''s repeat finds itself after the deletion');
select is((pg_temp.create_card('ann', 'c1', 'My Card')).body::jsonb
	- '{created_at,updated_at}'::text[], jsonb_build_object('id', pg_temp.id('c1'), 'user_id',
	pg_temp.id('ann'), 'name', 'My Card', 'slug', 'my-card', 'template_type', 'personal-small',
	'fields_config', '{"a": 1}'::jsonb, 'design_config', '{}'::jsonb, 'is_public', true, 'version',
	1), 'and shows the card as of version 1');
select is(pg_temp.seen(pg_temp.create_card('bob', 'c1', 'My Card')), '409 v0 id_taken',
	'a deleted card''s id is never given to somebody else');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w1', 'c1', '{1}', 'New')), '200 v2 again',
	'an update''s repeat finds itself after the deletion');

-- A session that has ended
select pg_temp.create_card('bob', 'b1', 'Bob'), pg_temp.rename_card('bob', 'bw', 'b1', '{1}', 'B'),
	pg_temp.create_card('bob', 'b2', 'Bob'), pg_temp.delete_card('bob', 'bd', 'b2', '{1}'),
	cardkeep_api.end_session(pg_temp.token('bob'), pg_temp.id('out'), null) \g /dev/null
select is(pg_temp.seen(pg_temp.create_card('bob', 'b3', 'Bob')), '401 v0',
	'an ended session creates nothing');
select is(pg_temp.seen(pg_temp.rename_card('bob', 'bx', 'b1', '{2}', 'C')), '401 v0',
	'changes nothing');
select is(pg_temp.seen(pg_temp.delete_card('bob', 'bx', 'b1', '{2}')), '401 v0',
	'deletes nothing');
select is(pg_temp.seen(pg_temp.create_card('bob', 'b1', 'Bob')), '201 v1 again',
	'but learns how its own creation came out');
select is(pg_temp.seen(pg_temp.rename_card('bob', 'bw', 'b1', '{1}', 'B')), '200 v2 again',
	'its own update');
select is(pg_temp.seen(pg_temp.delete_card('bob', 'bd', 'b2', '{1}')), '204 v2 again',
	'and its own deletion');

-- Listing
select pg_temp.sign_up('cat') \g /dev/null
create function pg_temp.list(p_limit integer, p_cursor text) returns cardkeep_api.answer
language sql
return cardkeep_api.list_cards(pg_temp.token('cat'), p_limit, split_part(p_cursor, '-', 1)::bigint,
	substr(p_cursor, strpos(p_cursor, '-') + 1)::uuid);
create function pg_temp.names(a cardkeep_api.answer) returns text language sql
return (select string_agg(c ->> 'name', ' ') from json_array_elements(a.body::json -> 'cards') c);
select is((pg_temp.list(10, null)).body::jsonb, '{"cards": [], "next": null}',
	'no cards are an empty page');
select pg_temp.create_card('cat', 'k' || i, 'n' || i) from generate_series(1, 5) i \g /dev/null
select is(pg_temp.names(pg_temp.list(10, null)), 'n5 n4 n3 n2 n1', 'cards are listed newest first');
select is((pg_temp.list(10, null)).body::json ->> 'next', null, 'the last page has no next');
select is((pg_temp.list(10, null)).detail, '', 'nor a cursor');
select is(pg_temp.names(pg_temp.list(2, null)), 'n5 n4', 'a page holds at most so many');
select is((pg_temp.list(2, null)).body::json ->> 'next', (pg_temp.list(2, null)).detail,
	'the cursor stands in the body and beside it');
select is(pg_temp.names(pg_temp.list(2, (pg_temp.list(2, null)).detail)), 'n3 n2',
	'the next page goes on where it ended');
select is(pg_temp.names(pg_temp.list(2, (pg_temp.list(2, (pg_temp.list(2, null)).detail)).detail)),
	'n1', 'to the last card');
update cardkeep.business_cards set created_at = '2026-01-01 00:00:00.123457+00', version = version + 1,
	last_write = gen_random_uuid() where user_id = pg_temp.id('cat');
select is((select count(distinct n) from (
	with recursive pages as (
		select pg_temp.list(1, null) as a
		union all
		select pg_temp.list(1, (p.a).detail) from pages p where (p.a).detail <> '')
	select pg_temp.names(a) as n from pages) x), 5::bigint,
	'cards of one microsecond are all reached, each by its own page');
select is(pg_temp.seen(cardkeep_api.list_cards(pg_temp.token('nobody'), 10, null, null)), '401 v0',
	'nobody''s cards are not listed');
select pg_temp.refield_card('cat', 'big' || i, 'k' || i, '{2}',
	jsonb_build_object('text', repeat('x', 400000))) from generate_series(1, 5) i \g /dev/null
select is(json_array_length((pg_temp.list(10, null)).body::json -> 'cards'), 2,
	'a page ends before 1 MiB');
select ok(octet_length((pg_temp.list(10, null)).body) <= 1048576, 'and is not larger than that');
select is(json_array_length((pg_temp.list(10, (pg_temp.list(10, null)).detail)).body::json
	-> 'cards'), 2, 'what did not fit is on the next');
select pg_temp.refield_card('cat', 'huge', 'k1', '{3}',
	jsonb_build_object('text', repeat('x', 1100000))) \g /dev/null
select is((select count(distinct n) from (
	with recursive pages as (
		select pg_temp.list(10, null) as a
		union all
		select pg_temp.list(10, (p.a).detail) from pages p where (p.a).detail <> '')
	select c ->> 'name' as n from pages, json_array_elements((a).body::json -> 'cards') c) x),
	5::bigint, 'a card larger than a page has a page of its own');

select * from finish();
rollback;
