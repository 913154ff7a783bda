-- Rows from before Cardkeep find their people: by an account that is there, or by one that is made.
\ir lib/people.psql
begin;
select * from no_plan();

create function pg_temp.wait_for(p_who text) returns void language sql as $$
	insert into cardkeep.users (id) values (pg_temp.id(p_who));
	insert into cardkeep.business_cards (id, user_id, name, slug)
	values (pg_temp.id(p_who || '''s card'), pg_temp.id(p_who), p_who, p_who || '-s-card');
	insert into cardkeep.personal_info (user_id, full_name, primary_email)
	values (pg_temp.id(p_who), p_who, p_who || '@before.example');
	insert into cardkeep.professional_info (user_id, job_title) values (pg_temp.id(p_who), 'J');
$$;
create function pg_temp.adopt(p_who text, p_address text, p_hash text default null)
returns cardkeep_api.answer language sql
return cardkeep_api.adopt_user(pg_temp.id(p_who), p_address, p_hash);
create function pg_temp.card(p_who text) returns cardkeep.business_cards language sql
return (select b from cardkeep.business_cards b where b.id = pg_temp.id(p_who || '''s card'));

select pg_temp.sign_up('ann'), pg_temp.sign_up('bob'), cardkeep_api.save_own_profile('personal_info', 
	pg_temp.token('bob'), pg_temp.id('p'), '{0}', '{"full_name": "Bob"}') \g /dev/null
select pg_temp.wait_for('one'), pg_temp.wait_for('two'), pg_temp.wait_for('three') \g /dev/null

-- Waiting
select results_eq('select cards, has_personal_info, has_professional_info, full_name, email
	from cardkeep.waiting_users order by full_name',
	$$select 1::bigint, true, true, w, w || '@before.example' from unnest('{one,three,two}'::text[]) w$$,
	'who waits is listed, with what they have and how to know them');
select throws_ok($$insert into cardkeep.users (email) values ('x@example.org')$$, '23514', null,
	'there is no address without a password');
select throws_ok($$insert into cardkeep.users (password_hash) values ('h')$$, '23514', null,
	'nor a password without an address');
select is(cardkeep_api.find_account(null), cardkeep_api.reply(404),
	'nobody signs in as somebody who waits');

-- Nobody to adopt, nobody to be adopted by
select is((pg_temp.adopt('nobody', 'ann@example.org')).detail, 'not_waiting',
	'who does not wait is not adopted');
select is((pg_temp.adopt('ann', 'bob@example.org')).status, 404, 'an account least of all');
select is(pg_temp.seen(pg_temp.adopt('one', 'new@example.org')), '409 v0 password_needed',
	'an account to be made needs a password');
select is((pg_temp.card('one')).user_id, pg_temp.id('one'), 'and nothing was given');

-- Into an account
create temporary table before as select pg_temp.card('one') as c;
select is((pg_temp.adopt('one', 'ANN@example.org')).body::jsonb - 'user',
	'{"cards": 1, "profiles": ["personal_info", "professional_info"], "left": []}',
	'an account gets the cards and both profiles');
select is(to_jsonb(pg_temp.card('one')), (select to_jsonb(b.c) || jsonb_build_object('user_id',
	pg_temp.id('ann')) from before b), 'as they are, under the version they had');
select is((cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('one''s card'))).status, 200,
	'whose owner reads them');
select is((cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('w'), pg_temp.id('one''s card'),
	'{1}', row('New', null, null, null, null))).version, 2, 'and writes them');
select is((cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('w2'), '{1}',
	'{"address": "A"}')).version, 2, 'the profile as well');
select results_eq($$select version from cardkeep.personal_info_versions
	where user_id = pg_temp.id('ann') order by 1$$, '{1,2}'::integer[],
	'whose history begins where it did');
select is((pg_temp.adopt('one', 'ann@example.org')).detail, 'not_waiting',
	'a second time there is nobody left to adopt');
select is_empty($$select user_id from cardkeep.personal_info_versions
	where user_id = pg_temp.id('one')$$, 'nor anything of them under the old id');
select results_eq($$select kind, was #>> '{}' from cardkeep.upgrade_changes
	where entity_id = pg_temp.id('ann') and field = 'user_id' order by kind$$,
	$$values ('personal_info', pg_temp.id('one')::text), ('professional_info', pg_temp.id('one')::text)$$,
	'which is written down');

-- Into an account that has a profile of its own
select is((pg_temp.adopt('two', 'bob@example.org')).body::jsonb - 'user',
	'{"cards": 1, "profiles": ["professional_info"], "left": ["personal_info"]}',
	'a profile of one''s own is not replaced');
select is((select full_name from cardkeep.personal_info where user_id = pg_temp.id('bob')), 'Bob',
	'it stays what it was');
select is((select w.full_name || w.cards from cardkeep.waiting_users w
	where w.id = pg_temp.id('two')), 'two0', 'and the other one goes on waiting');
select results_eq($$select kind, version from cardkeep_api.profile_versions
	where user_id = pg_temp.id('two')$$, $$values ('personal_info', 1)$$,
	'with its own history alone: that of the one that was given went along');
insert into cardkeep.professional_info (user_id, job_title) values (pg_temp.id('two'), 'K');
update cardkeep.professional_info set job_title = 'L' where user_id = pg_temp.id('two');
select is((select p.last_write from cardkeep.professional_info p where p.user_id = pg_temp.id('two')),
	(select v.write_id from cardkeep.professional_info_versions v
	where v.user_id = pg_temp.id('two') and v.version = 2),
	'a profile begun under the old id has a history of its own');
select results_eq($$select v.version, v.before ->> 'job_title' from cardkeep.professional_info_versions v
	where v.user_id = pg_temp.id('two') order by 1$$, $$values (1, null), (2, 'K')$$, 'from its beginning');
select throws_ok($$delete from cardkeep.professional_info_versions where user_id = pg_temp.id('two')$$,
	'42501', null, 'which is kept as any other');
select throws_ok($$delete from cardkeep.professional_info_versions where user_id = pg_temp.id('bob')$$,
	'42501', null, 'and so is the one that was given');

-- By becoming an account
select is((pg_temp.adopt('three', 'Three@Example.org', 'hash')).status, 201,
	'where no account has the address, the waiting user becomes one');
select is((cardkeep_api.find_account('three@example.org')).body, pg_temp.id('three')::text,
	'under the id it always had');
select is((pg_temp.card('three')).version, 1, 'its cards stay as they are');
select is(pg_temp.seen(pg_temp.adopt('three', 'three@example.org', 'hash')), '404 v0 not_waiting',
	'which happens once');

-- Owners are changed in no other way
update cardkeep.business_cards set user_id = pg_temp.id('bob'), name = 'X'
where id = pg_temp.id('one''s card');
select is((pg_temp.card('one')).user_id, pg_temp.id('ann'), 'an account''s card is nobody else''s');
select pg_temp.wait_for('four') \g /dev/null
update cardkeep.business_cards set user_id = pg_temp.id('bob'), name = 'X', version = 7
where id = pg_temp.id('four''s card');
select is(((pg_temp.card('four')).user_id, (pg_temp.card('four')).name,
	(pg_temp.card('four')).version)::text, row (pg_temp.id('bob'), 'four', 1)::text,
	'and what is given away is not changed in passing');

select * from finish();
rollback;
