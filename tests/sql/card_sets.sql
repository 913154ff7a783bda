-- The set-wise calls against their single forms: one table of cases, run through both from the same
-- state, must give the same answers and leave the same cards and history behind.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null
select pg_temp.create_card('ann', w, initcap(w)) from unnest('{a1,a2,a3,a4,a5,a6}'::text[]) w \g /dev/null
select pg_temp.create_card('bob', 'b1', 'Bob') \g /dev/null
select pg_temp.create_card('ann', w, initcap(w)) from unnest('{k1,k2,k3,k4,k5,k6}'::text[]) w \g /dev/null
-- Spent keys.
select cardkeep_api.create_card(pg_temp.token(w), pg_temp.id('r-create'), 'first', row('First', null, null,
	null, null), pg_temp.id('k-create')) from unnest('{ann,bob}'::text[]) w \g /dev/null
select cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('r-update'), pg_temp.id('k2'), '{1}',
	row('First', null, null, null, null), pg_temp.id('k-update')) \g /dev/null
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
		order by h.card_id, h.version) from cardkeep.business_card_versions h)
	|| coalesce((select string_agg((w.user_id, w.key, w.write_id, w.version, w.status)::text, E'\n'
		order by w.user_id, w.key) from cardkeep.writes w), '');

-- ---- create ----
create temporary table creations (i integer, note text, who text, write text, name text, base text,
	template text, fields text, design text, public text, key text);
insert into creations values
	(1, 'plain', 'ann', 'n1', 'Plain', 'plain', null, null, null, null, null),
	(2, 'everything given', 'bob', 'n2', 'Full', 'other-slug', 'big-1', '{"a":1.10}', '{"b":[2]}', 'f', null),
	(3, 'a name twice in one set', 'ann', 'n3', 'Twice', 'twice', null, null, null, null, null),
	(4, 'a name twice in one set', 'bob', 'n4', 'Twice', 'twice', null, null, null, null, null),
	(5, 'a taken name', 'ann', 'n5', 'A1', 'a1', null, null, null, null, null),
	(6, 'a reserved word', 'ann', 'n6', 'Admin', 'admin', null, null, null, null, null),
	(7, 'nobody', 'nobody', 'n7', 'Nobody', 'nobody', null, null, null, null, null),
	(8, 'a repeat', 'ann', 'a1', 'A1', 'a1', null, null, null, null, null),
	(9, 'somebody else''s id', 'ann', 'b1', 'Bob', 'bob', null, null, null, null, null),
	(10, 'no base', 'ann', 'n10', 'Łódź', null, null, null, null, null, null),
	(11, 'a key', 'ann', 'n11', 'Keyed', 'keyed', null, null, null, null, 'k11'),
	(12, 'another user''s same request under the same key', 'bob', 'n11', 'Keyed', 'keyed', null, null, null, null, 'k11'),
	(13, 'a repeat of its key', 'ann', 'r-create', 'First', 'first', null, null, null, null, 'k-create'),
	(14, 'another request under that key', 'bob', 'r-other', 'Other', 'other', null, null, null, null, 'k-create'),
	(15, 'a key, a taken name', 'ann', 'n15', 'A1', 'a1', null, null, null, null, 'k15'),
	(16, 'a key, nobody', 'nobody', 'n16', 'Nobody', 'nobody', null, null, null, null, 'k16'),
	(17, 'a key for the second time', 'ann', 'n11', 'Keyed', 'keyed', null, null, null, null, 'k11'),
	(18, 'a key for the second time, another request', 'ann', 'n18', 'Other', 'other', null, null, null, null, 'k11');

savepoint same_state;
select string_agg(pg_temp.seen(s.c) || ' ' || pg_temp.plain((s.c).body), E'\n') as singles
from (select cardkeep_api.create_card(pg_temp.token(t.who), pg_temp.id(t.write), t.base, row(t.name, t.template,
	t.fields::jsonb, t.design::jsonb, t.public::boolean), pg_temp.id(t.key)) as c from creations t order by t.i offset 0) s \gset
select pg_temp.all_plain() as left_by_singles \gset
rollback to same_state;
select string_agg(pg_temp.seen((c.status, c.version, c.replayed, c.detail, c.body)::cardkeep_api.answer)
	|| ' ' || pg_temp.plain(c.body), E'\n' order by c.item) as sets
from (select array_agg(pg_temp.token(t.who) order by t.i) as tokens, array_agg(pg_temp.id(t.write)::text order by t.i) as writes,
	array_agg(t.name order by t.i) as names, array_agg(t.base order by t.i) as bases,
	array_agg(t.template order by t.i) as templates, array_agg(t.fields order by t.i) as fields,
	array_agg(t.design order by t.i) as designs, array_agg(t.public order by t.i) as publics,
	array_agg(pg_temp.id(t.key)::text order by t.i) as keys from creations t) a
cross join lateral cardkeep_api.create_cards(a.tokens, a.writes, a.names, a.bases, a.templates, a.fields,
	a.designs, a.publics, a.keys) c \gset
