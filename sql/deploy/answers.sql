-- Deploy cardkeep:answers to pg
--
-- Small functions in the SQL standard's form: their names are bound when they are made, so no
-- search path can turn them, and the planner puts them in place where they are used.

begin;

set local role cardkeep_owner;

create type cardkeep_api.answer as (
	status integer,
	version integer,
	replayed boolean,
	detail text,
	body text
);
comment on type cardkeep_api.answer is 'One call''s answer: status as HTTP''s (423: somebody holds it now, nothing was done), the entity''s version or 0, whether this is the first answer of a repeated write, a word for the handler, JSON';

create function cardkeep_api.reply(p_status integer, p_version integer default 0,
	p_body text default '', p_replayed boolean default false, p_detail text default '')
returns cardkeep_api.answer
language sql immutable parallel safe
return row (p_status, p_version, p_replayed, p_detail, p_body)::cardkeep_api.answer;
comment on function cardkeep_api.reply is 'An answer from the parts that it has. Locks nothing.';

create function cardkeep_api.await_standby() returns void
language plpgsql volatile
as $$
begin
	-- A message that nobody reads, but for which the commit has something to wait with: an id of a
	-- transaction, or a row that was only read, is not enough.
	if current_setting('synchronous_standby_names') <> '' then
		perform pg_logical_emit_message(true, 'cardkeep', '');
	end if;
end
$$;
comment on function cardkeep_api.await_standby is 'Makes this transaction''s commit wait for the synchronous standby as if it had written. Costs nothing where none is configured. Locks nothing.';

-- What an earlier transaction wrote may be here and not yet on the standby: a commit whose wait was
-- cancelled, or a crash, leaves it so. Who is told that it is done must not be told before it is there
-- as well, or a failover takes back what was acknowledged.
create function cardkeep_api.reply_kept(p_status integer, p_version integer default 0,
	p_body text default '', p_replayed boolean default true, p_detail text default '')
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	perform cardkeep_api.await_standby();
	return cardkeep_api.reply(p_status, p_version, p_body, p_replayed, p_detail);
end
$$;
comment on function cardkeep_api.reply_kept is 'The answer that something is done which an earlier transaction did: a repeat''s, or that nothing was left to change. Its commit waits as that one''s should have. Locks nothing.';

create function cardkeep_api.lock_key(p_kind text, p_value text) returns bigint
language sql immutable parallel safe
return hashtextextended(p_kind || ':' || p_value, 0);
comment on function cardkeep_api.lock_key is 'The advisory lock that stands for a thing which has no row yet: a slug, an address, a write id, a first profile. Two things may share a key: then one is busy for a moment. Locks nothing itself.';

create function cardkeep_api.stamp(p_at timestamptz) returns text
language sql stable parallel safe
return to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
comment on function cardkeep_api.stamp is 'A time as RFC 3339 in UTC with all its microseconds, whatever the connection''s time zone. Locks nothing.';

commit;
