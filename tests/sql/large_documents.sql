-- What a conflict and a merge of large documents cost grows as the documents do, on a connection that
-- has its plans as on a fresh one: each side is fetched once, however many keys it has. Counted are the
-- blocks of large values that are read, never time.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann') \g /dev/null

-- A document of so many keys, which does not compress.
create function pg_temp.document(p_keys integer, p_more jsonb default '{}') returns jsonb language sql
return (select jsonb_object_agg('key' || i, md5(i::text)) from generate_series(1, p_keys) i) || p_more;

select pg_temp.create_card('ann', 'c' || n, 'Card ' || n, pg_temp.document(n)),
	pg_temp.refield_card('ann', 'theirs' || n, 'c' || n, '{1}', pg_temp.document(n, '{"key1": "theirs"}'))
from unnest(array[500, 1000, 2000, 4000]) n \g /dev/null

create function pg_temp.blocks() returns bigint language sql volatile
begin atomic
	select sum(pg_stat_get_xact_blocks_fetched(c.reltoastrelid))
	from pg_class c where c.oid in ('cardkeep.business_cards'::regclass,
		'cardkeep.business_card_versions'::regclass);
end;

create function pg_temp.stale(p_keys integer, p_merge boolean, p_mine jsonb, p_write text)
returns cardkeep_api.answer language plpgsql as $$
begin
	if p_merge then
		return cardkeep_api.merge_card(pg_temp.token('ann'), pg_temp.id(p_write), pg_temp.id('c' || p_keys),
			'{1}', row(null, null, p_mine, null, null));
	end if;
	return cardkeep_api.update_card(pg_temp.token('ann'), pg_temp.id(p_write), pg_temp.id('c' || p_keys),
		'{1}', row(null, null, p_mine, null, null));
end
$$;

create function pg_temp.stale_in_set(p_keys integer, p_mine jsonb) returns setof integer language sql
return (select status from cardkeep_api.update_cards(array[pg_temp.token('ann')],
	array[pg_temp.id('x')::text], array[pg_temp.id('c' || p_keys)::text], array['{1}'],
	array[null], array[null], array[p_mine::text], array[null], array[null]) limit 1);

create function pg_temp.patched(p_keys integer, p_merge boolean, p_mine jsonb, p_write text)
returns integer language sql
return (cardkeep_api.patch_card(pg_temp.token('ann'), pg_temp.id(p_write), pg_temp.id('c' || p_keys), '{1}',
	row(null, null, p_mine, null, null), p_merge)).status;

create function pg_temp.cost(p_call text, p_keys integer, p_status integer) returns bigint
language plpgsql as $$
declare
	v_mine jsonb := pg_temp.document(p_keys, '{"key2": "mine"}');
	v_before bigint := pg_temp.blocks();
	v_status integer;
begin
	execute p_call into v_status using p_keys, v_mine, pg_temp.document(p_keys, '{"key1": "mine"}');
	if v_status is distinct from p_status then
		raise exception '% gave %', p_call, v_status;
	end if;
	return pg_temp.blocks() - v_before;
end
$$;

create function pg_temp.grows(p_what text, p_call text, p_status integer) returns setof text
language plpgsql as $$
declare
	v_few bigint;
	v_many bigint;
begin
	-- As on a connection that has answered as many before.
	for i in 1..7 loop
		perform pg_temp.cost(p_call, 500, p_status);
	end loop;
	v_few := pg_temp.cost(p_call, 2000, p_status);
	v_many := pg_temp.cost(p_call, 4000, p_status);
	return next cmp_ok(v_few, '>', 0::bigint, p_what || ' reads large values');
	return next cmp_ok(v_many, '<=', v_few * 23 / 10,
		format('%s reads twice as much of twice as many keys (%s, %s)', p_what, v_few, v_many));
end
$$;

set local plan_cache_mode = force_generic_plan;
select pg_temp.grows('a conflict', 'select (pg_temp.stale($1, false, $2, ''x'')).status', 409);
select pg_temp.grows('a conflict in a set', 'select pg_temp.stale_in_set($1, $2)', 409);
select pg_temp.grows('a merge that conflicts', 'select (pg_temp.stale($1, true, $3, ''x'')).status', 409);
select pg_temp.grows('a stale patch', 'select pg_temp.patched($1, false, $2, ''x'')', 409);
savepoint merged;
select pg_temp.grows('a patch that is merged',
	'select pg_temp.patched($1, true, ''{"key2": "mine"}'', ''p'' || $1)', 200);
rollback to merged;
savepoint merged;
select pg_temp.grows('a merge', 'select (pg_temp.stale($1, true, $2, ''m'' || $1)).status', 200);
rollback to merged;
set local plan_cache_mode = auto;
select pg_temp.grows('the seventh conflict of a connection',
	'select (pg_temp.stale($1, false, $2, ''x'')).status', 409);
select pg_temp.grows('the seventh merge of a connection',
	'select (pg_temp.stale($1, true, $2, ''m'' || $1)).status', 200);
rollback to merged;

-- What is told of a conflict is bounded, and what is not told is said.
create function pg_temp.told(a cardkeep_api.answer) returns jsonb language sql
return a.body::jsonb -> 'conflictingFields';
select pg_temp.create_card('ann', 'wide', 'Wide', '{"same": 1}'),
	pg_temp.refield_card('ann', 'wide theirs', 'wide', '{1}', pg_temp.document(250)) \g /dev/null
select is(jsonb_array_length(pg_temp.told(pg_temp.refield_card('ann', 'x', 'wide', '{1}',
	pg_temp.document(250, '{"same": 1}') || (select jsonb_object_agg('key' || i, 'mine')
		from generate_series(1, 250) i)))), 101, 'of 250 keys in conflict 100 are told, and then');
select is(pg_temp.told(pg_temp.refield_card('ann', 'x', 'wide', '{1}',
	(select jsonb_object_agg('key' || i, 'mine') from generate_series(1, 250) i))) -> -1,
	'{"field": "fields_config", "more": 151}', 'that there are more, and how many');
select is(pg_temp.told(pg_temp.refield_card('ann', 'x', 'wide', '{1}', '{"key1": "mine"}')) -> -1,
	'{"field": "fields_config", "more": 151}', 'keys that only they have count as well');
select pg_temp.create_card('ann', 'few', 'Few', '{"same": 1}'),
	pg_temp.refield_card('ann', 'few theirs', 'few', '{1}', pg_temp.document(99)) \g /dev/null
select is(pg_temp.told(pg_temp.refield_card('ann', 'x', 'few', '{1}', '{}')) -> -1 ->> 'field',
	'fields_config.same', 'where all are told, nothing more is said');

-- A page of history copies what each version changed, not what the card is.
select pg_temp.create_card('ann', 'paged', 'P', pg_temp.document(4000)),
	pg_temp.rename_card('ann', 'paged' || i, 'paged', array[i], 'P ' || i)
from generate_series(1, 60) i \g /dev/null
create function pg_temp.page() returns bigint language plpgsql as $$
declare
	v_before bigint := pg_temp.blocks();
begin
	perform cardkeep_api.read_card_history(pg_temp.token('ann'), pg_temp.id('paged'), 50, null);
	return pg_temp.blocks() - v_before;
end
$$;
select cmp_ok(pg_temp.page(), '<', 200::bigint, 'a page of names reads a large document once');

select * from finish();
rollback;
