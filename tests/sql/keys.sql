-- Keys: what was applied under one is answered again, anything else under it is refused, and the
-- sweep takes what is old. p_write stands for all that a key is bound to, so here `the same again` is
-- the same p_write.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob'), pg_temp.sign_up('cat') \g /dev/null
select pg_temp.create_card('ann', 'card', 'Card'), pg_temp.create_card('ann', 'gone', 'Gone') \g /dev/null

create function pg_temp.own(p_who text, p_request text) returns uuid language sql
return cardkeep_api.own_write(pg_temp.id(p_who), pg_temp.id(p_request));
create function pg_temp.keyed_create(p_who text, p_key text, p_request text, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.create_card(pg_temp.token(p_who), pg_temp.id(p_request), null, row(p_name, null, null,
	null, null), pg_temp.id(p_key));
create function pg_temp.keyed_rename(p_who text, p_key text, p_request text, p_card text,
	p_expected integer, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.update_card(pg_temp.token(p_who), pg_temp.id(p_request), pg_temp.id(p_card),
	array[p_expected], row(p_name, null, null, null, null), pg_temp.id(p_key));
create function pg_temp.keyed_delete(p_who text, p_key text, p_request text, p_card text,
	p_expected integer)
returns cardkeep_api.answer language sql
return cardkeep_api.delete_card(pg_temp.token(p_who), pg_temp.id(p_request), pg_temp.id(p_card),
	array[p_expected], pg_temp.id(p_key));
create function pg_temp.keyed_save(p_who text, p_key text, p_request text, p_expected integer,
	p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token(p_who), pg_temp.id(p_request), array[p_expected],
	p_patch, pg_temp.id(p_key));
create function pg_temp.keyed_end(p_who text, p_key text, p_request text, p_session text)
returns cardkeep_api.answer language sql
return cardkeep_api.end_session(pg_temp.token(p_who), pg_temp.id(p_request), pg_temp.id(p_session),
	pg_temp.id(p_key));
create function pg_temp.kept(p_who text, p_key text) returns text language sql
return (select w.status || ' v' || w.version from cardkeep.writes w
	where w.user_id = pg_temp.id(p_who) and w.key = pg_temp.id(p_key));

-- Creations
select pg_temp.keyed_create('ann', 'k1', 'r1', 'Keyed') as first \gset
select is(pg_temp.seen(:'first'), '201 v1', 'the first creation under a key is carried out');
select is((:'first'::cardkeep_api.answer).body::json ->> 'id', pg_temp.own('ann', 'r1')::text,
	'the card''s id is the write id, which is made of the user and the request');
select is(pg_temp.seen(pg_temp.keyed_create('ann', 'k1', 'r1', 'Keyed')), '201 v1 again',
	'the same again gets the first answer');
select is((pg_temp.keyed_create('ann', 'k1', 'r1', 'Keyed')).body,
	(:'first'::cardkeep_api.answer).body, 'to the byte');
select is(pg_temp.seen(cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('w1'),
	pg_temp.own('ann', 'r1'), '{1}', row('Renamed', null, '{"a": 1}', null, null))), '200 v2',
	'the card changes since');
select is((pg_temp.keyed_create('ann', 'k1', 'r1', 'Keyed')).body,
	(:'first'::cardkeep_api.answer).body, 'and the same again still gets the first answer');
select is((select count(*) from cardkeep.business_cards b where b.name in ('Keyed', 'Renamed')), 1::bigint,
	'there is one card');
select is(pg_temp.seen(pg_temp.keyed_create('ann', 'k1', 'r2', 'Other')), '422 v0 key_reused',
	'another creation under the key is refused');
select is((pg_temp.keyed_create('bob', 'k1', 'r1', 'Keyed')).replayed, false,
	'keys are per user: the same request of somebody else is carried out');
select isnt(pg_temp.own('bob', 'r1'), pg_temp.own('ann', 'r1'), 'and makes a card of its own');
select is(pg_temp.seen(pg_temp.keyed_create('nobody', 'k1', 'r1', 'Keyed')), '401 v0',
	'nobody has no keys');
select is(pg_temp.kept('ann', 'k1'), '201 v1', 'what was applied is kept');

-- Updates
select pg_temp.keyed_rename('ann', 'k3', 'r3', 'card', 1, 'New') as first \gset
select is(pg_temp.seen(:'first'), '200 v2', 'the first update under a key is carried out');
select is(pg_temp.keyed_rename('ann', 'k3', 'r3', 'card', 1, 'New'),
	cardkeep_api.reply(200, 2, (:'first'::cardkeep_api.answer).body, true),
	'the same again gets the first answer');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w3', 'card', '{2}', 'Newer')), '200 v3',
	'the card changes since');
