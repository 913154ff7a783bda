-- Old versions deleted where an operator wants that, and nothing wrong said about them afterwards.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob') \g /dev/null

create function pg_temp.versions(p_card text) returns text language sql
return (select string_agg(h.version::text, ' ' order by h.version)
	from cardkeep.business_card_versions h where h.card_id = pg_temp.id(p_card));
create function pg_temp.own_versions() returns text language sql
return (select string_agg(h.version::text, ' ' order by h.version)
	from cardkeep.personal_info_versions h where h.user_id = pg_temp.id('ann'));
-- The whole way in steps: histories, deleted, busy.
create function pg_temp.prune(p_versions integer, p_days integer, p_hours integer default 24,
	p_kind text default 'business_cards')
returns text language sql
return (with recursive steps as (
	select 1 as n, s.* from cardkeep.prune_histories(p_kind, null, p_versions, p_days, p_hours) s
	union all
	select n + 1, s.* from steps p, lateral cardkeep.prune_histories(p_kind, p.next, p_versions, p_days,
		p_hours) s where p.next is not null)
	select sum(histories) || ' ' || sum(deleted) || ' ' || sum(busy) from steps);
-- A card with versions, the first of which is so many days old and each a day younger.
create function pg_temp.aged(p_card text, p_versions integer, p_days integer) returns void
language plpgsql as $$
begin
	perform pg_temp.create_card('ann', p_card, 'Version 1', '{"a": 1}');
	for v in 2..p_versions loop
		perform pg_temp.rename_card('ann', p_card || v, p_card, array[v - 1], 'Version ' || v);
	end loop;
	update cardkeep.business_card_versions h
	set at = clock_timestamp() - make_interval(days => p_days - h.version + 1)
	where h.card_id = pg_temp.id(p_card);
end
$$;
alter table cardkeep.business_card_versions disable trigger keep_business_card_versions;
select pg_temp.aged(c, 10, 20) from unnest('{c,d,e,f,g}'::text[]) c \g /dev/null
alter table cardkeep.business_card_versions enable trigger keep_business_card_versions;

-- What is kept
select is(pg_temp.prune(0, 0), '0 0 0', 'where nothing is configured everything is kept');
select is(pg_temp.prune(0, 100), '0 0 0', 'and where nothing is that old');
select is(pg_temp.prune(10, 0), '0 0 0', 'or so many');
select is(pg_temp.prune(0, 18), '5 15 0', 'by age the older ones go');
select is(pg_temp.versions('c'), '4 5 6 7 8 9 10', 'and the younger stay');
select is(pg_temp.prune(6, 0), '5 5 0', 'by number the oldest go');
select is(pg_temp.versions('c'), '5 6 7 8 9 10', 'and the newest stay');
select is(pg_temp.prune(3, 16), '5 5 0', 'what one of the two keeps stays');
select is(pg_temp.prune(5, 12), '0 0 0', 'whichever it is');
select is(pg_temp.prune(5, 12), '0 0 0', 'the second time there is nothing to do');
select is((select (count(*), min(p.first), max(p.first), bool_and(p.began_at < clock_timestamp()
	- interval '19 days'))::text from cardkeep.pruned_histories p where p.kind = 'business_cards'),
	'(5,6,6,t)', 'it is written down where each history begins now, and when it did');
select is(pg_temp.prune(1, 0), '5 20 0', 'the newest version');
select is(pg_temp.versions('c'), '10', 'is always kept');
select pg_temp.rename_card('ann', 'young', 'c', '{10}', 'Young'),
	pg_temp.rename_card('ann', 'younger', 'c', '{11}', 'Younger') \g /dev/null
select is(pg_temp.prune(1, 1), '1 1 0', 'and so is, whatever was asked for,');
select is(pg_temp.versions('c'), '11 12', 'what the repeat of a write may ask for');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'young', 'c', '{10}', 'Young')), '200 v11 again',
	'which finds itself');

-- What is said of what is gone
create function pg_temp.merge(p_expected integer) returns cardkeep_api.answer language sql
return cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id('m'), pg_temp.id('d'), array[p_expected],
	row(null, null, '{"a": 2}', null, null));
select is((pg_temp.merge(8)).body::jsonb ->> 'reason', 'base-unavailable', 'no base, no merge');
select is((pg_temp.rename_card('ann', 'x', 'd', '{8}', 'Mine')).body::jsonb -> 'conflictingFields',
	'[{"field": "name", "mine": "Mine", "theirs": "Version 10"}]', 'nor is there one in a conflict');
