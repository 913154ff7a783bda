-- Deploy cardkeep:operator_functions to pg
--
-- What operators do with accounts and sessions, for `cardkeep user` and `cardkeep sessions`. Only
-- members of the owner may call these. They act as their caller, and wait for whoever is at a row:
-- an operator would rather wait than be told to come again.

begin;

set local role cardkeep_owner;

create view cardkeep.user_list as
	select u.id, u.email, u.created_at,
		(select count(*) from cardkeep.sessions s where s.user_id = u.id and cardkeep_api.is_live(s))
			as sessions,
		(select max(s.last_seen_at) from cardkeep.sessions s where s.user_id = u.id) as last_seen_at,
		(select count(*) from cardkeep.business_cards b where b.user_id = u.id) as cards
	from cardkeep.users u where u.closed_at is null;
comment on view cardkeep.user_list is 'Accounts as operators see them: live sessions, the time any session was last seen, cards';

create function cardkeep.list_users(p_limit integer default 100, p_after text default '')
returns setof cardkeep.user_list
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select l.* from cardkeep.user_list l where l.email > lower(p_after collate "C") collate "default"
	order by l.email limit p_limit;
end
$$;
comment on function cardkeep.list_users is 'A page of the accounts by address, after the address p_after. Locks nothing.';

create function cardkeep.find_user(p_email text) returns setof cardkeep.user_list
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select l.* from cardkeep.user_list l where l.email = lower(btrim(p_email) collate "C") collate "default";
end
$$;
comment on function cardkeep.find_user is 'The account with this address in any spelling; no row where there is none. Locks nothing.';

create function cardkeep.list_user_sessions(p_user uuid, p_ended boolean default false)
returns table (id uuid, device_name text, user_agent text, created_at timestamptz,
	last_seen_at timestamptz, expires_at timestamptz, live boolean, ended_at timestamptz)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select s.id, s.device_name, s.user_agent, s.created_at, s.last_seen_at, s.expires_at,
		cardkeep_api.is_live(s), s.ended_at
	from cardkeep.sessions s
	where s.user_id = p_user and (p_ended or cardkeep_api.is_live(s))
	order by s.last_seen_at desc, s.id;
end
$$;
comment on function cardkeep.list_user_sessions is 'An account''s live sessions, the last seen one first; with p_ended those that are over too. Locks nothing.';

create function cardkeep.revoke_session(p_session uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = gen_random_uuid()
	where s.id = p_session and cardkeep_api.is_live(s);
	return found;
end
$$;
comment on function cardkeep.revoke_session is 'Ends one session, whoever''s it is; its token is refused from then on. False where it is unknown or over. Waits for the session''s row.';

create function cardkeep.revoke_user_sessions(p_user uuid) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_write uuid := gen_random_uuid();
	v_count integer;
begin
	-- In one order, so that two of these never wait for each other.
	perform from cardkeep.sessions s where s.user_id = p_user and cardkeep_api.is_live(s)
	order by s.id for no key update;
	update cardkeep.sessions s set ended_at = clock_timestamp(), ended_by = v_write
	where s.user_id = p_user and cardkeep_api.is_live(s);
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep.revoke_user_sessions is 'Ends all sessions of an account and says how many there were. Waits for their rows, in the order of their ids.';

create function cardkeep.reset_password(p_user uuid, p_password_hash text) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if p_password_hash is null or p_password_hash not like '$argon2id$%' then
		raise exception 'a password is kept as its Argon2id hash, never in clear'
			using errcode = 'invalid_parameter_value';
	end if;
	update cardkeep.users u set password_hash = p_password_hash, password_write = gen_random_uuid(),
		updated_at = clock_timestamp()
	where u.id = p_user and u.email is not null;
	if not found then
		return null;
	end if;
	return cardkeep.revoke_user_sessions(p_user);
end
$$;
comment on function cardkeep.reset_password is 'Gives an account another password, ends all its sessions and says how many there were; null where there is no such account. 22023 for what is no Argon2id hash. Waits for the account''s row, then as revoke_user_sessions.';

create function cardkeep.delete_user(p_user uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform from cardkeep.users u where u.id = p_user and u.closed_at is null for no key update;
	if not found then
		return false;
	end if;
	perform cardkeep_api.close_account(p_user, gen_random_uuid());
	return true;
end
$$;
comment on function cardkeep.delete_user is 'Closes an account, also one that waits: nobody has it nor anything of it from then on, and erase_step erases it with its sessions, cards, profiles and history; the slugs stay retired. False where there is none. Waits for the account''s row, then for its live sessions''.';

commit;
