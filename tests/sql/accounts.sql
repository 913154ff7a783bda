-- Registration, sign-in and sessions: every status of each.
\ir lib/people.psql
begin;
select * from no_plan();

select is(pg_temp.seen(pg_temp.sign_up('ann')), '201 v0', 'registering answers 201');
select is(pg_temp.seen(pg_temp.sign_up('ann')), '201 v0 again',
	'a repeated registration is answered as the first was');
select is((pg_temp.sign_up('ann')).body::json -> 'user' ->> 'email', 'ann@example.org',
	'the answer holds the account');
select is(pg_temp.keys((pg_temp.sign_up('ann')).body::json ->> 'user'), 'id email created_at',
	'an account shows id, address and time, and no password');
select is(pg_temp.keys((pg_temp.sign_up('ann')).body::json ->> 'session'),
	'id device_name user_agent created_at last_seen_at expires_at current',
	'a session shows its device and times, and no token');
select is((select count(*) from cardkeep.users), 1::bigint, 'repeats made no second account');
select is((select count(*) from cardkeep.sessions), 1::bigint, 'repeats made no second session');
select is(pg_temp.seen(cardkeep_api.register(pg_temp.id('other'), 'ANN@Example.ORG', 'h',
	pg_temp.token('other'), null, null, '1 day')), '409 v0 address_taken',
	'an address is taken in any spelling');
select matches((pg_temp.sign_up('ann')).body::json -> 'user' ->> 'created_at',
	'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$', 'times are RFC 3339 in UTC with microseconds');

select is(pg_temp.seen(cardkeep_api.find_account('Ann@example.org')), '200 v0 hash of ann',
	'an account is found by its address in any spelling, with its password hash');
select is((cardkeep_api.find_account('ann@example.org')).body, pg_temp.id('ann')::text,
	'and with its id');
select is(pg_temp.seen(cardkeep_api.find_account('nobody@example.org')), '404 v0',
	'an unknown address is 404');

create function pg_temp.sign_in(p_session text, p_hash text) returns cardkeep_api.answer
language sql
return cardkeep_api.open_session(pg_temp.id(p_session), pg_temp.id('ann'), p_hash,
	pg_temp.token(p_session), 'tablet', 'Test/2', '1 hour');
select is(pg_temp.seen(pg_temp.sign_in('tablet', 'hash of ann')), '201 v0',
	'signing in answers 201');
select is(pg_temp.seen(pg_temp.sign_in('tablet', 'hash of ann')), '201 v0 again',
	'a repeated sign-in is answered as the first was');
select is((pg_temp.sign_in('tablet', 'hash of ann')).body::json -> 'session' ->> 'device_name',
	'tablet', 'the answer holds the new session');
select is(pg_temp.seen(pg_temp.sign_in('late', 'the password before')), '401 v0',
	'a password that changed since it was checked opens nothing');
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('renewed'), pg_temp.id('ann'), 'the password before',
	pg_temp.token('renewed'), null, null, '1 day', p_fresh_hash => 'stolen')), '401 v0', 'and renews no hash');
select is((select password_hash from cardkeep.users where id = pg_temp.id('ann')), 'hash of ann', 'which stays');
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('renewed'), pg_temp.id('ann'), 'hash of ann',
	pg_temp.token('renewed'), null, null, '1 day', p_fresh_hash => 'fresh hash of ann')), '201 v0',
	'a sign-in brings a hash at another cost along');
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('renewed'), pg_temp.id('ann'), 'hash of ann',
	pg_temp.token('renewed'), null, null, '1 day', p_fresh_hash => 'fresh hash of ann')), '201 v0 again',
	'once, however often it is sent');
select is((cardkeep_api.find_account('ann@example.org')).detail, 'fresh hash of ann', 'by which the next one is checked');
update cardkeep.users set password_hash = 'hash of ann' where id = pg_temp.id('ann');
delete from cardkeep.sessions where id = pg_temp.id('renewed');
select is(pg_temp.seen(cardkeep_api.open_session(pg_temp.id('ghost'), pg_temp.id('ghost'), 'h',
	pg_temp.token('ghost'), null, null, '1 day')), '401 v0', 'an account that is gone is 401');

select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('ann'))), '200 v0 ' || pg_temp.id('ann'),
	'a live session passes, and whose it is is told');
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('nobody'))), '401 v0',
	'a token that nobody ever had is 401, without a word');
select is((cardkeep_api.read_user(pg_temp.token('ann'))).body::json -> 'user' ->> 'id',
	pg_temp.id('ann')::text, 'the caller''s account can be read');