select is(pg_temp.seen(cardkeep_api.revert_card(pg_temp.token('ann'), pg_temp.id('x'), pg_temp.id('d'),
	'{10}', 8)), '409 v10 base_unavailable', 'nor does it come back');
select is((cardkeep_api.read_card_history(pg_temp.token('ann'), pg_temp.id('d'), 10, null)).body::jsonb
	#> '{history,0,before}', '{"name": "Version 9"}', 'what is kept is told as ever');
select is((pg_temp.merge(9)).body::jsonb ->> 'reason', 'base-unavailable',
	'nor from the one before the oldest, whose row is gone');
select is(pg_temp.seen(cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id('m'), pg_temp.id('c'), '{11}',
	row(null, null, '{"a": 2}', null, null))), '200 v13 merged', 'from the oldest that is kept there is one');
select is(pg_temp.seen(pg_temp.create_card('ann', 'd', 'Version 1')), '201 v10 again',
	'a late repeat of the creation is answered with the card as it is');
select is((pg_temp.create_card('ann', 'd', 'Version 1')).body::json ->> 'name', 'Version 10',
	'and with nothing that it never was');
select is(pg_temp.seen(pg_temp.create_card('bob', 'd', 'Version 1')), '404 v0', 'somebody else''s is 404');
select cardkeep_api.delete_card(pg_temp.token('ann'), pg_temp.id('gone'), pg_temp.id('e'), '{10}') \g /dev/null
select is(pg_temp.prune(1, 0), '1 1 0', 'old versions of a deleted card go too');
select is(pg_temp.versions('e'), '11', 'but the deletion stays');
select is(pg_temp.seen(pg_temp.create_card('ann', 'e', 'Version 1')), '404 v0', 'its creation is not repeated');
select is(cardkeep_api.stamp((cardkeep_api.card_at(pg_temp.id('e'), 10)).created_at),
	(select cardkeep_api.stamp(p.began_at) from cardkeep.pruned_histories p where p.id = pg_temp.id('e')),
	'and when it was made is still known');

-- Who may
select throws_ok($$delete from cardkeep.business_card_versions where card_id = pg_temp.id('f')$$, '42501',
	null, 'what is kept cannot be deleted');
select throws_ok($$delete from cardkeep.business_card_versions where version >= 10$$, '42501', null,
	'not even with others');
set local role cardkeep_runtime;
select throws_ok($$select cardkeep.prune_histories('business_cards', null, 1, 0, 24)$$, '42501', null,
	'the service cannot prune');
reset role;
set local role cardkeep_admin;
select lives_ok($$select cardkeep.prune_histories('business_cards', null, 1, 0, 24)$$,
	'an administrator can');
reset role;

-- Under a key
create function pg_temp.age_all() returns void language plpgsql as $$
begin
	set local session_replication_role = replica;
	update cardkeep.business_card_versions set at = at - interval '9 days';
	reset session_replication_role;
end
$$;
create function pg_temp.keyed() returns cardkeep_api.answer language sql
return cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id('keyed'), pg_temp.id('kept'), '{1}', row('Keyed',
	null, null, null, null), pg_temp.id('key'));
select pg_temp.create_card('ann', 'kept', 'Kept') \g /dev/null
select is(pg_temp.seen(pg_temp.keyed()), '200 v2', 'a write under a key');
select pg_temp.rename_card('ann', 'k3', 'kept', '{2}', 'Third'),
	pg_temp.rename_card('ann', 'k4', 'kept', '{3}', 'Fourth'), pg_temp.age_all() \g /dev/null
select pg_temp.prune(1, 0) \g /dev/null
select is(pg_temp.versions('kept'), '2 3 4', 'is kept while its key is there, however old it is,');
select is(pg_temp.seen(pg_temp.keyed()) || ' ' || ((pg_temp.keyed()).body::jsonb ->> 'name'),
	'200 v2 again Keyed', 'and its repeat answered as the first was');
delete from cardkeep.writes where user_id = pg_temp.id('ann');
select pg_temp.prune(1, 0) \g /dev/null
select is(pg_temp.versions('kept'), '4', 'with the key it goes');

