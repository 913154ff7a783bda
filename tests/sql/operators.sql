-- What operators do with accounts and sessions, and what is left of an account that went.
\ir lib/people.psql
begin;
select * from no_plan();

select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null
create function pg_temp.sign_in(p_session text) returns cardkeep_api.answer language sql
return cardkeep_api.open_session(pg_temp.id(p_session), pg_temp.id('ann'),
	(select u.password_hash from cardkeep.users u where u.id = pg_temp.id('ann')),
	pg_temp.token(p_session), p_session, null, '1 hour');
select pg_temp.sign_in('tablet'), pg_temp.sign_in('laptop') \g /dev/null
select pg_temp.create_card('ann', 'old', 'Old'), pg_temp.create_card('ann', 'kept', 'Kept'),
	pg_temp.create_card('bob', 'his', 'His') \g /dev/null
select pg_temp.rename_card('ann', 'w1', 'kept', '{1}', 'Still kept'),
	cardkeep_api.delete_card(pg_temp.token('ann'), pg_temp.id('w2'), pg_temp.id('old'), '{1}'),
	cardkeep_api.save_own_profile('personal_info', pg_temp.token(w), pg_temp.id('p' || w), '{0}',
		'{"full_name":"N"}'),
	cardkeep_api.save_own_profile('professional_info', pg_temp.token(w), pg_temp.id('q' || w), '{0}',
		'{"job_title":"J"}')
from unnest('{ann,bob}'::text[]) w \g /dev/null

set local role cardkeep_runtime;
select throws_ok('select cardkeep.' || f, '42501', null, 'the service itself may not: ' || f)
from unnest(array['list_users()', 'find_user('''')', 'list_user_sessions(null)',
	'revoke_session(null)', 'revoke_user_sessions(null)', 'reset_password(null, null)',
	'delete_user(null)']) f;
reset role;
set local role cardkeep_admin;

select is((select string_agg(email || ' ' || sessions || ' ' || cards, ', ' order by email)
	from cardkeep.list_users()), 'ann@example.org 3 1, bob@example.org 1 1',
	'accounts are listed with their live sessions and cards');
select is((select string_agg(email, ' ') from cardkeep.list_users(1)), 'ann@example.org',
	'in pages');
select is((select string_agg(email, ' ') from cardkeep.list_users(1, 'Ann@example.org')),
	'bob@example.org', 'that begin after an address');
select is((select id from cardkeep.find_user(' ANN@example.ORG ')), pg_temp.id('ann'),
	'an account is found by its address in any spelling');
select is_empty($$select * from cardkeep.find_user('nobody@example.org')$$, 'nobody is not found');

update cardkeep.sessions set expires_at = clock_timestamp() where id = pg_temp.id('laptop');
select set_eq($$select id from cardkeep.list_user_sessions(pg_temp.id('ann'))$$,
	array[pg_temp.id('ann'), pg_temp.id('tablet')],
	'an account''s live sessions are listed');
select is((select count(*) from cardkeep.list_user_sessions(pg_temp.id('ann'), true)
	where not live), 1::bigint, 'and those that are over, when asked for');
select ok(cardkeep.revoke_session(pg_temp.id('tablet')), 'a session is ended');
select is((cardkeep_api.check_session(pg_temp.token('tablet'))).status, 401, 'and refused');
select is((cardkeep_api.check_session(pg_temp.token('ann'))).status, 200, 'the others live on');
select ok(not cardkeep.revoke_session(pg_temp.id('tablet')), 'it ends once');
select ok(not cardkeep.revoke_session(pg_temp.id('never')), 'an unknown one does not');
select is(cardkeep.revoke_user_sessions(pg_temp.id('ann')), 1,
	'all sessions of an account are ended');
select is((cardkeep_api.check_session(pg_temp.token('ann'))).status, 401, 'and refused');
select is((cardkeep_api.check_session(pg_temp.token('bob'))).status, 200, 'nobody else''s is');

select pg_temp.sign_in('phone') \g /dev/null
select throws_ok(format('select cardkeep.reset_password(%L, %L)', pg_temp.id('ann'), h), '22023',
	null, 'a password in clear is refused as a hash') from unnest(array['secret', null]) h;
select is(cardkeep.reset_password(pg_temp.id('ann'), '$argon2id$new'), 1,
	'a reset of the password ends every session');
select is((cardkeep_api.find_account('ann@example.org')).detail, '$argon2id$new',
	'and puts the new hash in place');
select is(cardkeep.reset_password(pg_temp.id('nobody'), '$argon2id$new'), null,
	'nobody''s password is not reset');

-- History
select throws_ok(format('delete from cardkeep.business_card_versions where card_id = %L',
	pg_temp.id(c)), '42501', null, 'history of a card is kept while its account is there: ' || c)
from unnest('{kept,old}'::text[]) c;
select throws_ok(format('delete from cardkeep.%I where user_id = %L', t, pg_temp.id('ann')),
	'42501', null, 'history of a profile is kept while its account is there: ' || t)
from unnest('{personal_info_versions,professional_info_versions}'::text[]) t;

-- Deletion
select ok(cardkeep.delete_user(pg_temp.id('ann')), 'an account is deleted');
select ok(not cardkeep.delete_user(pg_temp.id('ann')), 'once');
select is_empty($$select * from cardkeep.find_user('ann@example.org')$$, 'the account is gone');
select pg_temp.erase_all() \g /dev/null
select is_empty(format('select from cardkeep.%I where user_id = %L', t, pg_temp.id('ann')),
	'nothing of it is left in ' || t)
from unnest('{sessions,business_cards,personal_info,professional_info,personal_info_versions,
	professional_info_versions,retired_slugs}'::text[]) t;
select is((select array_agg(distinct card_id) from cardkeep.business_card_versions),
	array[pg_temp.id('his')], 'nor of its cards'' history, the deleted ones'' included');
select set_eq($$select slug from cardkeep.retired_slugs where card_id is not null$$,
	array['old', 'kept'], 'its slugs stay retired, without their owner');
select is((select count(*) from cardkeep.personal_info_versions)
	+ (select count(*) from cardkeep.professional_info_versions), 2::bigint,
	'other people''s profiles and their history are untouched');
select is((pg_temp.create_card('bob', 'next', 'Kept')).status, 201, 'whoever wants its slug now');
select matches((select slug from cardkeep.business_cards where id = pg_temp.id('next')),
	'^kept-[a-z0-9]{6}$', 'gets another one');
select is((pg_temp.sign_up('ann')).status, 201, 'its address can be registered again');

select * from finish();
rollback;
