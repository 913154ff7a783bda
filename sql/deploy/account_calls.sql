-- Deploy cardkeep:account_calls to pg
--
-- Registration and sign-in name what they make by the write id, so that a repeat finds itself by
-- primary key. What has no row yet, an address or an id, is stood for by an advisory lock.

begin;

set local role cardkeep_owner;

create type cardkeep_api.user_view as (id uuid, email text, created_at text);
comment on type cardkeep_api.user_view is 'An account as its owner sees it';

create function cardkeep_api.user_json(u cardkeep.users) returns text
language sql stable parallel safe
return row_to_json(row(u.id, u.email, cardkeep_api.stamp(u.created_at))::cardkeep_api.user_view)::text;
comment on function cardkeep_api.user_json is 'An account as its owner sees it. Locks nothing.';

create type cardkeep_api.session_view as (
	id uuid,
	device_name text,
	user_agent text,
	created_at text,
	last_seen_at text,
	expires_at text,
	current boolean
);
comment on type cardkeep_api.session_view is 'A session as its owner sees it';

create function cardkeep_api.session_json(s cardkeep.sessions, p_current uuid) returns text
language sql stable parallel safe
return row_to_json(row(s.id, s.device_name, s.user_agent, cardkeep_api.stamp(s.created_at),
	cardkeep_api.stamp(s.last_seen_at), cardkeep_api.stamp(s.expires_at),
	s.id = p_current)::cardkeep_api.session_view)::text;
comment on function cardkeep_api.session_json is 'A session as its owner sees it from the session p_current. Locks nothing.';

create function cardkeep_api.check_session(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep_api.caller;
begin
	select b.* into c from cardkeep_api.begin_call(p_token_hash) b;
	if not found then
		perform from cardkeep.closed_accounts k where k.token_hash = p_token_hash;
		return cardkeep_api.reply(401, 0, '', false, case when found then 'over' else '' end);
	end if;
	if not c.live then
		return cardkeep_api.reply(401, 0, '', false, 'over');
	end if;
	return cardkeep_api.reply(200, 0, '', false, c.user_id::text);
end
$$;
comment on function cardkeep_api.check_session is 'Whose session the token is: 200 with the account''s id as detail where it may act; 401 with detail over where it was one and is over, or has deleted its account, so that the repeat of a write is still told how it went; 401 for a token that nobody ever had. Locks nothing.';

create function cardkeep_api.find_account(p_email text) returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	u cardkeep.users;
begin
	select a.* into u from cardkeep.users a where a.email = lower(p_email collate "C") collate "default";
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, 0, u.id::text, false, u.password_hash);
end
$$;
comment on function cardkeep_api.find_account is 'The password hash and, as body, the id of the account with this address; 404. Locks nothing.';

create function cardkeep_api.insert_session(p_write uuid, p_user uuid, p_token_hash bytea,
	p_device text, p_agent text, p_lifetime interval, p_idle interval)
returns void
language plpgsql volatile
as $$
declare
	v_now timestamptz := clock_timestamp();
begin
	insert into cardkeep.sessions (id, user_id, token_hash, device_name, user_agent, created_at,
		last_seen_at, expires_at, idle_limit)
	values (p_write, p_user, p_token_hash, p_device, p_agent, v_now, v_now, v_now + p_lifetime,
		p_idle);
end
$$;
comment on function cardkeep_api.insert_session is 'A new session with the write id as its id. The caller holds the id''s advisory lock; the account''s row is locked by the foreign key (key share).';