select is(pg_temp.keyed_rename('ann', 'k3', 'r3', 'card', 1, 'New'),
	cardkeep_api.reply(200, 2, (:'first'::cardkeep_api.answer).body, true),
	'and the same again still gets the first answer, no conflict');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k3', 'r4', 'card', 3, 'Other')),
	'422 v0 key_reused', 'another update under the key is refused');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k1', 'r4', 'card', 3, 'Other')),
	'422 v0 key_reused', 'also where the key was spent on another kind of write');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k3', 'r4', 'no card', 3, 'Other')), '404 v0',
	'but a card that is not there is 404 first');
select is(pg_temp.seen(pg_temp.keyed_rename('bob', 'k1', 'r4', 'card', 3, 'Other')), '404 v0',
	'and so is somebody else''s');
select is((select b.name from cardkeep.business_cards b where b.id = pg_temp.id('card')), 'Newer',
	'none of these changed anything');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k4', 'r5', 'card', 1, 'Stale')), '409 v3',
	'a stale version is refused under a key too');
select is(pg_temp.kept('ann', 'k4'), null, 'a refusal is not kept');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k4', 'r6', 'card', 3, 'Right')), '200 v4',
	'so its key is free for the next request');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k5', 'r7', 'card', 4, 'Right')),
	'200 v4 unchanged', 'what changes nothing is answered');
select is(pg_temp.kept('ann', 'k5'), null, 'and not kept: nothing was applied');

-- Deletions
select is(pg_temp.seen(pg_temp.keyed_delete('ann', 'k6', 'r8', 'gone', 7)), '409 v1',
	'a stale deletion is refused');
select is(pg_temp.seen(pg_temp.keyed_delete('ann', 'k6', 'r8', 'gone', 1)), '204 v2',
	'a deletion under a key is carried out');
select is(pg_temp.seen(pg_temp.keyed_delete('ann', 'k6', 'r8', 'gone', 1)), '204 v2 again',
	'the same again gets the first answer, though the card is gone');
select is(pg_temp.seen(pg_temp.keyed_delete('ann', 'k6', 'r9', 'card', 4)), '422 v0 key_reused',
	'another deletion under the key is refused');
select is(pg_temp.seen(pg_temp.keyed_delete('ann', 'k6', 'r9', 'gone', 2)), '404 v0',
	'but a card that is not there is 404 first');

-- Profiles
select pg_temp.keyed_save('ann', 'k7', 'r10', 0, '{"full_name": "Ann"}') as first \gset
select is(pg_temp.seen(:'first'), '201 v1', 'the first save of a profile under a key is carried out');
select is(pg_temp.keyed_save('ann', 'k7', 'r10', 0, '{"full_name": "Ann"}'),
	cardkeep_api.reply(201, 1, (:'first'::cardkeep_api.answer).body, true),
	'the same again gets the first answer, isNew included');
select pg_temp.keyed_save('ann', 'k8', 'r11', 1, '{"address": "Here"}') as second \gset
select is(pg_temp.seen(:'second'), '200 v2', 'a later save is carried out');
select is(pg_temp.keyed_save('ann', 'k7', 'r10', 0, '{"full_name": "Ann"}'),
	cardkeep_api.reply(201, 1, (:'first'::cardkeep_api.answer).body, true),
	'and the first is still answered as it was');
select is(pg_temp.keyed_save('ann', 'k8', 'r11', 1, '{"address": "Here"}'),
	cardkeep_api.reply(200, 2, (:'second'::cardkeep_api.answer).body, true),
	'as is the later one');
select is(pg_temp.seen(pg_temp.keyed_save('ann', 'k8', 'r12', 2, '{"address": "There"}')),
	'422 v0 key_reused', 'another save under the key is refused');
select is(pg_temp.seen(cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('r13'),
	'{0}', '{"job_title": "Boss"}', pg_temp.id('k8'))), '422 v0 key_reused',
	'of the other profile as well');
select is(pg_temp.seen(pg_temp.keyed_save('ann', 'k9', 'r14', 2, '{"address": "Here"}')),
	'200 v2 unchanged', 'what changes nothing is answered');
select is(pg_temp.kept('ann', 'k9'), null, 'and not kept');

-- Sessions
select cardkeep_api.open_session(pg_temp.id('tablet'), pg_temp.id('ann'), 'hash of ann',
	pg_temp.token('tablet'), null, null, '1 day') \g /dev/null
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k8', 'r15', 'tablet')), '422 v0 key_reused',
	'ending a session under a key that was spent is refused');
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k10', 'r16', 'tablet')), '204 v0',
	'a session ends under a key of its own');
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k10', 'r16', 'tablet')), '204 v0 again',
	'the same again gets the first answer');
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k10', 'r17', 'tablet')), '404 v0',
	'another end of it is 404 first');