select is(pg_temp.seen(cardkeep_api.read_user(pg_temp.token('nobody'))), '401 v0',
	'nobody''s account cannot');

update cardkeep.sessions set last_seen_at = last_seen_at + interval '1 minute'
where id = pg_temp.id('tablet');
select is((select string_agg(s ->> 'current', ' ') from json_array_elements(
	(cardkeep_api.list_sessions(pg_temp.token('ann'))).body::json -> 'sessions') s), 'false true',
	'sessions are listed with the last seen one first, the caller''s own marked');
select is(pg_temp.seen(cardkeep_api.list_sessions(pg_temp.token('nobody'))), '401 v0',
	'nobody''s sessions are not listed');

select pg_temp.sign_up('bob') \g /dev/null
create function pg_temp.end_session(p_who text, p_write text, p_session uuid)
returns cardkeep_api.answer language sql
return cardkeep_api.end_session(pg_temp.token(p_who), pg_temp.id(p_write), p_session);
select is(pg_temp.seen(pg_temp.end_session('ann', 'w1', pg_temp.id('bob'))), '404 v0',
	'somebody else''s session looks as if it were not there');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w1', pg_temp.id('never'))), '404 v0',
	'an unknown session is 404');
select is(pg_temp.seen(pg_temp.end_session('nobody', 'w1', null)), '401 v0',
	'nobody can end a session');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w1', pg_temp.id('tablet'))), '204 v0',
	'a session of one''s own ends');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w1', pg_temp.id('tablet'))), '204 v0 again',
	'a repeated end is answered as the first was');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w2', pg_temp.id('tablet'))), '404 v0',
	'ending it anew is 404');
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('tablet'))), '401 v0 over',
	'an ended session is refused, and told from a token that nobody ever had');
select is(json_array_length((cardkeep_api.list_sessions(pg_temp.token('ann'))).body::json
	-> 'sessions'), 1, 'an ended session is not listed');
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('ann'))), '200 v0 ' || pg_temp.id('ann'),
	'the session that ended it lives on');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w3', null)), '204 v0 own',
	'null ends the caller''s own session');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w3', null)), '204 v0 again own',
	'the repeat finds that the first ended the session that asks');
select is(pg_temp.seen(pg_temp.end_session('ann', 'w4', null)), '401 v0',
	'any other request of it is 401');

-- Many sessions at once
select pg_temp.sign_up('cid'), pg_temp.sign_up('dan') \g /dev/null
create function pg_temp.sign_in_as(p_who text, p_session text) returns cardkeep_api.answer
language sql
return cardkeep_api.open_session(pg_temp.id(p_session), pg_temp.id(p_who),
	(select u.password_hash from cardkeep.users u where u.id = pg_temp.id(p_who)),
	pg_temp.token(p_session), p_session, 'Test/2', '1 hour');
create function pg_temp.live(p_who text) returns text language sql
return (select string_agg(coalesce(s.device_name, 'null'), ' ' order by s.device_name)
	from cardkeep.sessions s where s.user_id = pg_temp.id(p_who) and cardkeep_api.is_live(s));
select pg_temp.sign_in_as('cid', 'c1'), pg_temp.sign_in_as('cid', 'c2') \g /dev/null
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('nobody'), pg_temp.id('x1'), o)),
	'401 v0', 'nobody ends sessions') from unnest('{t,f}'::boolean[]) o;
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('c1'), pg_temp.id('x2'), true)),
	'204 v0', 'all other sessions end at once');
select is(pg_temp.live('cid'), 'c1', 'and one''s own lives on');
select is(pg_temp.live('dan'), 'dan''s phone', 'as do other people''s');
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('c1'), pg_temp.id('x2'), true)),
	'204 v0 again', 'a repeat is answered as the first was');
select pg_temp.sign_in_as('cid', 'c3') \g /dev/null
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('c1'), pg_temp.id('x2'), true)),
	'204 v0 again', 'and ends nothing');
select is(pg_temp.live('cid'), 'c1 c3', 'that came after it');
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('c1'), pg_temp.id('x3'), false)),
	'204 v0', 'all sessions end at once, one''s own too');
select is(pg_temp.live('cid'), null, 'none is left');
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('c1'), pg_temp.id('x3'), false)),
	'204 v0 again', 'the repeat finds that the first ended the session that asks');
select is(pg_temp.seen(cardkeep_api.end_sessions(pg_temp.token('c1'), pg_temp.id('x4'), false)),
	'401 v0', 'anything else of it is 401');

