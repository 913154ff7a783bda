-- Direct SQL keeps versions, history and slugs too.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob'), pg_temp.create_card('ann', 'c', 'Card',
	'{"a": 1}'), cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p1'), '{0}',
	'{"full_name": "Ann"}'), cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'),
	pg_temp.id('q1'), '{0}', '{"job_title": "J"}') \g /dev/null

create function pg_temp.version() returns integer language sql
return (select b.version from cardkeep.business_cards b where b.id = pg_temp.id('c'));
create function pg_temp.history() returns cardkeep.business_card_versions language sql
return (select h from cardkeep.business_card_versions h where h.card_id = pg_temp.id('c')
	order by h.version desc limit 1);

-- Cards
update cardkeep.business_cards set name = 'Psql' where id = pg_temp.id('c');
select is(pg_temp.version(), 2, 'an update raises the version');
select is(((pg_temp.history()).version, (pg_temp.history()).b_name, (pg_temp.history()).session_id,
	num_nonnulls((pg_temp.history()).b_slug, (pg_temp.history()).b_fields_config))::text,
	'(2,Card,,0)', 'and writes what was before into history, of no session');
select is((pg_temp.history()).write_id, (select b.last_write from cardkeep.business_cards b
	where b.id = pg_temp.id('c')), 'under a write id of its own');
select is((pg_temp.history()).at, (select b.updated_at from cardkeep.business_cards b
	where b.id = pg_temp.id('c')), 'at the card''s time');
update cardkeep.business_cards set version = 77 where id = pg_temp.id('c');
select is(pg_temp.version(), 3, 'a version of one''s own is not taken');
update cardkeep.business_cards set version = version + 1 where id = pg_temp.id('c');
select is(pg_temp.version(), 4, 'raising it by hand raises it once');
update cardkeep.business_cards set version = version, last_write = gen_random_uuid()
where id = pg_temp.id('c');
select is(pg_temp.version(), 5, 'a write id alone does not pass by the trigger');
create temporary table kept as select b.* from cardkeep.business_cards b where b.id = pg_temp.id('c');
update cardkeep.business_cards set id = gen_random_uuid(), user_id = pg_temp.id('bob'),
	created_at = 'epoch', updated_at = 'epoch' where id = pg_temp.id('c');
select is((select (b.user_id, b.created_at, b.updated_at >= k.updated_at)::text
	from cardkeep.business_cards b join kept k using (id)),
	(select (k.user_id, k.created_at, true)::text from kept k),
	'id, owner and time of creation cannot be changed, nor time run back');
update cardkeep.business_cards set updated_at = clock_timestamp() + interval '1 hour',
	version = version + 1, last_write = gen_random_uuid() where id = pg_temp.id('c');
update cardkeep.business_cards set name = 'Later' where id = pg_temp.id('c');
select ok((select b.updated_at > clock_timestamp() + interval '50 minutes'
	from cardkeep.business_cards b where b.id = pg_temp.id('c')),
	'a version is never dated before the one it follows');

update cardkeep.business_cards set slug = 'moved' where id = pg_temp.id('c');
select is((pg_temp.history()).b_slug, 'card', 'a changed slug stands in history');
select is((select (r.card_id is null, r.user_id)::text from cardkeep.retired_slugs r
	where r.slug = 'card'), (true, pg_temp.id('ann'))::text, 'and the old one is retired');
select throws_ok($$update cardkeep.business_cards set slug = 'card'$$, '23505',
	'slug "card" is retired', 'a retired slug cannot be set');
select throws_ok($$update cardkeep.business_cards set slug = 'admin'$$, '23505', null,
	'nor a reserved word');
select throws_ok($$update cardkeep.business_cards set slug = 'No Slug'$$, '23514', null,
	'nor what is no slug');

insert into cardkeep.business_cards (id, user_id, name, slug, version)
values (pg_temp.id('d'), pg_temp.id('ann'), 'Direct', 'direct', 9);
select is((select (b.version, b.last_write is not null, b.updated_at = b.created_at)::text
	from cardkeep.business_cards b where b.id = pg_temp.id('d')), '(1,t,t)',
	'an inserted card starts at version 1');
select is((select count(*) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('d') and h.version = 1), 1::bigint, 'with its row in history');
select throws_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	values (%L, 'X', 'login')$$, pg_temp.id('ann')), '23505', null,
	'a reserved word cannot be inserted');
insert into cardkeep.business_cards (id, user_id, name, slug)
values (pg_temp.id('e'), pg_temp.id('ann'), 'Direct', 'direct') on conflict do nothing;
select is((select count(*) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('e')), 0::bigint, 'an insertion that does nothing has no history');
delete from cardkeep.business_cards where id = pg_temp.id('d');
select is((select (h.version, h.is_deletion, h.b_name, h.b_slug, h.session_id)::text
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id('d')
	order by h.version desc limit 1), '(2,t,Direct,direct,)', 'a deletion ends the history');
