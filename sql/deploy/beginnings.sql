-- Deploy cardkeep:beginnings to pg
--
-- How every call begins, and how a write ends, once for all of them. Whose session it is comes before
-- anything else: until that is known no other argument is looked at, so that whoever has no session
-- costs an index look-up, whatever they send. scripts/check-sql holds every function that takes a token
-- to it.
--
-- A read begins with begin_read. A write begins with begin_write, which also takes the key and finds out
-- what became of the request before, and ends with end_write. A session that has ended since may still
-- ask how a write of its own came out, for that write was applied while it lived: so writes are told of
-- such a session, and that it is not live. begin_call tells no more than that, for calls that have to
-- look at their arguments before they write.
--
-- The planner puts these three in place where they are used, in a statement of the function's own: as
-- functions that are called they would cost a write without a key 5 us of some 100. That is why they
-- call themselves stable, and why what only keys need are functions apart, which are called.

begin;

set local role cardkeep_owner;

create function cardkeep_api.is_live(s cardkeep.sessions) returns boolean
language sql volatile
return s.ended_at is null
	and least(s.expires_at, s.last_seen_at + s.idle_limit) > clock_timestamp();
comment on function cardkeep_api.is_live is 'Whether a session may still act: neither ended, nor expired, nor unused for too long. Locks nothing.';

create type cardkeep_api.caller as (
	session_id uuid,
	user_id uuid,
	live boolean
);
comment on type cardkeep_api.caller is 'Whose a token is: the session, its user, and whether it may still act';

create function cardkeep_api.begin_call(p_token_hash bytea) returns setof cardkeep_api.caller
language sql stable rows 1
begin atomic
	select s.id, s.user_id, cardkeep_api.is_live(s) from cardkeep.sessions s
	where s.token_hash = p_token_hash;
end;
comment on function cardkeep_api.begin_call is 'Whose the token is, also where its session is over; no row where nobody ever had it. Locks nothing.';

create function cardkeep_api.begin_read(p_token_hash bytea)
returns table (session_id uuid, user_id uuid)
language sql stable rows 1
begin atomic
	select s.id, s.user_id from cardkeep.sessions s
	where s.token_hash = p_token_hash and cardkeep_api.is_live(s);
end;
comment on function cardkeep_api.begin_read is 'The beginning of every read: the session that may act with the token, and its user; no row where there is none. Locks nothing.';

create type cardkeep_api.write as (
	user_id uuid,
	session_id uuid,
	id uuid,
	key uuid,
	live boolean,
	told cardkeep_api.answer
);
comment on type cardkeep_api.write is 'A write that has begun: whose it is, the session it came by, its write id, the key that it holds or null, whether the session may still act, and what it is to be told (all null: nothing yet)';

create function cardkeep_api.claim_key(p_user uuid, p_key uuid, p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	w cardkeep.writes;
begin
	if not cardkeep_api.try_key(p_user, p_key) then
		return cardkeep_api.reply(423, 0, '', false, 'key_busy');
	end if;
	select t.* into w from cardkeep.writes t where t.user_id = p_user and t.key = p_key;
	if not found then
		return null;
	end if;
	if w.write_id <> p_write then
		return cardkeep_api.reply(422, 0, '', false, 'key_reused');
	end if;
	return cardkeep_api.reply_kept(w.status, w.version);
end
$$;
comment on function cardkeep_api.claim_key is 'What a request finds under its key: null where it is the first; the status and version of its first answer (replayed); 422 key_reused where the key was spent on another request; 423 key_busy where somebody holds it. Tries the key''s advisory lock, then looks in a later statement; never waits.';

create function cardkeep_api.keyed_write(p_token_hash bytea, p_user uuid, p_write uuid,
	p_by_token boolean)
returns uuid
language plpgsql immutable parallel safe
as $$
begin
	if p_by_token then
		return cardkeep_api.token_write(p_token_hash, p_write);
	end if;
	return cardkeep_api.own_write(p_user, p_write);
end
$$;
comment on function cardkeep_api.keyed_write is 'The write id of a request with a key: the user''s own or, where the user will be gone, the token''s. Locks nothing.';

create function cardkeep_api.find_keyed(c cardkeep_api.caller, p_write uuid, p_key uuid,
	p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	-- A session that is over learns nothing, but how the request went that ended it.
	if not c.live and not exists (
		select from cardkeep.sessions s where s.id = c.session_id and s.ended_by = p_write)
	then
		return cardkeep_api.reply(401);
	end if;
	a := cardkeep_api.claim_key(c.user_id, p_key, p_write);
	if a.status = 422 and p_card is not null and not exists (
		select from cardkeep.business_cards b where b.id = p_card and b.user_id = c.user_id)
	then
		return cardkeep_api.reply(404);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.find_keyed is 'What a request with a key is told before anything is done: what claim_key found; 401 by a session that is over, unless this very write ended it; 404 for a spent key where the request names a card that is not the caller''s. Locks as claim_key.';

create function cardkeep_api.begin_write(p_token_hash bytea, p_write uuid, p_key uuid,
	p_card uuid default null, p_by_token boolean default false)
returns setof cardkeep_api.write
language sql stable rows 1
begin atomic
	select s.user_id, s.id, case when p_key is null then p_write
			else cardkeep_api.keyed_write(p_token_hash, s.user_id, p_write, p_by_token) end,
		p_key, cardkeep_api.is_live(s), case when p_key is not null then cardkeep_api.find_keyed(
			(s.id, s.user_id, cardkeep_api.is_live(s)),
			cardkeep_api.keyed_write(p_token_hash, s.user_id, p_write, p_by_token), p_key, p_card) end
	from cardkeep.sessions s
	where s.token_hash = p_token_hash;
end;
comment on function cardkeep_api.begin_write is 'The beginning of every write: the session that the token is or was of, its user, the write id and, where there is a key, what the request is told before anything is done (see find_keyed); no row where nobody ever had the token. Tries the key''s advisory lock, never waits.';

create function cardkeep_api.keep_key(w cardkeep_api.write, a cardkeep_api.answer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if a.status < 300 and not a.replayed and a.detail <> 'unchanged' then
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		values (w.user_id, w.key, w.id, a.version, a.status);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.keep_key is 'Records what a keyed request came to, where it was applied just now, and passes the answer on. The caller holds the key.';

create function cardkeep_api.end_write(w cardkeep_api.write, a cardkeep_api.answer)
returns cardkeep_api.answer
language sql volatile
return case when w.key is null then a else cardkeep_api.keep_key(w, a) end;
comment on function cardkeep_api.end_write is 'The end of every write: its answer, which is recorded under the key where there is one (see keep_key). The caller holds the key.';

create function cardkeep_api.or_unknown(a cardkeep_api.answer) returns cardkeep_api.answer
language sql immutable parallel safe
return case when a.status is null then cardkeep_api.reply(401) else a end;
comment on function cardkeep_api.or_unknown is 'The end of a write by a session that is over, or by none: the first answer where one was found, else 401. Locks nothing.';

commit;
