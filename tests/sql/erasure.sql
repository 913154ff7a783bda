-- Accounts of any size close at once, whatever they hold, and are erased step by step.
--
-- CARDKEEP_ERASE_CARDS and CARDKEEP_ERASE_MIB say how many cards the large account has, and how much
-- history: 100000 and 2048 are what is promised.
\ir lib/people.psql
\set cards 20000
\set mib 200
\getenv cards CARDKEEP_ERASE_CARDS
\getenv mib CARDKEEP_ERASE_MIB
begin;
select * from no_plan();

select pg_temp.sign_up('big'), pg_temp.sign_up('ann'), pg_temp.create_card('ann', 'hers', 'Hers'),
	pg_temp.create_card('big', 'young', 'Young'), pg_temp.create_card('big', 'gone', 'Gone'),
	cardkeep_api.delete_card(pg_temp.token('big'), pg_temp.id('g2'), pg_temp.id('gone'), '{1}'),
	cardkeep_api.save_own_profile('personal_info', pg_temp.token('big'), pg_temp.id('p1'), '{0}', '{"full_name": "B"}'),
	cardkeep_api.save_own_profile('personal_info', pg_temp.token('big'), pg_temp.id('p2'), '{1}', '{"full_name": "C"}'),
	cardkeep_api.save_own_profile('professional_info', pg_temp.token('big'), pg_temp.id('q1'), '{0}',
		'{"job_title": "J"}'),
	cardkeep_api.open_session(pg_temp.id('phone'), pg_temp.id('big'), 'hash of big',
		pg_temp.token('phone'), null, null, '1 day') \g /dev/null

-- Past the triggers, which would take minutes; apart from the rows, and as it is, so that the figure
-- is what is stored.
set session_replication_role = replica;
alter table cardkeep.business_card_versions alter column b_fields_config set storage external;
insert into cardkeep.business_cards (id, user_id, name, slug, last_write, created_at)
select pg_temp.id('card' || i), pg_temp.id('big'), 'Card', 'big-' || i, pg_temp.id('card' || i),
	now() - interval '1 day' from generate_series(1, :cards) i;
insert into cardkeep.business_card_versions (card_id, version, write_id, at)
select pg_temp.id('card' || i), 1, pg_temp.id('card' || i), now() from generate_series(1, :cards) i;
insert into cardkeep.business_card_versions (card_id, version, write_id, at, b_fields_config)
select pg_temp.id('card1'), 1 + i, pg_temp.id('w' || i), now(),
	jsonb_build_object('a', repeat('x', 262144)) from generate_series(1, :mib * 4) i;
insert into cardkeep.pruned_histories (kind, id, first, began_at)
values ('business_cards', pg_temp.id('card2'), 2, now());
insert into cardkeep.writes (user_id, key, write_id, version, status)
select pg_temp.id('big'), pg_temp.id('key' || i), pg_temp.id('card' || i), 1, 201
from generate_series(1, 500) i;
insert into cardkeep.sessions (id, user_id, token_hash, expires_at, ended_at, ended_by)
select pg_temp.id('old' || i), pg_temp.id('big'), pg_temp.token('old' || i), now(), now(),
	pg_temp.id('old' || i) from generate_series(1, 500) i;
reset session_replication_role;

create function pg_temp.advisory_locks() returns bigint language sql volatile
return (select count(*) from pg_locks l where l.pid = pg_backend_pid() and l.locktype = 'advisory');
create function pg_temp.touched(p_table regclass) returns bigint language sql volatile
return pg_stat_get_xact_tuples_fetched(p_table) + pg_stat_get_xact_tuples_updated(p_table)
	+ pg_stat_get_xact_tuples_deleted(p_table) + pg_stat_get_xact_tuples_returned(p_table);
-- Every column of every table that tells of the account or of a card of its own, but where a slug
-- stays retired.
create function pg_temp.traces(p_ids uuid[]) returns setof text language plpgsql as $$
declare
	v_column record;
	v_found boolean;
