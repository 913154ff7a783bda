-- Deploy cardkeep:writes to pg
--
-- What was applied under an Idempotency-Key, so that its repeat gets the first answer. A row says
-- which write it was and what came of it, not what was answered: cards and profiles as of the
-- version that the write made are in history, and so is their answer.
--
-- The write id of a keyed write is made of the user and of all that the key is bound to (method,
-- path, query, If-Match, Prefer, body, and the key itself), which the service sends as one hash. So
-- it is the request's fingerprint too: the same key with the same write id is a repeat, with another
-- one it is another request. And it stays the name of the write when its key is swept: the late
-- repeat of a creation still finds its card, and another request under that key makes another card.
--
-- The user is no foreign key: the record of an account's deletion outlives the account. There is no
-- index by age: the sweep walks the table, block by block, which costs the writes nothing.

begin;

set local role cardkeep_owner;

create table cardkeep.writes (
	user_id uuid not null,
	key uuid not null,
	write_id uuid not null,
	at timestamptz not null default clock_timestamp(),
	version integer not null,
	status smallint not null,
	constraint writes_pkey primary key (user_id, key)
);
comment on table cardkeep.writes is 'What was applied under an Idempotency-Key, until the key is swept';
comment on column cardkeep.writes.user_id is 'Whose key it is';
comment on column cardkeep.writes.key is 'A hash of the key';
comment on column cardkeep.writes.write_id is 'The write, and the fingerprint of its request';
comment on column cardkeep.writes.version is 'The version that it made, or 0';
comment on column cardkeep.writes.status is 'What it was answered';

create function cardkeep_api.own_write(p_user uuid, p_request uuid) returns uuid
language sql immutable parallel safe
return encode(substr(sha256(uuid_send(p_user) || uuid_send(p_request)), 1, 16), 'hex')::uuid;
comment on function cardkeep_api.own_write is 'The write id of a keyed request: the same request of two users is two writes. Locks nothing.';

create function cardkeep_api.try_key(p_user uuid, p_key uuid) returns boolean
language sql volatile
return pg_try_advisory_xact_lock(cardkeep_api.lock_key('key', p_user::text || p_key::text));
comment on function cardkeep_api.try_key is 'Whether the key is now ours, until the transaction ends. Tries its advisory lock, never waits. Locks are re-entrant: two requests of one key in one transaction must run one after the other, and the second then sees what the first recorded.';

create function cardkeep_api.claim_key(s cardkeep.sessions, p_key uuid, p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	w cardkeep.writes;
begin
	-- A session that is over learns nothing, but how the request went that ended it.
	if s.id is null or (not cardkeep_api.is_live(s) and s.ended_by is distinct from p_write) then
		return cardkeep_api.reply(401);
	end if;
	if not cardkeep_api.try_key(s.user_id, p_key) then
		return cardkeep_api.reply(423, 0, '', false, 'key_busy');
	end if;
	select t.* into w from cardkeep.writes t where t.user_id = s.user_id and t.key = p_key;
	if not found then
		return null;
	end if;
	if w.write_id <> p_write then
		return cardkeep_api.reply(422, 0, '', false, 'key_reused');
	end if;
	return cardkeep_api.reply(w.status, w.version, '', true);
end
$$;
comment on function cardkeep_api.claim_key is 'What a request finds under its key: null where it is the first; the status and version of its first answer (replayed); 422 key_reused where the key was spent on another request; 423 key_busy where somebody holds it; 401 where the session is over, unless this very write ended it. Tries the key''s advisory lock, then looks in a later statement; never waits.';

create function cardkeep_api.keep_key(p_user uuid, p_key uuid, p_write uuid, a cardkeep_api.answer)
returns void
language plpgsql volatile
as $$
begin
	if a.status < 300 and not a.replayed and a.detail <> 'unchanged' then
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		values (p_user, p_key, p_write, a.version, a.status);
	end if;
end
$$;
comment on function cardkeep_api.keep_key is 'Records what a keyed request came to, where it was applied just now. The caller holds the key.';

create function cardkeep_api.sweep_writes(p_keep interval, p_from bigint)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c_blocks constant bigint := 4; -- looked at by one statement,
	c_reach constant bigint := 256; -- and by one call,
	c_rows constant bigint := 250; -- which ends early when it has deleted as many
	v_end bigint := pg_relation_size('cardkeep.writes') / current_setting('block_size')::bigint;
	v_old timestamptz := clock_timestamp() - p_keep;
	v_at bigint := p_from;
	v_deleted bigint := 0;
	v_count bigint;
begin
	while v_at < least(v_end, p_from + c_reach) and v_deleted < c_rows loop
		delete from cardkeep.writes w
		where w.ctid = any (array(
			select o.ctid from cardkeep.writes o
			where o.ctid >= format('(%s,0)', v_at)::tid
				and o.ctid < format('(%s,0)', v_at + c_blocks)::tid
				and o.at < v_old
			for update skip locked));
		get diagnostics v_count = row_count;
		v_deleted := v_deleted + v_count;
		v_at := v_at + c_blocks;
	end loop;
	if v_at >= v_end then
		delete from cardkeep.closed_accounts c
		where c.write_id = any (array(
			select o.write_id from cardkeep.closed_accounts o
			where o.at < v_old
			limit c_rows
			for update skip locked));
	end if;
	return cardkeep_api.reply(200, v_deleted::integer, '', false,
		case when v_at < v_end then v_at::text else '' end);
end
$$;
comment on function cardkeep_api.sweep_writes is 'One small step of a walk through the table, from block p_from on: deletes what is older than p_keep, and at the end the records of deleted accounts too. Version says how many rows went, detail where the next step goes on, empty at the end. Tries the rows (update, skip locked), never waits.';

commit;
