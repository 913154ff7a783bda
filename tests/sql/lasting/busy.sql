-- Somebody else holds it: the calls say so at once. The other session is real, and so that a wait
-- would show, waiting is an error here.
\ir ../lib/people.psql
select * from no_plan();
set lock_timeout = '1ms';

select dblink_connect('other', format('host=%s dbname=%s user=postgres',
	current_setting('unix_socket_directories'), current_database())) \g /dev/null
create function pg_temp.other(p_statement text) returns void language sql
begin atomic
	select tap.dblink_exec('other', 'begin');
	select tap.dblink_exec('other', p_statement);
end;
create function pg_temp.other_key(p_kind text, p_value text) returns void language sql
return pg_temp.other(format('do $d$ begin perform pg_advisory_xact_lock('
	'cardkeep_api.lock_key(%L, %L)); end $d$', p_kind, p_value));
create function pg_temp.other_row(p_table text, p_column text, p_id uuid) returns void language sql
return pg_temp.other(format('do $d$ begin perform from cardkeep.%I where %I = %L for update; end $d$',
	p_table, p_column, p_id));
create function pg_temp.other_ends() returns void language sql
begin atomic
	select tap.dblink_exec('other', 'commit');
end;

select pg_temp.sign_up('ann'), pg_temp.create_card('ann', 'c', 'Busy Card'),
	pg_temp.rename_card('ann', 'w2', 'c', '{1}', 'Two') \g /dev/null

-- Keys
select pg_temp.other_key('card', pg_temp.id('n1')::text) \g /dev/null
select is(pg_temp.seen(pg_temp.create_card('ann', 'n1', 'New')), '423 v0',
	'a creation that runs elsewhere is busy');
select pg_temp.other_ends() \g /dev/null
select is(pg_temp.seen(pg_temp.create_card('ann', 'n1', 'New')), '201 v1 1',
	'and free afterwards');

select pg_temp.other_key('slug', 'wanted') \g /dev/null
select matches((pg_temp.create_card('ann', 'n2', 'Wanted')).body::json ->> 'slug',
	'^wanted-[a-z0-9]{6}$', 'a slug that is held elsewhere is taken');
select matches(cardkeep.generate_unique_slug('wanted'), '^wanted-[a-z0-9]{6}$',
	'for the promised function too');
select throws_ok($$select cardkeep.generate_unique_slug('wanted', 1)$$, '23505', null,
	'which does not wait for it');
select pg_temp.other_ends() \g /dev/null

select pg_temp.other_key('email', 'bob@example.org') \g /dev/null
select is(pg_temp.seen(pg_temp.sign_up('bob')), '423 v0',
	'an address that is registered elsewhere is busy');
select pg_temp.other_ends(), pg_temp.other_key('session', pg_temp.id('bob')::text) \g /dev/null
select is(pg_temp.seen(pg_temp.sign_up('bob')), '423 v0',
	'a registration that runs elsewhere is busy');
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('bob'), pg_temp.id('ann'),
	'hash of ann', pg_temp.token('bob'), null, null, '1 day')), '423 v0', 'and a sign-in');
select pg_temp.other_ends(), pg_temp.other_key('personal_info', pg_temp.id('ann')::text)
	\g /dev/null
select is(pg_temp.seen(cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p1'), '{0}',
	'{"full_name": "A"}')), '423 v0', 'a first profile that is written elsewhere is busy');
select is(pg_temp.seen(cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q1'),
	'{0}', '{"job_title": "A"}')), '201 v1', 'the other profile is not');
select pg_temp.other_ends() \g /dev/null
select is(pg_temp.seen(cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p1'), '{0}',
	'{"full_name": "A"}')), '201 v1', 'and free afterwards');

-- Rows
create function pg_temp.delete_card(p_write text, p_expected integer[])
returns cardkeep_api.answer language sql
return cardkeep_api.delete_card(pg_temp.token('ann'), pg_temp.id(p_write), pg_temp.id('c'),
	p_expected);
select pg_temp.other_row('business_cards', 'id', pg_temp.id('c')) \g /dev/null
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'c', '{2}', 'Three')), '423 v2',
	'an update of a card that is held elsewhere is busy');
select is(pg_temp.seen(pg_temp.delete_card('d', '{2}')), '423 v2', 'and a deletion');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'c', '{1}', 'Three')), '409 v2',
	'a stale version is refused all the same');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w2', 'c', '{1}', 'Two')), '200 v2 again',
	'a repeat is found all the same');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'c', '{2}', 'Two')), '200 v2 unchanged',
	'and what changes nothing needs no lock');
select is(pg_temp.seen(cardkeep_api.read_card(pg_temp.token('ann'), pg_temp.id('c'))), '200 v2',
	'nor does reading');
select throws_ok(format($$select cardkeep.update_business_card_optimistic(%L, %L, 2, 'Three')$$,
	pg_temp.id('c'), pg_temp.id('ann')), '55P03', null,
	'the promised function, for people, waits for the card');
select pg_temp.other_ends(), pg_temp.other_key('slug', 'busy-card') \g /dev/null
select is(pg_temp.seen(pg_temp.delete_card('d', '{2}')), '423 v2',
	'a deletion is busy while its slug is tried elsewhere');
select pg_temp.other_ends() \g /dev/null
select is((select count(*) from cardkeep.business_card_versions h where h.card_id = pg_temp.id('c')),
	2::bigint, 'busy writes left nothing behind');

select pg_temp.other_row(t, 'user_id', pg_temp.id('ann')) from unnest('{personal_info}'::text[]) t
	\g /dev/null
select is(pg_temp.seen(cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p2'), '{1}',
	'{"full_name": "B"}')), '423 v1', 'a profile that is held elsewhere is busy');
select is(pg_temp.seen(cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p2'), '{0}',
	'{"full_name": "B"}')), '409 v1', 'a stale version of it is refused all the same');
select throws_ok(format($$select cardkeep.upsert_personal_info_optimistic(%L, 1, 'B')$$,
	pg_temp.id('ann')), '55P03', null, 'the promised function waits for the profile');
select pg_temp.other_ends(), pg_temp.other_row('professional_info', 'user_id', pg_temp.id('ann'))
	\g /dev/null
select is(pg_temp.seen(cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q2'),
	'{1}', '{"job_title": "B"}')), '423 v1', 'the professional one too');
select pg_temp.other_ends(), pg_temp.other_row('users', 'id', pg_temp.id('ann')) \g /dev/null
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('s'), pg_temp.id('ann'), 'hash of ann',
	pg_temp.token('s'), null, null, '1 day')), '423 v0', 'an account that is held elsewhere is busy');
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('s'), pg_temp.id('ann'), 'other',
	pg_temp.token('s'), null, null, '1 day')), '401 v0', 'a wrong password is refused all the same');
select pg_temp.other_ends(), pg_temp.other_row('sessions', 'id', pg_temp.id('ann')) \g /dev/null
select is(pg_temp.seen(cardkeep_api.end_session(pg_temp.token('ann'), pg_temp.id('e'), null)),
	'423 v0', 'a session that is held elsewhere is busy');
select pg_temp.other_ends(), dblink_disconnect('other') \g /dev/null

select * from finish();
