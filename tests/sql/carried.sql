-- Rows that come with a version others have counted to: history begins there, and invents nothing.
\ir lib/people.psql
begin;
select * from no_plan();

create table public.business_cards (id uuid primary key, user_id uuid, name text, slug text,
	fields_config jsonb, version integer);
create table public.personal_info (user_id uuid, full_name text, address text, version integer);
insert into public.business_cards values
	(pg_temp.id('c'), pg_temp.id('ann'), 'Five', 'five', '{"a": 1}', 5),
	(pg_temp.id('d'), pg_temp.id('ann'), 'Gone', 'gone', '{}', 5);
insert into public.personal_info values (pg_temp.id('ann'), 'Ann', 'A', 5), (pg_temp.id('one'), 'One', 'O', 1);
select cardkeep_legacy.upgrade() \g /dev/null
select cardkeep_api.adopt_user(pg_temp.id('ann'), 'ann@example.org', 'hash') \g /dev/null
select cardkeep_api.open_session(pg_temp.id('s'), pg_temp.id('ann'), 'hash', pg_temp.token('ann'),
	'phone', 'Test/1', '1 day', '1 day', 50) \g /dev/null

create function pg_temp.revert(p_write text, p_expected integer, p_to integer)
returns cardkeep_api.answer language sql
return cardkeep_api.revert_card(pg_temp.token('ann'), pg_temp.id(p_write), pg_temp.id('c'),
	array[p_expected], p_to);
create function pg_temp.merge(p_expected integer, p_name text, p_fields jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id('m' || p_expected), pg_temp.id('c'),
	array[p_expected], row(p_name, null, p_fields, null, null));
create function pg_temp.save(p_write text, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id(p_write), array[p_expected],
	p_patch);
create function pg_temp.own_revert(p_write text, p_expected integer, p_to integer)
returns cardkeep_api.answer language sql
return cardkeep_api.revert_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id(p_write),
	array[p_expected], p_to);
create function pg_temp.own_merge(p_expected integer, p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.merge_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('n' || p_expected),
	array[p_expected], p_patch);
create function pg_temp.part(a cardkeep_api.answer, p_key text) returns jsonb language sql
return a.body::jsonb -> p_key;
create function pg_temp.told(a cardkeep_api.answer) returns text language sql
return (select string_agg(format('%s:%s', h ->> 'version', h ->> 'changed'), ' ' order by n)
	from jsonb_array_elements(a.body::jsonb -> 'history') with ordinality e(h, n));
create function pg_temp.history(p_limit integer, p_after integer default null)
returns cardkeep_api.answer language sql
return cardkeep_api.read_card_history(pg_temp.token('ann'), pg_temp.id('c'), p_limit, p_after);

-- A card
select results_eq($$select version, h::text ~ ',,,,,,\)$' from cardkeep.business_card_versions h
	where card_id = pg_temp.id('c')$$, 'values (5, true)',
	'a card that comes with version 5 has that version in history, and says nothing of before');
select is(pg_temp.seen(pg_temp.revert('r', 5, 4)), '409 v5 base_unavailable',
	'what it was at version 4 cannot come back');
select is(pg_temp.seen(pg_temp.revert('r', 5, 1)), '409 v5 base_unavailable', 'nor what it was at first');
select is(pg_temp.part(pg_temp.merge(4, null, '{"b": 2}'), 'reason'), '"base-unavailable"',
	'version 4 is no base of a merge');
select is(pg_temp.part(pg_temp.rename_card('ann', 'w', 'c', '{4}', 'Mine'), 'conflictingFields'),
	'[{"field": "name", "mine": "Mine", "theirs": "Five"}]', 'a stale write is told no base');
select is(pg_temp.seen(pg_temp.rename_card('ann', 'w6', 'c', '{5}', 'Six')), '200 v6',
	'a write from the version it came with is applied');