-- Another password
create function pg_temp.change(p_session text, p_write text, p_seen text, p_new text)
returns cardkeep_api.answer language sql
return cardkeep_api.change_password(pg_temp.token(p_session), pg_temp.id(p_write), p_seen, p_new);
select pg_temp.sign_in_as('dan', 'd1'), pg_temp.sign_in_as('dan', 'd2') \g /dev/null
select is(pg_temp.seen(cardkeep_api.read_password(pg_temp.token('d1'))), '200 v0 hash of dan',
	'the caller''s password hash can be read, to check against');
select is(pg_temp.seen(cardkeep_api.read_password(pg_temp.token('c1'))), '401 v0',
	'but not by a session that is over');
select is(pg_temp.seen(pg_temp.change('c1', 'y1', 'hash of cid', 'new')), '401 v0',
	'nor does it change the password');
select is(pg_temp.seen(pg_temp.change('d1', 'y1', 'the hash before', 'new')),
	'422 v0 password_changed', 'a password that changed since it was checked is not changed');
select is(pg_temp.seen(pg_temp.change('d1', 'y2', 'hash of dan', 'new')), '204 v0',
	'a password is changed');
select is((cardkeep_api.find_account('dan@example.org')).detail, 'new', 'the new hash is in place');
select is(pg_temp.live('dan'), 'd1', 'every other session ended with it');
select is(pg_temp.seen(pg_temp.change('d1', 'y2', 'hash of dan', 'new')), '204 v0 again',
	'a repeat is answered as the first was');
select cardkeep_api.end_session(pg_temp.token('d1'), pg_temp.id('y3'), null) \g /dev/null
select is(pg_temp.seen(pg_temp.change('d1', 'y2', 'hash of dan', 'new')), '204 v0 again',
	'even after its session ended');
select is(pg_temp.seen(pg_temp.change('d1', 'y4', 'new', 'newer')), '401 v0',
	'another change by it is 401');

-- Deletion
create function pg_temp.delete_account(p_session text, p_write text, p_seen text)
returns cardkeep_api.answer language sql
return cardkeep_api.delete_account(pg_temp.token(p_session), pg_temp.id(p_write), p_seen);
select pg_temp.sign_in_as('dan', 'd4') \g /dev/null
select pg_temp.create_card('d4', 'dan''s card', 'Dan''s Card') \g /dev/null
select is(pg_temp.seen(pg_temp.delete_account('d1', 'z1', 'new')), '401 v0',
	'a session that is over does not delete its account');
select is(pg_temp.seen(pg_temp.delete_account('d4', 'z1', 'hash of dan')),
	'422 v0 password_changed', 'nor does one whose password changed since it was checked');
select is(pg_temp.seen(pg_temp.delete_account('d4', 'z1', 'new')), '204 v0',
	'an account is deleted');
select is((cardkeep_api.find_account('dan@example.org')).status, 404, 'and gone');
select pg_temp.erase_all() \g /dev/null
select is_empty(format($$select from cardkeep.business_card_versions where card_id = %L$$,
	pg_temp.id('dan''s card')), 'with its cards and their history');
select is(pg_temp.seen(pg_temp.delete_account('d4', 'z1', 'new')), '204 v0 again',
	'a repeat is answered as the first was');
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('d4'))), '401 v0 over',
	'the token that deleted its account was one once, so that the repeat is let through');
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('d1'))), '401 v0',
	'the account''s other tokens are as if they had never been');
select is(pg_temp.seen(pg_temp.delete_account('d4', 'z2', 'new')), '401 v0',
	'anything else of its session is 401');
select is(pg_temp.seen(pg_temp.delete_account('d1', 'z1', 'new')), '401 v0',
	'nobody else''s repeat is answered');

-- Time
select pg_temp.sign_up('eve') \g /dev/null
select pg_temp.sign_in_as('eve', 'e1') \g /dev/null
create function pg_temp.seen_ago(p_session text, p_ago interval) returns void language sql
begin atomic
	update cardkeep.sessions set last_seen_at = clock_timestamp() - p_ago
	where id = pg_temp.id(p_session);
end;
select pg_temp.seen_ago('e1', '29 days 23 hours') \g /dev/null
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('e1'))), '200 v0 ' || pg_temp.id('eve'),
	'a session that was not used for less than 30 days lives');
select pg_temp.seen_ago('e1', '30 days 2 minutes') \g /dev/null
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('e1'))), '401 v0 over',
	'one that was not used for longer is refused');
