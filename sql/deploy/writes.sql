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

create function cardkeep_api.token_write(p_token_hash bytea, p_write uuid) returns uuid
language sql immutable parallel safe
return cardkeep_api.own_write(encode(substr(p_token_hash, 1, 16), 'hex')::uuid, p_write);
comment on function cardkeep_api.token_write is 'own_write for a request whose user will be gone. Locks nothing.';

create function cardkeep_api.try_key(p_user uuid, p_key uuid) returns boolean
language sql volatile
return pg_try_advisory_xact_lock(cardkeep_api.lock_key('key', p_user::text || p_key::text));
comment on function cardkeep_api.try_key is 'Whether the key is now ours, until the transaction ends. Tries its advisory lock, never waits. Locks are re-entrant: two requests of one key in one transaction must run one after the other, and the second then sees what the first recorded.';

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
	delete from cardkeep.ledger g
	where g.ctid = any (array(
		select o.ctid from cardkeep.ledger o
		where o.at < clock_timestamp() - interval '1 day'
		order by o.at limit c_rows * 4
		for update skip locked));
	return cardkeep_api.reply(200, v_deleted::integer, '', false,
		case when v_at < v_end then v_at::text else '' end);
end
$$;
comment on function cardkeep_api.sweep_writes is 'One small step of a walk through the table, from block p_from on: deletes what is older than p_keep, and at the end the records of deleted accounts too; and what is noted of quotas that are over. Version says how many rows went, detail where the next step goes on, empty at the end. Tries the rows (update, skip locked), never waits.';

commit;