select is(pg_temp.part(pg_temp.rename_card('ann', 'w', 'c', '{5}', 'Mine'), 'conflictingFields'),
	'[{"field": "name", "base": "Five", "mine": "Mine", "theirs": "Six"}]',
	'from then on a conflict has its base');
select is(pg_temp.part(pg_temp.merge(4, null, '{"b": 2}'), 'reason'), '"base-unavailable"',
	'what lies before is no base later either');
select is(pg_temp.seen(pg_temp.merge(5, null, '{"a": 1, "b": 2}')), '200 v7 merged',
	'the version it came with is');
select is(pg_temp.seen(pg_temp.revert('r', 7, 4)), '409 v7 base_unavailable',
	'nothing brings back what nobody knows');
select is(pg_temp.part(pg_temp.revert('r8', 7, 5), 'fields_config'), '{"a": 1}',
	'what it came with can come back');
select is((select b.name || b.version from cardkeep.business_cards b where b.id = pg_temp.id('c')),
	'Five8', 'as a version of its own');
select is(pg_temp.told(pg_temp.history(100)), '8:["fields_config", "name"] 7:["fields_config"] 6:["name"] 5:[]',
	'history ends at the version it came with');
select is(pg_temp.part(pg_temp.history(3), 'next'), '"6"', 'a page before it says that there is more');
select is((pg_temp.history(3, 6)).body, format(
	'{"history":[{"version":5,"changed":[],"before":{},"after":{},"session_id":null,"at":"%s"}],"next":null}',
	cardkeep_api.stamp((select h.at from cardkeep.business_card_versions h
		where h.card_id = pg_temp.id('c') and h.version = 5))), 'and the last one ends');
select is((pg_temp.history(3, 5)).body, '{"history":[],"next":null}', 'with nothing below');
select pg_temp.rename_card('ann', 'd6', 'd', '{5}', 'Renamed'), cardkeep_api.delete_card(pg_temp.token('ann'),
	pg_temp.id('d7'), pg_temp.id('d'), '{6}') \g /dev/null
select isnt(pg_temp.part(pg_temp.rename_card('ann', 'd6', 'd', '{5}', 'Renamed'), 'created_at'), 'null',
	'the repeat of a write to one that is gone since tells a time of creation');

-- A profile
select results_eq($$select version, before from cardkeep.personal_info_versions
	where user_id = pg_temp.id('ann')$$, $$values (5, '{}'::jsonb)$$,
	'a profile''s history begins likewise');
select results_eq($$select version, before ->> 'address' is null and before ? 'address'
	from cardkeep.personal_info_versions where user_id = pg_temp.id('one')$$, 'values (1, true)',
	'at version 1 it is known that nothing was before');
select is(pg_temp.seen(pg_temp.own_revert('p', 5, 4)), '409 v5 base_unavailable',
	'its version 4 cannot come back');
select is(pg_temp.part(pg_temp.own_merge(4, '{"website": "http://x"}'), 'reason'), '"base-unavailable"',
	'nor be a base');
select is(pg_temp.part(pg_temp.own_merge(0, '{"website": "http://x"}'), 'reason'), '"base-unavailable"',
	'nor can the version before the first');
select is(pg_temp.part(pg_temp.save('p', 4, '{"address": "B"}'), 'conflictingFields'),
	'[{"field": "address", "mine": "B", "theirs": "A"}]', 'a stale write is told no base');
select is(pg_temp.seen(pg_temp.save('p6', 5, '{"address": "B"}')), '200 v6',
	'a write from the version it came with is applied');
select is(pg_temp.seen(pg_temp.own_merge(5, '{"website": "http://x"}')), '200 v7 merged', 'or merged');
select is(pg_temp.seen(pg_temp.own_revert('p8', 7, 5)), '200 v8', 'and what it came with comes back');
select is(pg_temp.told(cardkeep_api.read_own_history('personal_info', pg_temp.token('ann'), 100, null)),
	'8:["address", "website"] 7:["website"] 6:["address"] 5:[]', 'its history ends there');

select * from finish();
rollback;
