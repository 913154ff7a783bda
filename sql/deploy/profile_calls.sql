-- Deploy cardkeep:profile_calls to pg
--
-- What the service calls: a session by its token, the key where there is one, then the core
-- (see card_calls).

begin;

set local role cardkeep_owner;

create function cardkeep_api.read_own_profile(p_kind text, p_token_hash bytea)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_user uuid;
	p cardkeep_api.profile;
begin
	select s.user_id into v_user from cardkeep.sessions s
	where s.token_hash = p_token_hash and cardkeep_api.is_live(s);
	if not found then
		return cardkeep_api.reply(401);
	end if;
	p := cardkeep_api.read_profile(p_kind, v_user);
	return cardkeep_api.reply(200, p.version, cardkeep_api.profile_json(p_kind, p));
end
$$;
comment on function cardkeep_api.read_own_profile is 'The caller''s profile, at version 0 and empty where it was never written; 401. Locks nothing.';

create function cardkeep_api.save_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	s cardkeep.sessions;
	v_write uuid := p_write;
	a cardkeep_api.answer;
begin
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	if p_key is not null then
		v_write := cardkeep_api.own_write(s.user_id, p_write);
		a := cardkeep_api.claim_key(s, p_key, v_write);
		if a.replayed then
			return cardkeep_api.profile_answered(p_kind, s.user_id, a.version);
		elsif a.status is not null then
			return a;
		end if;
	end if;
	if s.id is not null and cardkeep_api.is_live(s) then
		a := cardkeep_api.save_profile_core(p_kind, s.user_id, s.id, v_write, p_expected, p_patch);
		if p_key is not null then
			perform cardkeep_api.keep_key(s.user_id, p_key, v_write, a);
		end if;
		return a;
	end if;
	a := cardkeep_api.profile_replay(p_kind, s.user_id, p_expected, v_write);
	if a.status is not null then
		return a;
	end if;
	return cardkeep_api.reply(401);
end
$$;
comment on function cardkeep_api.save_own_profile is 'Changes the caller''s profile, as save_profile_core; 422 key_reused; 401, but the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as save_profile_core.';

create function cardkeep_api.read_personal_info(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.read_own_profile('personal_info', p_token_hash);
end
$$;
comment on function cardkeep_api.read_personal_info is 'The caller''s personal profile: 200, 401. Locks nothing.';

create function cardkeep_api.save_personal_info(p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.save_own_profile('personal_info', p_token_hash, p_write, p_expected, p_patch,
		p_key);
end
$$;
comment on function cardkeep_api.save_personal_info is 'Changes the caller''s personal profile: 200, 201 for the first write, 401, 409, 422 key_reused, 423. Locks as save_own_profile, never waits.';

create function cardkeep_api.read_professional_info(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.read_own_profile('professional_info', p_token_hash);
end
$$;
comment on function cardkeep_api.read_professional_info is 'The caller''s professional profile: 200, 401. Locks nothing.';

create function cardkeep_api.save_professional_info(p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.save_own_profile('professional_info', p_token_hash, p_write, p_expected, p_patch,
		p_key);
end
$$;
comment on function cardkeep_api.save_professional_info is 'Changes the caller''s professional profile: 200, 201 for the first write, 401, 409, 422 key_reused, 423. Locks as save_own_profile, never waits.';

commit;