select ok(exists (select from cardkeep.retired_slugs r
	where r.slug = 'direct' and r.card_id = pg_temp.id('d')), 'and retires the slug');
select throws_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	values (%L, 'X', 'direct')$$, pg_temp.id('ann')), '23505', null,
	'which cannot be inserted again');
select throws_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	values (%L, %L, 'named')$$, pg_temp.id('ann'), n), '23514', null, format('%s is no name', to_json(n)))
from unnest(array['', E'a\nb', E'\u0085', E'\u007f', repeat('x', 201)]) n;
-- The first is in normal form for ICU and not for PostgreSQL; the rest are blanks to one and not to the
-- other, in one locale and not in another.
select lives_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	values (%L, %L, %L)$$, pg_temp.id('ann'), n, 'named-' || i),
	format('%s is for the service to judge: no constraint has another opinion', to_json(n)))
from unnest(array[E'\uac00\u11a7\u0958', E'e\u0301', E'x\u3000', E'\u00a0x', E'a\u2028b'])
	with ordinality u(n, i);
select lives_ok(format($$insert into cardkeep.business_cards (user_id, name, slug)
	values (%L, repeat('名', 200), 'long-name')$$, pg_temp.id('ann')),
	'a name of 200 code points is one');

-- Profiles
update cardkeep.personal_info set full_name = 'Psql', address = 'A';
select is((select p.version from cardkeep.personal_info p where p.user_id = pg_temp.id('ann')), 2,
	'an update of a profile raises its version');
select is((select (h.before, h.session_id)::text from cardkeep.personal_info_versions h
	where h.user_id = pg_temp.id('ann') and h.version = 2),
	('{"address": null, "full_name": "Ann"}'::jsonb, null::uuid)::text,
	'and writes what was before into history');
update cardkeep.professional_info set job_title = null, user_id = pg_temp.id('bob'), version = 9;
select is((select (p.user_id, p.version)::text from cardkeep.professional_info p),
	(pg_temp.id('ann'), 2)::text, 'the professional one too; its owner stays');
select is((select h.before from cardkeep.professional_info_versions h where h.version = 2),
	'{"job_title": "J"}', 'with its history');
insert into cardkeep.personal_info (user_id, full_name, version) values (pg_temp.id('bob'), 'B', 5);
select is((select (p.version, p.last_write is not null)::text from cardkeep.personal_info p
	where p.user_id = pg_temp.id('bob')), '(1,t)', 'an inserted profile starts at version 1');
select is((select h.before from cardkeep.personal_info_versions h
	where h.user_id = pg_temp.id('bob')), '{"full_name": null}', 'with its row in history');
insert into cardkeep.personal_info (user_id, full_name) values (pg_temp.id('bob'), 'C')
on conflict (user_id) do update set full_name = excluded.full_name;
select is((select string_agg(h.version || h.before::text, ' ' order by h.version)
	from cardkeep.personal_info_versions h where h.user_id = pg_temp.id('bob')),
	'1{"full_name": null} 2{"full_name": "B"}', 'an upsert by hand is one version');

-- Names of the triggers, and the service's own statements
select has_trigger('cardkeep', t, n, format('%s has its trigger %s', t, n)) from (values
	('business_cards', 'increment_business_cards_version'),
	('personal_info', 'increment_personal_info_version'),
	('professional_info', 'increment_professional_info_version')) v(t, n);
select trigger_is('cardkeep', t, 'increment_' || t || '_version', 'cardkeep', 'increment_version',
	format('which calls increment_version on %s', t))
from unnest('{business_cards,personal_info,professional_info}'::text[]) t;

-- History
select throws_ok(s, '42501', null, 'history refuses: ' || s) from unnest(array[
	'update cardkeep.business_card_versions set at = now()',
	'delete from cardkeep.business_card_versions',
	'truncate cardkeep.business_card_versions',
	'update cardkeep.personal_info_versions set at = now()',
	'delete from cardkeep.personal_info_versions',
	'truncate cardkeep.personal_info_versions',
	'update cardkeep.professional_info_versions set at = now()',
	'delete from cardkeep.professional_info_versions',
	'truncate cardkeep.professional_info_versions']) s;

-- An account that goes takes its cards along; their slugs stay taken.
select pg_temp.create_card('bob', 'last', 'Last One') \g /dev/null
delete from cardkeep.users where id = pg_temp.id('bob');
select is((select (r.card_id, r.user_id)::text from cardkeep.retired_slugs r
	where r.slug = 'last-one'), (pg_temp.id('last'), null::uuid)::text,
	'the slugs of a deleted account stay taken, and name nobody');
select is((select count(*) from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('last')), 0::bigint, 'and its history goes with it');

select * from finish();
rollback;
