-- What one account may have and do, in every form that a write can take.
\ir lib/people.psql
begin;
select * from no_plan();

select pg_temp.sign_up('ann'), pg_temp.sign_up('bob'), pg_temp.sign_up('cat'), pg_temp.sign_up('dan'),
	pg_temp.sign_up('eve'), pg_temp.create_card('bob', 'bob''s', 'His') \g /dev/null

create function pg_temp.told(a cardkeep_api.answer) returns text language sql
return case when a.detail = 'quota' then a.status || ' ' || a.body else a.status::text end;
create function pg_temp.set_of(p_who text, p_words text[]) returns text language sql
return (select string_agg(s.status || case when s.detail = 'quota' then ' quota' else '' end, ' '
	order by s.item) from cardkeep_api.create_cards(
	array_fill(pg_temp.token(p_who), array[cardinality(p_words)]),
	array(select pg_temp.id(w)::text from unnest(p_words) w), p_words,
	array_fill(null::text, array[cardinality(p_words)]), array_fill(null::text, array[cardinality(p_words)]),
	array_fill(null::text, array[cardinality(p_words)]), array_fill(null::text, array[cardinality(p_words)]),
	array_fill(null::text, array[cardinality(p_words)])) s);

-- Generous by default: an honest heavy day does not meet them.
select results_eq('select cards, creations_an_hour, document_bytes, history_bytes_a_day
	from cardkeep.limits', $$values (10000, 20000, 1073741824::bigint, 2147483648::bigint)$$,
	'the defaults are generous');

-- Cards
update cardkeep.limits set cards = 5;
select is(pg_temp.told(pg_temp.create_card('ann', 'a' || i, 'Card')), '201',
	'a card within the limit is made: ' || i) from generate_series(1, 5) i;
select cardkeep_api.judge_quota(pg_temp.id('ann'), 'cards') \g /dev/null
select is(pg_temp.told(pg_temp.create_card('ann', 'a6', 'Card')),
	'422 an account has at most 5 cards', 'the one after is refused, and the limit named');
select is(pg_temp.seen(pg_temp.create_card('ann', 'a5', 'Card')), '201 v1 again',
	'the repeat of one that was made is answered as it was');
select is(pg_temp.set_of('ann', '{s1,s2,s3,s4}'), '422 quota 422 quota 422 quota 422 quota', 'in a set too');
select throws_ok(format('select from cardkeep.create_business_card_atomic(%L, ''More'')', pg_temp.id('ann')),
	'54000', 'an account has at most 5 cards', 'and by the promised function');
select is(pg_temp.told(pg_temp.create_card('bob', 'b1', 'Card')), '201', 'others are not concerned');
select is((pg_temp.rename_card('ann', 'u1', 'a1', '{1}', 'Other')).status, 200,
	'what is there can be changed');
select is((cardkeep_api.delete_card(pg_temp.token('ann'), pg_temp.id('x1'), pg_temp.id('a1'), '{2}')).status,
	204, 'and deleted');
update cardkeep.over_quota set until = clock_timestamp() - interval '1 second';
select is(pg_temp.told(pg_temp.create_card('ann', 'a7', 'Card')), '201', 'which makes room, in seconds');
select is(pg_temp.set_of('bob', '{t1,t2,t3,t4,t5}'), '201 201 201 201 201', 'a set is judged as a whole');
select is(pg_temp.set_of('bob', '{t6,t7,t8,t9}'), '422 quota 422 quota 422 quota 422 quota', 'and the next refused');
update cardkeep.limits set cards = 0;
update cardkeep.over_quota set until = clock_timestamp() - interval '1 second';
select is(pg_temp.told(pg_temp.create_card('ann', 'a8', 'Card')), '201', '0 is no limit');

-- Creations an hour: those that were deleted count too.
update cardkeep.limits set creations_an_hour = 3;
create function pg_temp.made_and_lost(p_word text) returns text language plpgsql as $$
declare
	v_told text := pg_temp.told(pg_temp.create_card('cat', p_word, 'Card'));
begin
	perform cardkeep_api.delete_card(pg_temp.token('cat'), pg_temp.id('x' || p_word),
		pg_temp.id(p_word), '{1}');
	return v_told;
end
$$;
select is(pg_temp.made_and_lost('c' || i), '201', 'made within the hour, and deleted: ' || i)
from generate_series(1, 3) i;
select cardkeep_api.note_use(pg_temp.id('cat'), 'creations', 3) \g /dev/null
select is(pg_temp.told(pg_temp.create_card('cat', 'c4', 'Card')),
	'429 an account creates at most 3 cards an hour', 'the one after is refused');
