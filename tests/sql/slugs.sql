-- The slug rule, and slugs that are reserved and never given twice.
\ir lib/people.psql
begin;
select * from no_plan();

select is(cardkeep_api.slugify(t), s, format('%s reads %s', coalesce(to_json(t), 'null'), s)) from (values
	('My Card', 'my-card'), ('my-card', 'my-card'), ('Łódź Café №1', 'lodz-cafe-no1'),
	('  --Trim me--  ', 'trim-me'), ('a   b__c', 'a-b-c'), ('Straße', 'strasse'),
	('Ærø Œuvre Þór', 'aero-oeuvre-thor'), ('İstanbul ışık', 'istanbul-isik'),
	('Đorđe Ðað', 'dorde-dad'), ('O''Brien', 'obrien'), ('O’Brien', 'obrien'), ('Haʻapai ʿAlī', 'haapai-ali'),
	('Kɔfi Məmməd', 'kofi-memmed'), ('ﬁne ① x²', 'fine-1-x2'), ('名刺', 'card'), ('', 'card'),
	('!!!', 'card'), (null, 'card'), (repeat('a', 100), repeat('a', 80)),
	(repeat('a', 79) || ' bc', repeat('a', 79)), ('UPPER', 'upper'), (E'tab\tline\nend', 'tab-line-end'))
	v(t, s);
select is(count(*), 0::bigint, 'the slug of a slug is itself') from (
	select cardkeep_api.slugify(repeat(md5(i::text) || E'Ł -\u0301_', 1 + i % 4)) as s
	from generate_series(1, 200) i) x
where cardkeep_api.slugify(s) <> s or s !~ '^[a-z0-9]+(-[a-z0-9]+)*$' or length(s) > 80;

select is(cardkeep.generate_unique_slug('Fresh Name'), 'fresh-name', 'a free base is given bare');
select matches(cardkeep.generate_unique_slug('Fresh Name'), '^fresh-name-[a-z0-9]{6}$',
	'the same transaction gets another one the second time');
select is((select count(distinct cardkeep.generate_unique_slug('many')) from
	generate_series(1, 100)), 100::bigint, 'a hundred in one transaction all differ');
select matches(cardkeep.generate_unique_slug('login'), '^login-[a-z0-9]{6}$',
	'a reserved word is not given bare');
select is(cardkeep.generate_unique_slug(null), 'card', 'no base is card');
select matches(cardkeep.generate_unique_slug(repeat('z', 80) || 'z'), '^z{80}$',
	'a long base is cut');

select pg_temp.sign_up('ann'), pg_temp.create_card('ann', 'c', 'Taken') \g /dev/null
select matches(cardkeep.generate_unique_slug('taken'), '^taken-[a-z0-9]{6}$',
	'a card''s slug is not given again');
select throws_ok($$select cardkeep.generate_unique_slug('taken', 1)$$, '23505',
	'no free slug for "taken" in 1 attempts', 'attempts that are spent raise 23505 and say so');
select lives_ok($$select cardkeep.generate_unique_slug('taken', max_attempts => 2)$$,
	'the bare slug is the first attempt');
select throws_ok($$select cardkeep.generate_unique_slug('x', 0)$$, '22023', null,
	'no attempts at all are refused');
select throws_ok($$select cardkeep.generate_unique_slug('x', null)$$, '22023', null,
	'null attempts are refused');
delete from cardkeep.business_cards where id = pg_temp.id('c');
select matches(cardkeep.generate_unique_slug('taken'), '^taken-[a-z0-9]{6}$',
	'a deleted card''s slug is not given again');

select is(cardkeep.generate_unique_slug('held'), 'held', 'a slug is reserved');
select is((cardkeep_api.create_card(pg_temp.token('ann'), pg_temp.id('h'), null, row('Held', null, null,
	null, null))).body::json ->> 'slug', 'held', 'and this transaction''s own card may take it');

select ok(cardkeep_api.slug_candidate('b', 2) ~ '^b-[a-z0-9]{6}$',
	'later candidates have six random characters');
select isnt(cardkeep_api.slug_candidate('b', 2), cardkeep_api.slug_candidate('b', 2),
	'which differ');
select is(cardkeep_api.slug_candidate('b', 1), 'b', 'the first candidate is bare');

-- With no luck at all: a rule that lets no slug in.
create function pg_temp.no_slug() returns trigger language plpgsql as $$
begin
	return null;
end
$$;
create trigger no_slug before insert on cardkeep.business_cards
	for each row execute function pg_temp.no_slug();
select is(pg_temp.seen(pg_temp.create_card('ann', 'never', 'Never')), '500 v0 slug_exhausted',
	'after ten slugs a creation gives up and says so');
select throws_ok(format($$select cardkeep.create_business_card_atomic(%L, 'Never')$$,
	pg_temp.id('ann')), '23505', 'no free slug for "never"', 'and the promised function raises 23505');

select * from finish();
rollback;