select is(:'sets'::text, :'singles'::text, 'a set of creations answers as single ones do');
select is(pg_temp.all_plain(), :'left_by_singles'::text, 'and leaves the same cards and history');
rollback to same_state;

-- ---- update ----
create temporary table changes (i integer, note text, who text, write text, card text, expected text,
	name text, template text, fields text, design text, public text, key text);
insert into changes values
	(1, 'a name', 'ann', 'u1', 'a1', '{1}', 'One', null, null, null, null, null),
	(2, 'stale', 'ann', 'u2', 'a2', '{1}', 'Two', null, null, null, null, null),
	(3, 'a repeat', 'ann', 'w-again', 'a3', '{1}', 'Applied', null, null, null, null, null),
	(4, 'unchanged', 'ann', 'u4', 'a4', '{1}', 'A4', null, '{}', null, 't', null),
	(5, 'everything, by a list of versions', 'ann', 'u5', 'a5', '{7,1}', 'Five', 'big-1', '{"a":1.10}', '{"b":null}', 'f', null),
	(6, 'a list that matches nothing', 'ann', 'u6', 'a6', '{}', 'Six', null, null, null, null, null),
	(7, 'somebody else''s', 'ann', 'u7', 'b1', '{1}', 'Mine', null, null, null, null, null),
	(8, 'not there', 'ann', 'u8', 'no card', '{1}', 'Ghost', null, null, null, null, null),
	(9, 'nobody', 'nobody', 'u9', 'x1', '{1}', 'Nobody', null, null, null, null, null),
	(10, 'a card for the second time', 'ann', 'u10', 'a1', '{1}', 'Ten', null, null, null, null, null),
	(11, 'a card for the third time, stale before', 'ann', 'u11', 'a5', '{0}', null, null, '{"a":2}', null, null, null),
	(12, 'a repeat within the set', 'ann', 'u1', 'a1', '{1}', 'One', null, null, null, null, null),
	(13, 'a key', 'ann', 'u10', 'k1', '{1}', 'Keyed', null, null, null, null, 'k10'),
	(14, 'a repeat of its key', 'ann', 'r-update', 'k2', '{1}', 'First', null, null, null, null, 'k-update'),
	(15, 'another request under a key', 'ann', 'r-other', 'k3', '{1}', 'Other', null, null, null, null, 'k-create'),
	(16, 'that and not there', 'bob', 'r-other', 'no card', '{1}', 'Other', null, null, null, null, 'k-create'),
	(17, 'a key, stale', 'ann', 'u14', 'k4', '{7}', 'Stale', null, null, null, null, 'k14'),
	(18, 'a key, unchanged', 'ann', 'u15', 'k5', '{1}', 'K5', null, null, null, null, 'k15'),
	(19, 'a key, nobody', 'nobody', 'u16', 'k6', '{1}', 'Nobody', null, null, null, null, 'k16'),
	(20, 'a key for the second time', 'ann', 'u10', 'k1', '{1}', 'Keyed', null, null, null, null, 'k10'),
	(21, 'a key for the second time, another request', 'ann', 'u-other', 'k6', '{1}', 'Other', null, null, null, null, 'k10'),
	(22, 'a repeat that names its version twice', 'ann', 'w-again', 'a3', '{1,1}', 'Applied', null, null, null, null, null);

savepoint same_state;
select string_agg(pg_temp.seen(s.c) || ' ' || pg_temp.plain((s.c).body), E'\n') as singles
from (select cardkeep_api.update_card(pg_temp.token(t.who), pg_temp.id(t.write), pg_temp.id(t.card),
	t.expected::integer[], row(t.name, t.template, t.fields::jsonb, t.design::jsonb, t.public::boolean),
	pg_temp.id(t.key)) as c
	from changes t order by t.i offset 0) s \gset
select pg_temp.all_plain() as left_by_singles \gset
rollback to same_state;
select string_agg(pg_temp.seen((c.status, c.version, c.replayed, c.detail, c.body)::cardkeep_api.answer)
	|| ' ' || pg_temp.plain(c.body), E'\n' order by c.item) as sets
from (select array_agg(pg_temp.token(t.who) order by t.i) as tokens, array_agg(pg_temp.id(t.write)::text order by t.i) as writes,
	array_agg(pg_temp.id(t.card)::text order by t.i) as cards, array_agg(t.expected order by t.i) as expected,
	array_agg(t.name order by t.i) as names,
	array_agg(t.template order by t.i) as templates, array_agg(t.fields order by t.i) as fields,
	array_agg(t.design order by t.i) as designs, array_agg(t.public order by t.i) as publics,
	array_agg(pg_temp.id(t.key)::text order by t.i) as keys from changes t) a
cross join lateral cardkeep_api.update_cards(a.tokens, a.writes, a.cards, a.expected, a.names, a.templates,
	a.fields, a.designs, a.publics, a.keys) c \gset
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