select cmp_ok((pg_temp.create_card('cat', 'c4', 'Card')).version, '>', 3500, 'with the seconds to wait');
update cardkeep.ledger set at = at - interval '61 minutes';
update cardkeep.over_quota set until = clock_timestamp() - interval '1 second';
select is(pg_temp.told(pg_temp.create_card('cat', 'c5', 'Card')), '201', 'an hour later it is taken');
update cardkeep.limits set creations_an_hour = 20000;

-- Documents
update cardkeep.limits set document_bytes = 250;
create function pg_temp.document(p_bytes integer) returns jsonb language sql
return jsonb_build_object('a', repeat('x', p_bytes));
select is(pg_temp.told(pg_temp.create_card('dan', 'd1', 'Card', pg_temp.document(300))), '201', 'documents are kept');
select cardkeep_api.judge_quota(pg_temp.id('dan'), 'documents') \g /dev/null
select matches(pg_temp.told(pg_temp.create_card('dan', 'd2', 'Card')), '^422 the documents of an account',
	'until they are too large together');
select matches(pg_temp.told(pg_temp.refield_card('dan', 'v1', 'd1', '{1}', pg_temp.document(900))),
	'^422 the documents', 'then none of them grows');
select is(pg_temp.told(pg_temp.refield_card('dan', 'v2', 'd1', '{1}', pg_temp.document(2))), '200',
	'but may shrink');
update cardkeep.over_quota set until = clock_timestamp() - interval '1 second';
select is(pg_temp.told(pg_temp.refield_card('dan', 'v3', 'd1', '{2}', pg_temp.document(20))), '200',
	'which makes room');
update cardkeep.limits set document_bytes = default;

-- History
select pg_temp.create_card('eve', 'e1', 'Card', pg_temp.document(2000)) \g /dev/null
update cardkeep.limits set history_bytes_a_day = 500;
select is(pg_temp.told(pg_temp.rename_card('eve', 'w1', 'e1', '{1}', 'B')), '200', 'a change leaves little');
select is(pg_temp.told(pg_temp.refield_card('eve', 'w2', 'e1', '{2}', pg_temp.document(1))), '200',
	'or what was before it');
select cardkeep_api.note_use(pg_temp.id('eve'), 'history', 500) \g /dev/null
select matches(pg_temp.told(pg_temp.rename_card('eve', 'w3', 'e1', '{3}', 'C')),
	'^429 the changes of an account leave at most 500 bytes', 'until that is too much for a day');
select results_eq(format($$select s.status || s.detail from cardkeep_api.update_cards(
	array[pg_temp.token('eve')], array[%L], array[%L], '{"{3}"}', '{D}', '{null}', '{null}', '{null}',
	'{null}') s$$, pg_temp.id('w4'), pg_temp.id('e1')), $$values ('429quota'::text)$$, 'in a set too');
select is(pg_temp.seen(pg_temp.refield_card('eve', 'w2', 'e1', '{2}', pg_temp.document(1))), '200 v3 again',
	'the repeat of a change that was made is answered as it was');
select is((pg_temp.rename_card('eve', 'w5', 'e1', '{1}', 'C')).status, 409, 'a conflict is told before that');
select matches(pg_temp.told(cardkeep_api.save_own_profile('personal_info', pg_temp.token('eve'), pg_temp.id('p0'), '{0}',
	'{"full_name": "Eve"}')), '^201', 'a first profile leaves nothing behind');
select matches(pg_temp.told(cardkeep_api.save_own_profile('personal_info', pg_temp.token('eve'), pg_temp.id('p1'), '{1}',
	'{"full_name": "Eva"}')), '^429 the changes of an account', 'profiles are no way around it');
select matches(pg_temp.told(cardkeep_api.merge_own_profile('personal_info', pg_temp.token('eve'), pg_temp.id('p2'), '{1}',
	'{"full_name": "Eva"}')), '^429 the changes of an account', 'merged neither');
select throws_like(format('select from cardkeep.upsert_personal_info_optimistic(%L, 1, p_full_name => ''Eva'')',
	pg_temp.id('eve')), 'the changes of an account leave%', 'nor by the promised function');
