-- The set-wise calls against their single forms: one table of cases, run through both from the same
-- state, must give the same answers and leave the same cards and history behind.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null
select pg_temp.create_card('ann', w, initcap(w)) from unnest('{a1,a2,a3,a4,a5,a6}'::text[]) w \g /dev/null
select pg_temp.create_card('bob', 'b1', 'Bob') \g /dev/null
select pg_temp.rename_card('ann', 'w-stale', 'a2', '{1}', 'Newer') \g /dev/null
select pg_temp.rename_card('ann', 'w-again', 'a3', '{1}', 'Applied') \g /dev/null

-- What happened, but for the time and for suffixes, which are random.
create function pg_temp.plain(p_body text) returns text language sql
return regexp_replace(regexp_replace(p_body, '"(created|updated)_at":"[^"]*"', '', 'g'),
	'("slug":"[a-z0-9-]+)-[a-z0-9]{6}"', '\1-suffix"', 'g');
create function pg_temp.all_plain() returns text language sql
return (select string_agg(pg_temp.plain(cardkeep_api.card_json(b)) || b.last_write, E'\n' order by b.id)
	from cardkeep.business_cards b)
	|| (select string_agg((h.card_id, h.version, h.session_id, h.write_id, h.is_deletion, h.b_name,
		h.b_template_type, h.b_fields_config, h.b_design_config, h.b_is_public)::text, E'\n'
		order by h.card_id, h.version) from cardkeep.business_card_versions h);

-- ---- create ----
create temporary table creations (i integer, note text, who text, write text, name text, base text,
	template text, fields text, design text, public text);
insert into creations values
	(1, 'plain', 'ann', 'n1', 'Plain', 'plain', null, null, null, null),
	(2, 'everything given', 'bob', 'n2', 'Full', 'other-slug', 'big-1', '{"a":1.10}', '{"b":[2]}', 'f'),
	(3, 'a name twice in one set', 'ann', 'n3', 'Twice', 'twice', null, null, null, null),
	(4, 'a name twice in one set', 'bob', 'n4', 'Twice', 'twice', null, null, null, null),
	(5, 'a taken name', 'ann', 'n5', 'A1', 'a1', null, null, null, null),
	(6, 'a reserved word', 'ann', 'n6', 'Admin', 'admin', null, null, null, null),
	(7, 'nobody', 'nobody', 'n7', 'Nobody', 'nobody', null, null, null, null),
	(8, 'a repeat', 'ann', 'a1', 'A1', 'a1', null, null, null, null),
	(9, 'somebody else''s id', 'ann', 'b1', 'Bob', 'bob', null, null, null, null),
	(10, 'no base', 'ann', 'n10', 'Łódź', null, null, null, null, null);

savepoint same_state;
select string_agg(pg_temp.seen(s.c) || ' ' || pg_temp.plain((s.c).body), E'\n') as singles
from (select cardkeep_api.create_card(pg_temp.token(t.who), pg_temp.id(t.write), t.name, t.base, t.template,
	t.fields::jsonb, t.design::jsonb, t.public::boolean) as c from creations t order by t.i offset 0) s \gset
select pg_temp.all_plain() as left_by_singles \gset
rollback to same_state;
select string_agg(pg_temp.seen((c.status, c.version, c.replayed, c.detail, c.body)::cardkeep_api.answer)
	|| ' ' || pg_temp.plain(c.body), E'\n' order by c.item) as sets
from (select array_agg(pg_temp.token(t.who) order by t.i) as tokens, array_agg(pg_temp.id(t.write)::text order by t.i) as writes,
	array_agg(t.name order by t.i) as names, array_agg(t.base order by t.i) as bases,
	array_agg(t.template order by t.i) as templates, array_agg(t.fields order by t.i) as fields,
	array_agg(t.design order by t.i) as designs, array_agg(t.public order by t.i) as publics from creations t) a
cross join lateral cardkeep_api.create_cards(a.tokens, a.writes, a.names, a.bases, a.templates, a.fields,
	a.designs, a.publics) c \gset
select is(:'sets'::text, :'singles'::text, 'a set of creations answers as single ones do');
select is(pg_temp.all_plain(), :'left_by_singles'::text, 'and leaves the same cards and history');
rollback to same_state;

-- ---- update ----
create temporary table changes (i integer, note text, who text, write text, card text, expected text,
	name text, template text, fields text, design text, public text);