create function cardkeep_api.signed_in(p_session uuid, p_replayed boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	u cardkeep.users;
	s cardkeep.sessions;
	v_ended text;
	v_ids text;
begin
	select t.* into s from cardkeep.sessions t where t.id = p_session;
	select a.* into u from cardkeep.users a where a.id = s.user_id;
	select ',"ended_sessions":[' || string_agg(cardkeep_api.session_json(t, p_session), ','
			order by t.last_seen_at, t.id) || ']',
		string_agg(t.id::text, ' ' order by t.last_seen_at, t.id)
	into v_ended, v_ids
	from cardkeep.sessions t where t.ended_by = p_session and (t.user_id = s.user_id) is true;
	if p_replayed then
		perform cardkeep_api.await_standby();
	end if;
	return cardkeep_api.reply(201, 0, format('{"user":%s,"session":%s%s}',
		cardkeep_api.user_json(u), cardkeep_api.session_json(s, p_session), v_ended), p_replayed,
		coalesce(v_ids, ''));
end
$$;
comment on function cardkeep_api.signed_in is '201 with the account, its new session, and those that gave way to it, where any did, whose ids are the detail. Locks nothing.';

create function cardkeep_api.make_room(p_user uuid, p_write uuid, p_limit integer)
returns boolean
language plpgsql volatile
as $$
declare
	v_excess uuid[];
	v_locked bigint;
begin
	v_excess := array(
		select s.id from cardkeep.sessions s where s.user_id = p_user and cardkeep_api.is_live(s)
		order by s.last_seen_at desc, s.created_at desc, s.id desc offset p_limit - 1);
	-- Of an empty array, as a constant, any partial index would do, from end to end.
	if cardinality(v_excess) = 0 then
		return true;
	end if;
	select count(*) into v_locked from (
		select from cardkeep.sessions s where s.id = any (v_excess) and cardkeep_api.is_live(s)
		for no key update skip locked) l;
	if v_locked < cardinality(v_excess) then
		return false;
	end if;
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = p_write
	where s.id = any (v_excess);
	return true;
end
$$;
comment on function cardkeep_api.make_room is 'Ends the least recently seen sessions of an account until one more is within the limit; false where one of them is held now, and nothing was done. The caller holds the account''s row, so that no two sign-ins make the same room. Tries the sessions'' rows (no key update, skip locked), never waits.';

-- A plan that was made for an account with few sessions would sort all of one that has many.
create function cardkeep_api.forget_sessions(p_user uuid) returns void
language plpgsql volatile
set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off
as $$
declare
	c_kept constant integer := 200;
	c_rows constant integer := 100;
	v_old timestamptz := clock_timestamp() - interval '7 days';
begin
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.user_id = p_user and o.ended_at < v_old
		order by o.ended_at limit c_rows for update skip locked));
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.user_id = p_user and o.ended_at is null
			and least(o.expires_at, o.last_seen_at + o.idle_limit) < v_old
		limit c_rows for update skip locked));
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o
		where o.user_id = p_user and o.ended_at is not null
		order by o.ended_at desc
		offset c_kept limit c_rows for update skip locked));
end
$$;
comment on function cardkeep_api.forget_sessions is 'Deletes an account''s sessions that have been over for a week, by which time nobody repeats a request that ended one, and of those that ended all but the latest 200; so an account has few rows however often it signs in. Tries the sessions'' rows (update, skip locked), never waits.';

create function cardkeep_api.register(p_write uuid, p_email text, p_password_hash text,
	p_token_hash bytea, p_device text, p_agent text, p_lifetime interval,
	p_idle interval default '30 days')
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_email text := lower(p_email collate "C");
begin
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('session', p_write::text))
		or not pg_try_advisory_xact_lock(cardkeep_api.lock_key('email', v_email))
	then
		return cardkeep_api.reply(423);
	end if;
	perform from cardkeep.users u join cardkeep.sessions s on s.id = p_write
	where u.id = p_write and u.email = v_email;
	if found then
		return cardkeep_api.signed_in(p_write, true);
	end if;
	insert into cardkeep.users (id, email, password_hash)
	values (p_write, v_email, p_password_hash)
	on conflict do nothing;
	if not found then
		return cardkeep_api.reply(409, 0, '', false, 'address_taken');
	end if;
	perform cardkeep_api.insert_session(p_write, p_write, p_token_hash, p_device, p_agent,
		p_lifetime, p_idle);
	return cardkeep_api.signed_in(p_write, false);
end
$$;
comment on function cardkeep_api.register is 'An account and its first session, both with the write id as id. 201; 201 replayed; 409 address_taken; 423 where somebody registers that address or this write now. Tries the advisory locks of the write id, then of the address; never waits.';