select pg_temp.keyed_create('ann', 'k11', 'r18', 'Last') as last \gset
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k12', 'r19', null)), '204 v0 own',
	'the caller''s own session ends under a key');
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k12', 'r19', null)), '204 v0 again own',
	'the same again gets the first answer, though the session is over');
select is(pg_temp.seen(pg_temp.keyed_end('ann', 'k12', 'r20', null)), '401 v0',
	'anything else gets 401 now');
select is(pg_temp.seen(pg_temp.keyed_create('ann', 'k13', 'r21', 'Late')), '401 v0',
	'nothing new is carried out');
select is(pg_temp.seen(pg_temp.keyed_create('ann', 'k11', 'r18', 'Last')), '401 v0',
	'and what was applied before is told no more');
select is(pg_temp.seen(pg_temp.keyed_create('ann', 'k11', 'r22', 'Late')), '401 v0',
	'another request under its key gets 401, not what the key was spent on');
select is(pg_temp.seen(pg_temp.keyed_rename('ann', 'k3', 'r3', 'card', 1, 'New')), '401 v0',
	'nor are updates');
select is(pg_temp.seen(pg_temp.keyed_save('ann', 'k7', 'r10', 0, '{"full_name": "Ann"}')), '401 v0',
	'or profiles');
select cardkeep_api.open_session(pg_temp.id('ann again'), pg_temp.id('ann'), 'hash of ann',
	pg_temp.token('ann again'), null, null, '1 day') \g /dev/null
select is(pg_temp.keyed_create('ann again', 'k11', 'r18', 'Last'),
	cardkeep_api.reply(201, 1, (:'last'::cardkeep_api.answer).body, true),
	'another session of the account gets the first answer');
select is(pg_temp.seen(pg_temp.keyed_rename('ann again', 'k3', 'r3', 'card', 1, 'New')), '200 v2 again',
	'of updates too');
select is(pg_temp.seen(pg_temp.keyed_save('ann again', 'k7', 'r10', 0, '{"full_name": "Ann"}')),
	'201 v1 again', 'and of profiles');

-- Accounts
select cardkeep_api.open_session(pg_temp.id('bob2'), pg_temp.id('bob'), 'hash of bob', pg_temp.token('bob2'),
	null, null, '1 day') \g /dev/null
create function pg_temp.keyed_end_all(p_who text, p_key text, p_request text, p_others boolean)
returns cardkeep_api.answer language sql
return cardkeep_api.end_sessions(pg_temp.token(p_who), pg_temp.id(p_request), p_others, pg_temp.id(p_key));
create function pg_temp.keyed_known(p_who text, p_key text, p_request text)
returns cardkeep_api.answer language sql
return cardkeep_api.read_password(pg_temp.token(p_who), pg_temp.id(p_request), pg_temp.id(p_key));
create function pg_temp.keyed_change(p_who text, p_key text, p_request text, p_seen text, p_new text)
returns cardkeep_api.answer language sql
return cardkeep_api.change_password(pg_temp.token(p_who), pg_temp.id(p_request), p_seen, p_new, pg_temp.id(p_key));
create function pg_temp.keyed_delete_account(p_who text, p_key text, p_request text, p_seen text)
returns cardkeep_api.answer language sql
return cardkeep_api.delete_account(pg_temp.token(p_who), pg_temp.id(p_request), p_seen, pg_temp.id(p_key));
select is(pg_temp.seen(pg_temp.keyed_end_all('bob', 'e1', 's1', true)), '204 v0',
	'all other sessions end under a key');
select is(pg_temp.seen(pg_temp.keyed_end_all('bob', 'e1', 's1', true)), '204 v0 again',
	'the same again gets the first answer');
select is(pg_temp.seen(pg_temp.keyed_end_all('bob', 'e1', 's2', false)), '422 v0 key_reused',
	'another request under the key is refused');
select is(pg_temp.seen(pg_temp.keyed_known('bob', 'e2', 's3')), '200 v0 hash of bob',
	'before a change of password its hash is known, whether or not there is a key');
select is(pg_temp.seen(pg_temp.keyed_known('bob', 'e1', 's3')), '422 v0 key_reused',
	'a spent key is told at once');
select is(pg_temp.seen(pg_temp.keyed_change('bob', 'e2', 's3', 'hash of bob', 'second')), '204 v0',
	'the password changes under a key');
select is(pg_temp.seen(pg_temp.keyed_change('bob', 'e2', 's3', 'hash of bob', 'second')), '204 v0 again second',
	'the same again gets the first answer, with the hash that it set');
select is(pg_temp.seen(pg_temp.keyed_known('bob', 'e2', 's3')), '204 v0 again second',
	'and is told beforehand, with the hash that it set');