select is(pg_temp.live('eve'), 'eve''s phone', 'and not listed');
select is((cardkeep_api.touch_sessions(array[pg_temp.token('e1')])).version, 0,
	'nothing brings it back');
select pg_temp.seen_ago('e1', '30 days 1 second') \g /dev/null
select is((cardkeep_api.touch_sessions(array[pg_temp.token('e1')])).version, 0,
	'also where it was refused only a moment ago');
select pg_temp.seen_ago('e1', '30 days -1 minute') \g /dev/null
select is((cardkeep_api.touch_sessions(array[pg_temp.token('e1')])).version, 1,
	'a session that was used is noted');
select is((select s.last_seen_at > clock_timestamp() - interval '1 minute'
	from cardkeep.sessions s where s.id = pg_temp.id('e1')), true, 'with the time it is');
select is((cardkeep_api.touch_sessions(array[pg_temp.token('e1')])).version, 0,
	'but not again at once');
select pg_temp.seen_ago('e1', '5 minutes'), pg_temp.seen_ago('eve', '5 minutes') \g /dev/null
select is(pg_temp.seen(cardkeep_api.touch_sessions(array[pg_temp.token('e1'), pg_temp.token('eve'),
	pg_temp.token('nobody'), pg_temp.token('d1')])), '200 v2',
	'many are noted at once, and unknown or ended ones are passed over');
select is((cardkeep_api.touch_sessions('{}')).version, 0, 'none is none');

-- At most so many
create function pg_temp.sign_in_of(p_session text, p_limit integer) returns cardkeep_api.answer
language sql
return cardkeep_api.open_session(pg_temp.id(p_session), pg_temp.id('eve'), 'hash of eve',
	pg_temp.token(p_session), p_session, null, '1 hour', '1 hour', p_limit);
create function pg_temp.gave_way(a cardkeep_api.answer) returns text language sql
return (select string_agg(s ->> 'device_name', ' ' order by n)
	from json_array_elements(a.body::json -> 'ended_sessions') with ordinality x(s, n));
select pg_temp.seen_ago('e1', '2 minutes'), pg_temp.seen_ago('eve', '3 minutes') \g /dev/null
select is(pg_temp.seen(pg_temp.sign_in_of('e2', 3)), '201 v0',
	'within its limit an account signs in once more');
select is((pg_temp.sign_in_of('e2', 3)).body::json ->> 'ended_sessions', null,
	'and none gives way');
select is(pg_temp.seen(pg_temp.sign_in_of('e3', 3)), '201 v0 ' || pg_temp.id('eve'),
	'at its limit the least recently seen one gives way');
select is(pg_temp.live('eve'), 'e1 e2 e3', 'to the new one');
select is(pg_temp.gave_way(pg_temp.sign_in_of('e3', 3)), 'eve''s phone',
	'the answer names it, the repeat''s too');
select is((cardkeep_api.check_session(pg_temp.token('eve'))).status, 401, 'its token is refused');
select is(pg_temp.gave_way(pg_temp.sign_in_of('e4', 2)), 'e1 e2',
	'where the limit was lowered more give way, the least recently seen one first');
select is(pg_temp.live('eve'), 'e3 e4', 'until the account is within it');
select is(pg_temp.gave_way(pg_temp.sign_in_of('e5', 1)), 'e3 e4', 'one is the least limit');
update cardkeep.sessions set ended_at = ended_at - interval '8 days'
where id in (pg_temp.id('e1'), pg_temp.id('e2'));
select pg_temp.seen_ago('e5', '9 days') \g /dev/null
select pg_temp.sign_in_of('e6', 50) \g /dev/null
select is((select string_agg(s.device_name, ' ' order by s.device_name) from cardkeep.sessions s
	where s.user_id = pg_temp.id('eve')), 'e3 e4 e6 eve''s phone',
	'sessions that have been over for a week are forgotten at the next sign-in');

update cardkeep.sessions set expires_at = clock_timestamp() where id = pg_temp.id('bob');
select is(pg_temp.seen(cardkeep_api.check_session(pg_temp.token('bob'))), '401 v0 over',
	'an expired session is refused');
select throws_ok(format($$insert into cardkeep.sessions (user_id, token_hash, expires_at)
	values (%L, '\x00', now())$$, pg_temp.id('ann')), '23514', null,
	'a token''s hash has 32 bytes');
select throws_ok($$insert into cardkeep.users (email, password_hash) values ('Upper@x', 'h')$$,
	'23514', null, 'an address is kept in lower case');

select * from finish();
rollback;