select lives_ok(format('select from cardkeep.upsert_professional_info_optimistic(%L, 0, ''Smith'')',
	pg_temp.id('eve')), 'whose first profile is taken');
select throws_ok(format('select from cardkeep.upsert_professional_info_optimistic(%L, 1, ''Baker'')',
	pg_temp.id('eve')), '54000', null, 'and the next change of it is not');
select matches(pg_temp.told(pg_temp.create_card('eve', 'e2', 'Card')), '^429 the changes of an account',
	'nor is a card to be deleted again');
select is((cardkeep_api.delete_card(pg_temp.token('eve'), pg_temp.id('w6'), pg_temp.id('e1'), '{3}')).status,
	204, 'a deletion is taken');
update cardkeep.limits set history_bytes_a_day = default;

create function pg_temp.noted(p_who text) returns numeric language sql
return (select coalesce(sum(g.amount), 0) from cardkeep.ledger g
	where g.user_id = pg_temp.id(p_who) and g.kind = 'history');
update cardkeep.limits set history_bytes_a_day = 500000;
select pg_temp.create_card('dan', 'large', 'Card', jsonb_build_object('a',
	(select string_agg(md5(i::text), '') from generate_series(1, 2500) i))) \g /dev/null
select cardkeep_api.delete_card(pg_temp.token('dan'), pg_temp.id('y1'), pg_temp.id('large'), '{1}') \g /dev/null
select cmp_ok(pg_temp.noted('dan'), '>', 40000::numeric, 'what a deletion leaves behind is noted');
select cardkeep_api.save_own_profile('professional_info', pg_temp.token('dan'), pg_temp.id('y2'), '{0}',
	'{"job_title": "One"}') \g /dev/null
select setseed(0.125) \g /dev/null
select cardkeep_api.save_own_profile('professional_info', pg_temp.token('dan'), pg_temp.id('yy' || i), array[i],
	jsonb_build_object('job_title', repeat('x', 100) || i)) from generate_series(1, 1500) i \g /dev/null
select cmp_ok(pg_temp.noted('dan'), '>', 160000::numeric, 'and what changes of a profile leave');
update cardkeep.limits set history_bytes_a_day = default;
delete from cardkeep.over_quota;

select setseed(0.25) \g /dev/null
-- Nobody is judged by hand: who goes on is found out.
update cardkeep.limits set cards = 20;
select cmp_ok((select count(*) from generate_series(1, 400) i
	where (pg_temp.create_card('dan', 'lot' || i, 'Lot')).status = 422), '>', 50::bigint,
	'creations that go on past a limit are found out');
update cardkeep.limits set cards = 10000;

-- Lots: what is noted is about what was taken, though few note anything.
delete from cardkeep.over_quota;
delete from cardkeep.ledger;
select setseed(0.5) \g /dev/null
select pg_temp.create_card('ann', 'many' || i, 'Many') from generate_series(1, 2000) i \g /dev/null
select cmp_ok((select count(*) from cardkeep.ledger), '<', 100::bigint, 'few creations note something');
select cmp_ok(abs((select sum(amount) from cardkeep.ledger) - 2000), '<', 1500::numeric, 'which stands for all');
select is(pg_temp.seen(cardkeep_api.sweep_writes('1 day', 0)), '200 v0', 'the sweep')
union all select is((select count(*) > 0 from cardkeep.ledger), true, 'leaves what counts');
update cardkeep.ledger set at = at - interval '25 hours';
select cardkeep_api.sweep_writes('1 day', 0) \g /dev/null
select is((select count(*) from cardkeep.ledger), 0::bigint, 'and takes what is over');

-- Ended sessions, by number
insert into cardkeep.sessions (id, user_id, token_hash, expires_at, ended_at, ended_by)
select pg_temp.id('over' || i), pg_temp.id('bob'), pg_temp.token('over' || i), now() + interval '1 day',
	now() - i * interval '1 second', pg_temp.id('over' || i) from generate_series(1, 290) i;
select cardkeep_api.open_session(pg_temp.id('in'), pg_temp.id('bob'), 'hash of bob', pg_temp.token('in'),
	null, null, '1 day') \g /dev/null
select is((select count(*) from cardkeep.sessions s where s.user_id = pg_temp.id('bob')
	and s.ended_at is not null), 200::bigint, 'of sessions that ended only the latest stay');
select isnt_empty(format('select from cardkeep.sessions where id = %L', pg_temp.id('over1')),
	'the latest of them');

select * from finish();
rollback;
