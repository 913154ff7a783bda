-- Deploy cardkeep:last_seen to pg
--
-- When a session was last used. A request that wrote this itself would write a row each time and
-- hold it until its wave commits, so the service collects who was there and tells it here, apart
-- from all requests. What is collected dies with its worker: a minute's knowledge at most.
--
-- A session whose time has run out stays over, even where it was used just before: by the time a
-- batch is told, a request may have been refused. So a session's last use within ten seconds of its
-- idle limit, the time that a batch waits, may not count.

begin;

set local role cardkeep_owner;

create function cardkeep_api.touch_sessions(p_token_hashes bytea[]) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	-- A worker tells of a session once a minute, and up to ten seconds late.
	c_grain constant interval := '45 seconds';
	v_now timestamptz := clock_timestamp();
	v_count integer;
begin
	update cardkeep.sessions s set last_seen_at = v_now
	where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.token_hash = any (p_token_hashes) and o.ended_at is null
			and o.last_seen_at < v_now - c_grain
			and o.last_seen_at + o.idle_limit > v_now
		for no key update skip locked));
	get diagnostics v_count = row_count;
	return cardkeep_api.reply(200, v_count);
end
$$;
comment on function cardkeep_api.touch_sessions is 'Notes that these sessions were used just now, where what is noted is older than about a minute; version says how many. Unknown and ended ones are passed over, and those that have reached their idle limit, which nothing brings back; and so are those that somebody holds: the next time will do. Tries the sessions'' rows (no key update, skip locked), never waits.';

commit;