select is(pg_temp.seen(pg_temp.keyed_change('bob', 'e3', 's4', 'second', 'third')), '204 v0',
	'the password changes once more');
select is(pg_temp.seen(pg_temp.keyed_known('bob', 'e2', 's3')), '204 v0 again',
	'then the first change is answered still, but its password is known no more');
select is(pg_temp.seen(pg_temp.keyed_delete_account('bob', 'e3', 's5', 'third')), '422 v0 key_reused',
	'a deletion under a spent key is refused');
select is(pg_temp.seen(pg_temp.keyed_delete_account('bob', 'e4', 's5', 'third')), '204 v0',
	'an account is deleted under a key');
select is(pg_temp.seen(pg_temp.keyed_known('bob', 'e4', 's5')), '204 v0 again',
	'the same again is told before its password is asked for');
select is(pg_temp.seen(pg_temp.keyed_delete_account('bob', 'e4', 's5', '')), '204 v0 again',
	'and gets the first answer');
select is(pg_temp.seen(pg_temp.keyed_known('bob', 'e5', 's6')), '401 v0', 'anything else gets 401');
select is(pg_temp.seen(pg_temp.keyed_known('bob2', 'e4', 's5')), '401 v0', 'and so does any other token');
select pg_temp.erase_all() \g /dev/null
select is_empty(format('select from cardkeep.writes w where w.user_id = %L', pg_temp.id('bob')),
	'no key of the account is left');

-- A set may name a key several times
select results_eq($$select s.status || s.detail from cardkeep_api.create_cards(array[pg_temp.token('cat'), pg_temp.token('cat')],
	array[pg_temp.id('r30')::text, pg_temp.id('r31')::text], '{One,Two}', '{one,two}', '{null,null}',
	'{null,null}', '{null,null}', '{null,null}', array[pg_temp.id('k30')::text, pg_temp.id('k30')::text]) s
	order by s.item$$, $$values ('201'::text), ('422key_reused')$$,
	'of two creations of one key in one set the first is carried out, the other is refused');
-- The sweep
select cmp_ok((select count(*) from cardkeep.writes), '>=', 8::bigint, 'keys are kept');
select is(pg_temp.seen(cardkeep_api.sweep_writes('1 day', 0)), '200 v0', 'young keys stay');
select count(*) as keys from cardkeep.writes \gset
update cardkeep.writes w set at = w.at - interval '25 hours'
where w.user_id = pg_temp.id('ann') and w.key in (pg_temp.id('k1'), pg_temp.id('k3'));
select is(pg_temp.seen(cardkeep_api.sweep_writes('1 day', 0)), '200 v2', 'old ones go');
select is((select count(*) from cardkeep.writes), :keys - 2::bigint, 'and no others');
select is(pg_temp.seen(cardkeep_api.sweep_writes('1 day', 0)), '200 v0', 'and are gone then');
select is(pg_temp.seen(pg_temp.keyed_create('ann again', 'k1', 'r1', 'Keyed')), '201 v1 again',
	'the late repeat of a creation still finds its card');
select is(pg_temp.seen(pg_temp.keyed_rename('ann again', 'k3', 'r3', 'card', 1, 'New')), '200 v2 again',
	'and that of an update its version');
insert into cardkeep.writes (user_id, key, write_id, at, version, status)
select pg_temp.id('crowd'), md5(i::text)::uuid, md5(i::text)::uuid, clock_timestamp() - interval '2 days', 1, 201
from generate_series(1, 3000) i;
create function pg_temp.walk() returns table (step integer, gone integer) language plpgsql as $$
declare
	a cardkeep_api.answer := (0, 0, false, '0', '');
begin
	step := 0;
	while a.detail <> '' loop
		a := cardkeep_api.sweep_writes('1 day', a.detail::bigint);
		step := step + 1;
		gone := a.version;
		return next;
	end loop;
end
$$;
create temporary table walked as select * from pg_temp.walk();
select cmp_ok((select max(w.gone) from walked w), '<', 1000, 'a step takes a bounded number');
select is((select sum(w.gone) from walked w), 3000::bigint, 'a walk takes them all');
select is((select count(*) from cardkeep.writes w where w.user_id = pg_temp.id('crowd')), 0::bigint,
	'none is left');

insert into cardkeep.closed_accounts (write_id, token_hash, at)
values (pg_temp.id('long ago'), pg_temp.token('x'), clock_timestamp() - interval '2 days') \g /dev/null
select count(*) as steps from pg_temp.walk() \g /dev/null
select ok(not exists (select from cardkeep.closed_accounts c where c.write_id = pg_temp.id('long ago'))
	and exists (select from cardkeep.closed_accounts), 'and old records of deleted accounts');

select * from finish();
rollback;
