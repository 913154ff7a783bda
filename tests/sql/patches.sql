-- Merge patches (RFC 7396): worked out against the card at the version that they name, and applied once.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

-- Appendix A of the RFC, but what no jsonb function could tell.
select is(cardkeep_api.merge_patch(t::jsonb, p::jsonb), r::jsonb, t || ' patched by ' || p) from (values
	('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
	('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
	('{"a":"b"}', '{"a":null}', '{}'),
	('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
	('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
	('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
	('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
	('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
	('["a","b"]', '["c","d"]', '["c","d"]'),
	('{"a":"b"}', '["c"]', '["c"]'),
	('{"a":"foo"}', 'null', 'null'),
	('{"a":"foo"}', '"bar"', '"bar"'),
	('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
	('[1,2]', '{"a":"b","c":null}', '{"a":"b"}'),
	('{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')) v(t, p, r);
select is(cardkeep_api.patched('{"a": 1}', 'null'), '{}', 'a document that is removed is empty');
select is(cardkeep_api.patched('{"a": 1}', null), null, 'one that the request leaves out is not there');

create function pg_temp.patch(p_who text, p_write text, p_card text, p_expected integer[], p_fields jsonb,
	p_merge boolean default false, p_key text default null)
returns cardkeep_api.answer language sql
return cardkeep_api.patch_card(pg_temp.token(p_who), pg_temp.id(p_write), pg_temp.id(p_card), p_expected,
	row(null, null, p_fields, null, null), p_merge, pg_temp.id(p_key));
create function pg_temp.fields(a cardkeep_api.answer) returns text language sql
return a.body::jsonb ->> 'fields_config';

select pg_temp.create_card('ann', 'c', 'One', '{"a": 1, "n": 1.50}') \g /dev/null
select is(pg_temp.seen(pg_temp.patch('ann', 'w2', 'c', '{1}', '{"b": 2}')), '200 v2', 'a patch is applied');
select is(pg_temp.seen(pg_temp.patch('ann', 'w2', 'c', '{1}', '{"b": 2}')), '200 v2 again',
	'the repeat of the same write finds itself');
select is(pg_temp.fields(pg_temp.patch('ann', 'w2', 'c', '{1}', '{"b": 2}')),
	'{"a": 1, "b": 2, "n": 1.50}', 'and is answered as the first was, every digit of it');
select is(pg_temp.seen(pg_temp.patch('ann', 'w3', 'c', '{2}', '{"b": 2, "x": null}')), '200 v2 unchanged',
	'one that changes nothing writes nothing');
select is(pg_temp.seen(pg_temp.patch('bob', 'x', 'c', '{2}', '{"b": 3}')), '404 v0',
	'somebody else''s card is none');
select is(pg_temp.seen(pg_temp.patch('eve', 'x', 'c', '{2}', '{"b": 3}')), '401 v0', 'nobody patches nothing');
select is(pg_temp.seen(pg_temp.patch('ann', 'w4', 'c', '{2}', '{"a": null}', false, 'k')), '200 v3',
	'under a key as well');
select is(pg_temp.seen(pg_temp.patch('ann', 'w4', 'c', '{2}', '{"a": null}', false, 'k')), '200 v3 again',
	'whose repeat is answered');
select is(pg_temp.seen(pg_temp.patch('ann', 'w5', 'c', '{2}', '{"a": 7}', false, 'k')), '422 v0 key_reused',
	'and which is another request''s no more');
select is((pg_temp.patch('ann', 'x', 'c', '{1}', '{"a": 5}')).body::jsonb -> 'conflictingFields',
	'[{"field": "fields_config.a", "base": 1, "mine": 5, "theirs": null},
	{"field": "fields_config.b", "base": null, "mine": null, "theirs": 2}]',
	'a stale one is told what it would have made of the card that it saw');
select is((pg_temp.patch('ann', 'x', 'c', '{9}', '{"b": 5}')).body::jsonb -> 'conflictingFields',
	'[{"field": "fields_config.b", "mine": 5, "theirs": 2}]',
	'where that is not known, of the card as it is');
select is(pg_temp.seen(pg_temp.patch('ann', 'm', 'c', '{1}', '{"d": 4}', true)), '200 v4 merged',
	'one that is to be merged is');
select is(pg_temp.fields(cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c'))),
	'{"b": 2, "d": 4, "n": 1.50}', 'with what both sides did');
select is(pg_temp.seen(pg_temp.patch('ann', 'm', 'c', '{1}', '{"d": 4}', true)), '200 v4 again merged',
	'and its repeat is answered so');
select is(pg_temp.seen(pg_temp.patch('ann', 'x', 'c', '{1}', '{"a": 4}', true)), '409 v4',
	'but not where both wrote one key');
select is(pg_temp.seen(pg_temp.patch('ann', 'x', 'c', '{4}', jsonb_build_object('t', repeat('x', 600000)))),
	'422 v4 fields_config', 'what would be too large is refused by its name');
update cardkeep.sessions set ended_at = clock_timestamp(), ended_by = gen_random_uuid() where user_id = pg_temp.id('ann');
select is(pg_temp.seen(pg_temp.patch('ann', 'w2', 'c', '{1}', '{"b": 2}')), '200 v2 again',
	'a repeat is answered after the session has ended');
select is(pg_temp.seen(pg_temp.patch('ann', 'm', 'c', '{1}', '{"d": 4}', true)), '200 v4 again merged',
	'a merged one too');
select is(pg_temp.seen(pg_temp.patch('ann', 'new', 'c', '{4}', '{"b": 3}')), '401 v0', 'nothing else is');

select * from finish();
rollback;