begin
	for v_column in
		select c.oid::regclass as t, a.attname as name from pg_class c
		join pg_attribute a on a.attrelid = c.oid and a.atttypid = 'uuid'::regtype
			and not a.attisdropped
		where c.relnamespace = 'cardkeep'::regnamespace and c.relkind = 'r'
			and (c.relname, a.attname) <> ('retired_slugs', 'card_id')
		order by 1, 2
	loop
		execute format('select exists (select from %s where %I = any ($1))', v_column.t, v_column.name)
		into v_found using p_ids;
		if v_found then
			return next v_column.t || '.' || v_column.name;
		end if;
	end loop;
end
$$;
create temporary table all_ids as select array_agg(i) as ids from (
	select pg_temp.id('big') as i union select b.id from cardkeep.business_cards b
	where b.user_id = pg_temp.id('big') union select pg_temp.id('gone')) x;
select set_has('select pg_temp.traces((select ids from all_ids))', $$values ('cardkeep.users.id'),
	('cardkeep.sessions.user_id'), ('cardkeep.business_cards.id'), ('cardkeep.writes.user_id'),
	('cardkeep.business_card_versions.card_id'), ('cardkeep.pruned_histories.id'),
	('cardkeep.retired_slugs.user_id'), ('cardkeep.personal_info_versions.user_id')$$,
	'the account is all over the tables');

-- Closing
select pg_temp.advisory_locks() as locks, pg_temp.touched('cardkeep.business_cards') as cards_seen,
	pg_temp.touched('cardkeep.business_card_versions') as versions_seen \gset
set local statement_timeout = '1s';
select is(pg_temp.seen(cardkeep_api.delete_account(pg_temp.token('big'), pg_temp.id('d'),
	'hash of big')), '204 v0', 'a large account is closed within a second');
reset statement_timeout;
select is(pg_temp.advisory_locks(), :locks::bigint, 'without an advisory lock');
select is(pg_temp.touched('cardkeep.business_cards'), :cards_seen::bigint, 'without a look at its cards');
select is(pg_temp.touched('cardkeep.business_card_versions'), :versions_seen::bigint, 'nor at its history');
select is(pg_temp.seen(cardkeep_api.delete_account(pg_temp.token('big'), pg_temp.id('d'),
	'hash of big')), '204 v0 again', 'its repeat is answered as the first was');
select is(pg_temp.seen(cardkeep_api.delete_account(pg_temp.token('big'), pg_temp.id('e'),
	'hash of big')), '401 v0', 'anything else of its session is 401');
select is(pg_temp.seen(cardkeep_api.read_card(pg_temp.token(t), pg_temp.id('card1'))), '401 v0',
	'its cards are out of reach, by ' || t) from unnest('{big,phone}'::text[]) t;
select is(pg_temp.seen(pg_temp.create_card('phone', 'new', 'New')), '401 v0', 'nothing is added to it');
select throws_ok(format('select from cardkeep.create_business_card_atomic(%L, ''New'')',
	pg_temp.id('big')), '23503', null, 'nor by the promised functions');
select throws_ok(format('select from cardkeep.upsert_personal_info_optimistic(%L, 2, ''New'')',
	pg_temp.id('big')), '23503', null, 'to whom its profiles are out of reach');
select results_eq(format('select message from cardkeep.update_business_card_optimistic(%L, %L, 1, ''New'')',
	pg_temp.id('card1'), pg_temp.id('big')), $$values ('Card not found'::text)$$, 'as its cards are');
select throws_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	values (%L, 'New', 'new')$$, pg_temp.id('big')), '23503', null, 'nor by direct SQL');
select is((cardkeep_api.find_account('big@example.org')).status, 404, 'nobody signs in');
select is((cardkeep_api.open_session(pg_temp.id('s'), pg_temp.id('big'), 'hash of big',
	pg_temp.token('s'), null, null, '1 day')).status, 401, 'nor finishes what began before');
select is_empty($$select from cardkeep.user_list where email is null$$, 'operators do not see it');
select is_empty($$select from cardkeep.waiting_users$$, 'and nobody can adopt it');
select is((cardkeep_api.adopt_user(pg_temp.id('big'), 'x@example.org', 'h')).detail, 'not_waiting',
	'whoever tries');