-- Long histories
select pg_temp.create_card('ann', 'long', 'Long') \g /dev/null
set local session_replication_role = replica;
insert into cardkeep.business_card_versions (card_id, version, write_id, at, b_name)
select pg_temp.id('long'), v, gen_random_uuid(), clock_timestamp() - interval '9 days', 'Long'
from generate_series(2, 25000) v;
update cardkeep.business_card_versions set at = clock_timestamp() - interval '9 days'
where card_id = pg_temp.id('long') and version = 1;
reset session_replication_role;
select is(pg_temp.prune(100, 0), '3 24900 0', 'a long one takes several steps');
select is((select (min(h.version), count(*))::text from cardkeep.business_card_versions h
	where h.card_id = pg_temp.id('long')), '(24901,100)', 'to the same end');

-- Profiles
create function pg_temp.save(p_write text, p_expected integer, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id(p_write), array[p_expected],
	jsonb_build_object('full_name', p_name));
select cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p0'), '{0}',
	'{"full_name": "Name 0"}', pg_temp.id('key')) \g /dev/null
select pg_temp.save('p' || v, v, 'Name ' || v) from generate_series(1, 4) v \g /dev/null
select is(pg_temp.prune(1, 0, 24, 'personal_info'), '0 0 0', 'a profile''s young versions stay');
set local session_replication_role = replica;
update cardkeep.personal_info_versions set at = at - make_interval(days => 20 - version);
reset session_replication_role;
select is(pg_temp.prune(0, 18, 24, 'personal_info'), '0 0 0', 'and all from one whose key is there');
delete from cardkeep.writes where user_id = pg_temp.id('ann');
select is(pg_temp.prune(0, 18, 24, 'personal_info'), '1 2 0', 'its old ones go by age');
select is(pg_temp.prune(2, 0, 24, 'personal_info'), '1 1 0', 'and by number');
select is(pg_temp.own_versions(), '4 5', 'and the newest stay');
select is(pg_temp.prune(2, 0, 24, 'professional_info'), '0 0 0', 'the other profile has its own');
select is((cardkeep_api.merge_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('m'), '{2}',
	'{"address": "X"}')).body::jsonb ->> 'reason', 'base-unavailable', 'no base, no merge');
select is(pg_temp.seen(cardkeep_api.revert_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('x'), '{5}', 2)),
	'409 v5 base_unavailable', 'and no way back');
select throws_ok($$delete from cardkeep.personal_info_versions$$, '42501', null,
	'what is kept of it cannot be deleted');

-- What came from before Cardkeep, and is adopted
insert into cardkeep.users (id) values (pg_temp.id('old'));
insert into cardkeep.personal_info_versions (user_id, version, write_id, at, before)
values (pg_temp.id('old'), 5, cardkeep_legacy.write_of('personal_info', pg_temp.id('old'), 5), now(), '{}');
insert into cardkeep.personal_info (user_id, full_name, version, last_write, created_at, updated_at)
values (pg_temp.id('old'), 'Old', 5, cardkeep_legacy.write_of('personal_info', pg_temp.id('old'), 5), now(),
	now());
update cardkeep.personal_info set full_name = 'Older' where user_id = pg_temp.id('old');
update cardkeep.personal_info set full_name = 'Oldest' where user_id = pg_temp.id('old');
set local session_replication_role = replica;
update cardkeep.personal_info_versions set at = at - interval '9 days' where user_id = pg_temp.id('old');
reset session_replication_role;
select is(pg_temp.prune(2, 0, 24, 'personal_info'), '1 1 0', 'what began at a later version is pruned from there');
select is((cardkeep_api.adopt_user(pg_temp.id('old'), 'bob@example.org')).status, 200, 'an account adopts it');
select results_eq($$select p.id, p.first from cardkeep.pruned_histories p where p.kind = 'personal_info'
	and p.first > 5$$, $$values (pg_temp.id('bob'), 6)$$, 'and where it begins is known of the account');
select throws_ok($$delete from cardkeep.personal_info_versions where user_id = pg_temp.id('bob')$$, '42501',
	null, 'whose history is kept as any other');

delete from cardkeep.users where id in (pg_temp.id('ann'), pg_temp.id('bob'));
select is((select count(*) from cardkeep.pruned_histories), 0::bigint,
	'with the account what was written down goes too');
select is((select count(*) from cardkeep.business_card_versions) + (select count(*)
	from cardkeep.personal_info_versions), 0::bigint, 'and all that was kept');

select * from finish();
rollback;
