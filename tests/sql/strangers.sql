-- Whoever has no session costs a look-up of the session, whatever else they send: no function that
-- takes a token does anything before it knows whose the token is.
\ir lib/people.psql
begin;
select * from no_plan();
set local track_functions = 'all';

-- The calls that begin with a token; a registration and a sign-in bring the token that is to be.
create temporary view calls as
select p.oid, p.proname as name, p.proargnames as names, p.proargtypes::oid[] as types
from pg_proc p
where p.pronamespace = 'cardkeep_api'::regnamespace
	and has_function_privilege('cardkeep_runtime', p.oid, 'execute')
	and p.proargnames @> array['p_token_hash'] and p.proname not in ('register', 'open_session');

-- Arguments that are costly, or not to be taken as they are, once somebody looks at them.
create function pg_temp.argument(p_name text, p_type regtype, p_token bytea) returns text
language sql immutable
return case
	when p_name = 'p_token_hash' and p_type = 'bytea[]'::regtype then format('array[%L::bytea]', p_token)
	when p_name = 'p_token_hash' then format('%L::bytea', p_token)
	when p_name in ('p_limit', 'p_after', 'p_after_us') then '10'
	when p_name = 'p_expected' and p_type = 'text[]'::regtype then '''{"{1}"}'''
	when p_name = 'p_source' then '''business_cards'''
	when p_name = 'p_view' then '''{"filters": [], "order": [{"column": "none"}], "offset": 0, "count": true}'''
	when p_name in ('p_fields', 'p_design') and p_type = 'text[]'::regtype then 'array[''{"a": 1}'']'
	when p_name = 'p_public' and p_type = 'text[]'::regtype then '''{true}'''
	when p_name = 'p_key' then 'null'
	when p_type = 'text[]'::regtype then format('array[%L]', md5(p_name)::uuid)
	when p_type = 'integer[]'::regtype then '''{1}'''
	when p_type = 'uuid'::regtype then format('%L', md5(p_name)::uuid)
	when p_type = 'jsonb'::regtype then '''{"p_user_id": "nobody", "p_name": [1e-16383, 1e-16383], "slug": "x", '
		'"p_card_id": "none", "p_fields_config": {"a": 1e300}, "patch": {"full_name": "A"}}'''
	when p_type = 'cardkeep_api.card_change'::regtype
	then format('row(%1$L, %1$L, ''{"a": 1e300}'', ''{"a": 1e300}'', true)', 'e' || repeat(U&'\0301\0316', 100))
	when p_type = 'boolean'::regtype then 'true'
	when p_type = 'integer'::regtype then '1'
	when p_type = 'bigint'::regtype then '1'
	when p_type = 'interval'::regtype then '''1 day'''
	else quote_literal('e' || repeat(U&'\0301\0316', 100)) end;

create function pg_temp.call(c calls, p_token bytea) returns text language sql stable
return format('select status from cardkeep_api.%I(%s)', c.name,
	(select string_agg(pg_temp.argument(a.name, a.type::regtype, p_token), ', ' order by a.i)
	from unnest(c.names[:cardinality(c.types)], c.types) with ordinality a(name, type, i)));

-- What was looked at, and which functions ran, in this transaction until now.
create function pg_temp.work() returns table (what text, times bigint) language sql volatile
begin atomic
	select 'table ' || s.relname, coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0)
	from pg_stat_xact_user_tables s where s.schemaname = 'cardkeep'
	union all
	select 'function ' || f.funcname, f.calls from pg_stat_xact_user_functions f
	where f.schemaname = 'cardkeep_api';
end;

create function pg_temp.work_of(c calls) returns text language plpgsql as $$
declare
	v_status integer;
	v_work text;
begin
	create temporary table before on commit drop as select * from pg_temp.work();
	execute pg_temp.call(c, sha256('made up')) into v_status;
	select string_agg(w.what || ' ' || w.times - coalesce(b.times, 0), ', ' order by w.what)
	into v_work
	from pg_temp.work() w left join before b using (what) where w.times > coalesce(b.times, 0);
	drop table before;
	return v_status || ': ' || v_work;
end
$$;

-- What a call may run for a stranger besides itself: wrappers of one beginning, and what says 401.
create function pg_temp.unexpected(c calls) returns text language sql
return regexp_replace(pg_temp.work_of(c), format('(^401: |(, )?(table sessions [12]|table closed_accounts 1|'
	'function (%s|rest_run|create_card|update_card|card_repeat|(read|save|merge|revert)_own_profile|'
	'read_own_history|profile_repeat|account_closed|reply) 1))', c.name), '', 'g');

select cmp_ok(count(*)::integer, '>=', 27, 'there are calls that begin with a token') from calls;
select is(pg_temp.unexpected(c), '', format('%s of a stranger costs the look-up of the session', c.name))
from calls c order by c.name;

select * from finish();
rollback;