select is(pg_temp.seen(cardkeep_api.register(pg_temp.id('big2'), 'big@example.org', 'h',
	pg_temp.token('big2'), null, null, '1 day')), '201 v0', 'its address is free at once');
select is((cardkeep_api.create_card(pg_temp.token('big2'), pg_temp.id('b2'), null, row('Big 7', null, null,
	null, null))).body::json ->> 'slug' like 'big-7-%', true, 'its slugs are not');

-- Erasing
create temporary table steps (n serial, cost bigint, rows bigint, bytes bigint, detail text);
create function pg_temp.deleted() returns bigint language sql volatile
return (select sum(pg_stat_get_xact_tuples_deleted(c.oid)) from pg_class c
	where c.relnamespace = 'cardkeep'::regnamespace and c.relkind = 'r');
create function pg_temp.chunks() returns bigint language sql volatile
return (select pg_stat_get_xact_tuples_deleted(c.reltoastrelid) from pg_class c
	where c.oid = 'cardkeep.business_card_versions'::regclass);
create function pg_temp.erase(p_limit integer) returns void language plpgsql as $$
declare
	a cardkeep_api.answer;
	v_rows bigint;
	v_chunks bigint;
begin
	for v_step in 1..1000000 loop
		v_rows := pg_temp.deleted();
		v_chunks := pg_temp.chunks();
		a := cardkeep_api.erase_step(nullif(a.detail, '')::uuid, p_limit);
		insert into steps (cost, rows, bytes, detail) values (a.version, pg_temp.deleted() - v_rows,
			(pg_temp.chunks() - v_chunks) * 2000, a.detail);
		exit when a.detail = '';
	end loop;
end
$$;
select pg_temp.erase(400) \g /dev/null
select is_empty('select pg_temp.traces((select ids from all_ids))', 'nothing of the account is left');
select cmp_ok((select max(rows) from steps), '<=', 3 * 400::bigint,
	'no step deletes more rows than a few times its limit');
select cmp_ok((select max(bytes) from steps), '<=', 4 * 1048576::bigint, 'nor more bytes than 8 KiB for each');
select cmp_ok((select count(*) from steps), '<=', :cards / 50 + :mib + 50::bigint,
	'and there are not too many');
select cmp_ok(pg_temp.advisory_locks() - :locks::bigint, '<=', 110::bigint,
	'a card that is older than a minute needs no lock, others at most 100 a step');
select is((select count(*) from cardkeep.retired_slugs r where r.slug like 'big-%' and r.user_id is null
	and r.card_id is not null), :cards::bigint, 'its slugs are retired, and not a word about whose they were');
select is((select count(*) from cardkeep.retired_slugs r where r.slug in ('gone', 'young')
	and r.user_id is null), 2::bigint, 'also of those that went before, or were young');
select is((select count(*) from cardkeep.business_card_versions h where h.card_id = pg_temp.id('hers')),
	1::bigint, 'what others have is untouched');
select is(pg_temp.seen(cardkeep_api.delete_account(pg_temp.token('big'), pg_temp.id('d'),
	'hash of big')), '204 v0 again', 'the repeat of the deletion is answered still');
select is(pg_temp.seen(cardkeep_api.erase_step(null, 400)), '200 v0', 'and there is nothing to do');

-- Direct SQL
select pg_temp.sign_up('dan') \g /dev/null
insert into cardkeep.business_cards (user_id, name, slug)
select pg_temp.id('dan'), 'Dan', 'dan-' || i from generate_series(1, 1900) i;
select throws_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	select %L, 'Dan', 'more-' || i from generate_series(1, 200) i$$, pg_temp.id('dan')), '54000', null,
	'direct SQL does not fill the table of locks by insertions');
select throws_ok(format('delete from cardkeep.users where id = %L', pg_temp.id('dan')), '54000', null,
	'nor by the deletion of young cards');

select * from finish();
rollback;
