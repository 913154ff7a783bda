-- Deploy cardkeep:account_changes to pg
--
-- What an account's owner does to the account itself, as the service calls it: another password,
-- the end of many sessions at once, the end of it all. A password is checked outside, so each call
-- brings the hash that was checked, which must still be the account's when the change is made.
--
-- These leave no history row, so what their repeat finds is kept elsewhere: with the account, with
-- the sessions that were ended, and for an account that is gone in a table of its own.

begin;

set local role cardkeep_owner;

create table cardkeep.closed_accounts (
	write_id uuid primary key,
	token_hash bytea not null,
	at timestamptz not null default clock_timestamp()
);
comment on table cardkeep.closed_accounts is 'Accounts that their owners deleted: by which request, so that its repeat finds itself, and nothing about whose they were';
comment on column cardkeep.closed_accounts.token_hash is 'SHA-256 of the token that the request came with: the repeat comes with the same one';

create function cardkeep_api.read_password(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_hash text;
begin
	select u.password_hash into v_hash
	from cardkeep.sessions s join cardkeep.users u on u.id = s.user_id
	where s.token_hash = p_token_hash and cardkeep_api.is_live(s);
	if not found then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, '', false, v_hash);
end
$$;
comment on function cardkeep_api.read_password is 'The password hash of the caller''s account, for its password to be checked; 401. Locks nothing.';

create function cardkeep_api.lock_sessions(p_user uuid, p_but uuid default null) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_locked bigint;
	v_live bigint;
begin
	select count(*) into v_locked from (
		select from cardkeep.sessions s
		where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s)
		for no key update skip locked) l;
	select count(*) into v_live from cardkeep.sessions s
	where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s);
	return v_locked >= v_live;
end
$$;
comment on function cardkeep_api.lock_sessions is 'Whether all live sessions of an account, but one, could be locked: then none of them is changed by anybody else. Tries their rows (no key update, skip locked), never waits.';

create function cardkeep_api.end_live_sessions(p_user uuid, p_write uuid, p_but uuid default null)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = p_write
	where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s);
end
$$;
comment on function cardkeep_api.end_live_sessions is 'Ends all live sessions of an account, but one. The caller holds their rows.';

create function cardkeep_api.end_sessions(p_token_hash bytea, p_write uuid, p_others boolean)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	s cardkeep.sessions;
	v_locked boolean;
begin
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	v_locked := cardkeep_api.lock_sessions(s.user_id, case when p_others then s.id end);
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	-- The repeat first: the first time may have ended the very session that asks.
	perform from cardkeep.sessions t where t.user_id = s.user_id and t.ended_by = p_write;
	if found then
		return cardkeep_api.reply(204, 0, '', true);
	end if;
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.reply(401);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	perform cardkeep_api.end_live_sessions(s.user_id, p_write, case when p_others then s.id end);
	return cardkeep_api.reply(204);
end
$$;
comment on function cardkeep_api.end_sessions is 'Ends all sessions of the caller''s account, or all but the caller''s own. 204; 204 replayed, also where it ended the caller''s own; 401; 423 where somebody holds one of them. Tries the sessions'' rows as lock_sessions, never waits; looks after it tried.';

create function cardkeep_api.change_password(p_token_hash bytea, p_write uuid,
	p_seen_password_hash text, p_password_hash text)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	s cardkeep.sessions;
	u cardkeep.users;
	v_locked boolean;
begin
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	perform from cardkeep.users a where a.id = s.user_id for no key update skip locked;
	v_locked := found;
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	select a.* into u from cardkeep.users a where a.id = s.user_id;
	if u.password_write = p_write then
		return cardkeep_api.reply(204, 0, '', true);
	end if;
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.reply(401);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	if u.password_hash <> p_seen_password_hash then
		return cardkeep_api.reply(422, 0, '', false, 'password_changed');
	end if;
	if not cardkeep_api.lock_sessions(s.user_id, s.id) then
		return cardkeep_api.reply(423);
	end if;
	update cardkeep.users a set password_hash = p_password_hash, password_write = p_write,
		updated_at = clock_timestamp()
	where a.id = u.id;
	perform cardkeep_api.end_live_sessions(s.user_id, p_write, s.id);
	return cardkeep_api.reply(204);
end
$$;
comment on function cardkeep_api.change_password is 'Another password for the caller''s account, if the present one is still the one that was checked; every other session ends with it. 204; 204 replayed; 401; 422 password_changed; 423. Tries the account''s row (no key update, skip locked), so that no sign-in with the old password comes in between, then the other sessions as lock_sessions; never waits.';

create function cardkeep_api.lock_belongings(p_user uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_locked bigint[];
	v_there bigint[];
begin
	v_locked := array[
		(select count(*) from (select from cardkeep.sessions s where s.user_id = p_user
			for update skip locked) l),
		(select count(*) from (select from cardkeep.business_cards b where b.user_id = p_user
			for update skip locked) l),
		(select count(*) from (select from cardkeep.personal_info p where p.user_id = p_user
			for update skip locked) l),
		(select count(*) from (select from cardkeep.professional_info p where p.user_id = p_user
			for update skip locked) l)];
	v_there := array[
		(select count(*) from cardkeep.sessions s where s.user_id = p_user),
		(select count(*) from cardkeep.business_cards b where b.user_id = p_user),
		(select count(*) from cardkeep.personal_info p where p.user_id = p_user),
		(select count(*) from cardkeep.professional_info p where p.user_id = p_user)];
	return v_locked = v_there and not exists (
		select from cardkeep.business_cards b
		where b.user_id = p_user and b.created_at > clock_timestamp() - interval '1 minute'
			and not pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', b.slug)));
end
$$;
comment on function cardkeep_api.lock_belongings is 'Whether all that an account has could be locked, so that its deletion waits for nobody. The caller has locked the account (update), so nothing is added to it. Tries the rows of its sessions, cards and profiles (update, skip locked), then the advisory locks of its young cards'' slugs (see card_triggers); never waits.';

create function cardkeep_api.delete_account(p_token_hash bytea, p_write uuid,
	p_seen_password_hash text)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	s cardkeep.sessions;
	v_locked boolean;
	v_hash text;
begin
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	perform from cardkeep.users u where u.id = s.user_id for update skip locked;
	v_locked := found;
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	if not found then
		perform from cardkeep.closed_accounts c
		where c.write_id = p_write and c.token_hash = p_token_hash;
		return cardkeep_api.reply(case when found then 204 else 401 end, 0, '', found);
	end if;
	if not cardkeep_api.is_live(s) then
		return cardkeep_api.reply(401);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	select u.password_hash into v_hash from cardkeep.users u where u.id = s.user_id;
	if v_hash <> p_seen_password_hash then
		return cardkeep_api.reply(422, 0, '', false, 'password_changed');
	end if;
	if not cardkeep_api.lock_belongings(s.user_id) then
		return cardkeep_api.reply(423);
	end if;
	insert into cardkeep.closed_accounts (write_id, token_hash) values (p_write, p_token_hash);
	delete from cardkeep.users u where u.id = s.user_id;
	return cardkeep_api.reply(204);
end
$$;
comment on function cardkeep_api.delete_account is 'Deletes the caller''s account with all it has, if its password is still the one that was checked. 204; 204 replayed; 401; 422 password_changed; 423. Tries the account''s row (update, skip locked), then as lock_belongings; never waits. A creation by another device of the account, under way meanwhile, waits at its foreign key for the end of this, and is then 401.';

commit;