insert into changes values
	(1, 'a name', 'ann', 'u1', 'a1', '{1}', 'One', null, null, null, null),
	(2, 'stale', 'ann', 'u2', 'a2', '{1}', 'Two', null, null, null, null),
	(3, 'a repeat', 'ann', 'w-again', 'a3', '{1}', 'Applied', null, null, null, null),
	(4, 'unchanged', 'ann', 'u4', 'a4', '{1}', 'A4', null, '{}', null, 't'),
	(5, 'everything, by a list of versions', 'ann', 'u5', 'a5', '{7,1}', 'Five', 'big-1', '{"a":1.10}', '{"b":null}', 'f'),
	(6, 'a list that matches nothing', 'ann', 'u6', 'a6', '{}', 'Six', null, null, null, null),
	(7, 'somebody else''s', 'ann', 'u7', 'b1', '{1}', 'Mine', null, null, null, null),
	(8, 'not there', 'ann', 'u8', 'no card', '{1}', 'Ghost', null, null, null, null),
	(9, 'nobody', 'nobody', 'u9', 'x1', '{1}', 'Nobody', null, null, null, null),
	(10, 'a card for the second time', 'ann', 'u10', 'a1', '{1}', 'Ten', null, null, null, null),
	(11, 'a card for the third time, stale before', 'ann', 'u11', 'a5', '{0}', null, null, '{"a":2}', null, null),
	(12, 'a repeat within the set', 'ann', 'u1', 'a1', '{1}', 'One', null, null, null, null);

savepoint same_state;
select string_agg(pg_temp.seen(s.c) || ' ' || pg_temp.plain((s.c).body), E'\n') as singles
from (select cardkeep_api.update_card(pg_temp.token(t.who), pg_temp.id(t.write), pg_temp.id(t.card),
	t.expected::integer[], t.name, t.template, t.fields::jsonb, t.design::jsonb, t.public::boolean) as c
	from changes t order by t.i offset 0) s \gset
select pg_temp.all_plain() as left_by_singles \gset
rollback to same_state;
select string_agg(pg_temp.seen((c.status, c.version, c.replayed, c.detail, c.body)::cardkeep_api.answer)
	|| ' ' || pg_temp.plain(c.body), E'\n' order by c.item) as sets
from (select array_agg(pg_temp.token(t.who) order by t.i) as tokens, array_agg(pg_temp.id(t.write)::text order by t.i) as writes,
	array_agg(pg_temp.id(t.card)::text order by t.i) as cards, array_agg(t.expected order by t.i) as expected,
	array_agg(t.name order by t.i) as names,
	array_agg(t.template order by t.i) as templates, array_agg(t.fields order by t.i) as fields,
	array_agg(t.design order by t.i) as designs, array_agg(t.public order by t.i) as publics from changes t) a
cross join lateral cardkeep_api.update_cards(a.tokens, a.writes, a.cards, a.expected, a.names, a.templates,
	a.fields, a.designs, a.publics) c \gset
select is(:'sets'::text, :'singles'::text, 'a set of updates answers as single ones do');
select is(pg_temp.all_plain(), :'left_by_singles'::text, 'and leaves the same cards and history');
select is((select count(*) from cardkeep.business_card_versions h where h.write_id = pg_temp.id('u5')), 1::bigint,
	'with one row of history for each applied update');
rollback to same_state;

-- What an earlier item of its set made way for waits for its next turn.
select is((select string_agg(c.status || ' v' || c.version, ', ' order by c.item)
	from cardkeep_api.update_cards(array[pg_temp.token('ann'), pg_temp.token('ann')],
		array[pg_temp.id('u1')::text, pg_temp.id('u2')::text],
		array[pg_temp.id('a1')::text, pg_temp.id('a1')::text], '{"{1}","{2}"}', '{One,Two}', '{null,null}',
		'{null,null}', '{null,null}', '{null,null}') c),
	'200 v2, 423 v2', 'an item that fits the version an earlier one of its set made is busy');
select is((select string_agg(h.version || ' ' || coalesce(h.b_name, ''), ', ' order by h.version)
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id('a1')), '1 , 2 A1',
	'and nothing of it is applied');
rollback to same_state;

-- ---- read ----
select is((select string_agg(r.status || ' v' || r.version || ' ' || r.body, E'\n' order by r.item)
	from cardkeep_api.read_cards(array[pg_temp.token('ann'), pg_temp.token('ann'), pg_temp.token('nobody'), pg_temp.token('ann')],
		array[pg_temp.id('a1')::text, pg_temp.id('b1')::text, pg_temp.id('a1')::text, pg_temp.id('no card')::text]) r),
	(select string_agg((r.a).status || ' v' || (r.a).version || ' ' || (r.a).body, E'\n' order by r.i) from (
		select 1 as i, cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('a1')) as a
		union all select 2, cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('b1'))
		union all select 3, cardkeep_api.read_card(pg_temp.token('nobody'), pg_temp.id('a1'))
		union all select 4, cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('no card'))) r),
	'a set of reads answers as single ones do');

select * from finish();
rollback;
