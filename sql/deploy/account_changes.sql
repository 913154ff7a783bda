-- Deploy cardkeep:account_changes to pg
--
-- What an account's owner does to the account itself, as the service calls it: another password,
-- the end of many sessions at once, the end of it all. A password is checked outside, so each call
-- brings the hash that was checked, which must still be the account's when the change is made.
--
-- These leave no history row, so what their repeat finds is kept elsewhere: with the account, with
-- the sessions that were ended, and for an account that is closed in a table of its own. Under a key
-- (see writes) a deletion's write id is made of the token in place of the user, who will be gone.

begin;

set local role cardkeep_owner;

create table cardkeep.closed_accounts (
	write_id uuid primary key,
	token_hash bytea not null,
	at timestamptz not null default clock_timestamp()
);
create index closed_accounts_token on cardkeep.closed_accounts (token_hash);
comment on table cardkeep.closed_accounts is 'Accounts that their owners deleted: by which request, so that its repeat finds itself, and nothing about whose they were';
comment on column cardkeep.closed_accounts.token_hash is 'SHA-256 of the token that the request came with: the repeat comes with the same one';

create function cardkeep_api.account_closed(p_token_hash bytea, p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	perform from cardkeep.closed_accounts c
	where c.write_id = p_write and c.token_hash = p_token_hash;
	if found then
		return cardkeep_api.reply_kept(204);
	end if;
	return cardkeep_api.reply(401);
end
$$;
comment on function cardkeep_api.account_closed is 'What a request of an unknown token comes to: 204 replayed where it deleted its account, else 401. Locks nothing.';

create function cardkeep_api.password_replay(p_user uuid, p_write uuid) returns cardkeep_api.answer
language sql volatile
begin atomic
	select cardkeep_api.reply_kept(204, 0, '', true,
		case when u.password_write = p_write then u.password_hash else '' end)
	from cardkeep.users u
	where u.id = p_user;
end;
comment on function cardkeep_api.password_replay is 'The first answer of a change of password under a key, with the hash of the password that it set if that is the account''s still: passwords are no part of what a key is bound to, so the caller has yet to see that this is the same one. Locks nothing.';

create function cardkeep_api.read_password(p_token_hash bytea, p_write uuid default null,
	p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	u cardkeep.users;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	-- The deletion of the account ended the session, which goes with it.
	if w.live is not true then
		a := cardkeep_api.account_closed(p_token_hash,
			cardkeep_api.token_write(p_token_hash, p_write));
		if a.replayed or w.session_id is null then
			return a;
		end if;
	end if;
	if (w.told).replayed then
		return cardkeep_api.password_replay(w.user_id, w.id);
	elsif (w.told).status is not null then
		return w.told;
	end if;
	select t.* into u from cardkeep.users t where t.id = w.user_id;
	if u.id is null or not w.live then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, '', false, u.password_hash);
end
$$;
comment on function cardkeep_api.read_password is 'Before a call that takes the password: 200 with the password hash of the caller''s account, for its password to be checked; 401. Where that call was made before under this key: 204 replayed, with the hash of the password that it set if that is the account''s still; 422 key_reused; 423 key_busy. Tries the key; never waits.';

create function cardkeep_api.lock_sessions(p_user uuid, p_but uuid default null) returns boolean
language plpgsql volatile
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
language plpgsql volatile
as $$
begin
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = p_write
	where s.user_id = p_user and s.id is distinct from p_but and cardkeep_api.is_live(s);
end
$$;
comment on function cardkeep_api.end_live_sessions is 'Ends all live sessions of an account, but one. The caller holds their rows.';

create function cardkeep_api.end_sessions(p_token_hash bytea, p_write uuid, p_others boolean,
	p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	s cardkeep.sessions;
	v_locked boolean;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if not found then
		return cardkeep_api.reply(401);
	elsif (w.told).status is not null then
		return w.told;
	end if;
	v_locked := cardkeep_api.lock_sessions(w.user_id, case when p_others then w.session_id end);
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	-- The repeat first: the first time may have ended the very session that asks.
	perform from cardkeep.sessions t where t.ended_by = w.id and (t.user_id = s.user_id) is true;
	if found then
		return cardkeep_api.reply_kept(204);
	end if;
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.reply(401);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	perform cardkeep_api.end_live_sessions(s.user_id, w.id, case when p_others then s.id end);
	return cardkeep_api.end_write(w, cardkeep_api.reply(204));
end
$$;
comment on function cardkeep_api.end_sessions is 'Ends all sessions of the caller''s account, or all but the caller''s own. 204; 204 replayed, also where it ended the caller''s own; 401; 422 key_reused; 423 where somebody holds one of them. Tries the key, then the sessions'' rows as lock_sessions, never waits; looks after it tried.';

create function cardkeep_api.change_password(p_token_hash bytea, p_write uuid,
	p_seen_password_hash text, p_password_hash text, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	s cardkeep.sessions;
	u cardkeep.users;
	v_locked boolean;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if not found then
		return cardkeep_api.reply(401);
	elsif (w.told).replayed then
		return cardkeep_api.password_replay(w.user_id, w.id);
	elsif (w.told).status is not null then
		return w.told;
	end if;
	perform from cardkeep.users t where t.id = w.user_id for no key update skip locked;
	v_locked := found;
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	select t.* into u from cardkeep.users t where t.id = s.user_id;
	if u.password_write = w.id and p_key is null then
		return cardkeep_api.reply_kept(204);
	elsif u.password_write = w.id then
		return cardkeep_api.password_replay(s.user_id, w.id);
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
	update cardkeep.users t set password_hash = p_password_hash, password_write = w.id,
		updated_at = clock_timestamp()
	where t.id = u.id;
	perform cardkeep_api.end_live_sessions(s.user_id, w.id, s.id);
	return cardkeep_api.end_write(w, cardkeep_api.reply(204));
end
$$;
comment on function cardkeep_api.change_password is 'Another password for the caller''s account, if the present one is still the one that was checked; every other session ends with it. 204; 204 replayed, under a key as password_replay; 401; 422 password_changed or key_reused; 423. Tries the key, then the account''s row (no key update, skip locked), so that no sign-in with the old password comes in between, then the other sessions as lock_sessions; never waits.';

create function cardkeep_api.delete_account(p_token_hash bytea, p_write uuid,
	p_seen_password_hash text, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	s cardkeep.sessions;
	v_locked boolean;
	v_hash text;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key,
		p_by_token => true) b;
	if (w.told).status is not null then
		return w.told;
	end if;
	perform from cardkeep.users u where u.id = w.user_id for no key update skip locked;
	v_locked := found;
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	-- The session is over, and goes, with the account: the repeat finds what is kept of the deletion.
	if s.id is null or not cardkeep_api.is_live(s) then
		return cardkeep_api.account_closed(p_token_hash, case when p_key is null then p_write
			else cardkeep_api.token_write(p_token_hash, p_write) end);
	end if;
	if not v_locked then
		return cardkeep_api.reply(423);
	end if;
	select u.password_hash into v_hash from cardkeep.users u where u.id = s.user_id;
	if v_hash <> p_seen_password_hash then
		return cardkeep_api.reply(422, 0, '', false, 'password_changed');
	end if;
	if not cardkeep_api.lock_sessions(s.user_id) then
		return cardkeep_api.reply(423);
	end if;
	insert into cardkeep.closed_accounts (write_id, token_hash) values (w.id, p_token_hash);
	perform cardkeep_api.close_account(s.user_id, w.id);
	return cardkeep_api.reply(204);
end
$$;
comment on function cardkeep_api.delete_account is 'Closes the caller''s account, if its password is still the one that was checked: from then on nobody has it nor anything of it, and it is erased step by step (see erasure). 204; 204 replayed; 401; 422 password_changed or key_reused; 423. Tries the key, then the account''s row (no key update, skip locked), then its live sessions'' rows as lock_sessions; never waits, and holds as much however much the account has. A write by another device, under way meanwhile, waits for nothing either: what it still makes goes with the account.';

commit;