create function cardkeep_api.open_session(p_write uuid, p_user uuid, p_seen_password_hash text,
	p_token_hash bytea, p_device text, p_agent text, p_lifetime interval,
	p_idle interval default '30 days', p_limit integer default 50, p_fresh_hash text default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('session', p_write::text)) then
		return cardkeep_api.reply(423);
	end if;
	perform from cardkeep.sessions s where s.id = p_write and (s.user_id = p_user) is true;
	if found then
		return cardkeep_api.signed_in(p_write, true);
	end if;
	-- Held, so that no password changes between this look and the session's insertion, and no other
	-- sign-in counts the same sessions.
	perform from cardkeep.users u where u.id = p_user and u.password_hash = p_seen_password_hash
	for no key update skip locked;
	if not found then
		perform from cardkeep.users u where u.id = p_user and u.password_hash = p_seen_password_hash;
		return cardkeep_api.reply(case when found then 423 else 401 end);
	end if;
	if not cardkeep_api.make_room(p_user, p_write, p_limit) then
		return cardkeep_api.reply(423);
	end if;
	perform cardkeep_api.forget_sessions(p_user);
	perform cardkeep_api.insert_session(p_write, p_user, p_token_hash, p_device, p_agent, p_lifetime,
		p_idle);
	if p_fresh_hash is not null then
		update cardkeep.users u set password_hash = p_fresh_hash where u.id = p_user;
	end if;
	return cardkeep_api.signed_in(p_write, false);
end
$$;
comment on function cardkeep_api.open_session is 'A new session with the write id as its id, for an account whose password is still the one that was checked; where the account has p_limit already, the least recently seen one gives way. p_fresh_hash, where there is one, takes the place of the hash that was checked: the same password''s, at today''s cost. 201; 201 replayed; 401 where the account is gone or its password changed; 423. Tries the advisory lock of the write id, then the account''s row (no key update, skip locked), then as make_room and forget_sessions; never waits.';

create function cardkeep_api.list_sessions(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_session uuid;
	v_user uuid;
	v_list text;
begin
	select s.session_id, s.user_id into v_session, v_user
	from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select string_agg(cardkeep_api.session_json(s, v_session), ',' order by s.last_seen_at desc, s.id)
	into v_list
	from cardkeep.sessions s where s.user_id = v_user and cardkeep_api.is_live(s);
	return cardkeep_api.reply(200, 0, format('{"sessions":[%s]}', v_list));
end
$$;
comment on function cardkeep_api.list_sessions is 'The caller''s live sessions, the last seen one first; 401. Locks nothing.';

create function cardkeep_api.end_session(p_token_hash bytea, p_write uuid, p_session uuid,
	p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_caller cardkeep.sessions;
	v_target cardkeep.sessions;
	v_locked boolean;
	v_detail text;
	w cardkeep_api.write;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	v_detail := case when coalesce(p_session, w.session_id) = w.session_id then 'own' else '' end;
	if (w.told).replayed then
		return cardkeep_api.reply_kept(204, 0, '', true, v_detail);
	elsif (w.told).status <> 422 then
		return w.told;
	end if;
	perform from cardkeep.sessions s
	where s.id = coalesce(p_session, w.session_id) and (s.user_id = w.user_id) is true
	for no key update skip locked;
	v_locked := found;
	select s.* into v_caller from cardkeep.sessions s where s.token_hash = p_token_hash;
	select s.* into v_target from cardkeep.sessions s
	where s.id = coalesce(p_session, v_caller.id) and (s.user_id = v_caller.user_id) is true;
	-- The repeat first: the first time may have ended the very session that asks.
	if v_target.ended_by = w.id then
		return cardkeep_api.reply_kept(204, 0, '', true, v_detail);
	end if;
	if v_caller.id is null or not cardkeep_api.is_live(v_caller) then
		return cardkeep_api.reply(401);
	end if;
	if v_target.id is null or not cardkeep_api.is_live(v_target) then
		return cardkeep_api.reply(404);
	end if;
	if (w.told).status = 422 then
		return w.told;
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = w.id
	where s.id = v_target.id;
	return cardkeep_api.end_write(w, cardkeep_api.reply(204, 0, '', false, v_detail));
end
$$;
comment on function cardkeep_api.end_session is 'Ends one of the caller''s sessions, null the caller''s own. 204, with detail own where it is the caller''s; 204 replayed, also where it ended the caller''s own; 401; 404 where it is unknown, foreign or over; 422 key_reused; 423. Tries the key, then the session''s row (no key update, skip locked), never waits; looks after it tried.';

create function cardkeep_api.read_user(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	u cardkeep.users;
	v_user uuid;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	select a.* into u from cardkeep.users a where a.id = v_user;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, format('{"user":%s}', cardkeep_api.user_json(u)));
end
$$;
comment on function cardkeep_api.read_user is 'The caller''s account; 401. Locks nothing.';

commit;
