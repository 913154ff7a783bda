-- Deploy cardkeep:profile_calls to pg
--
-- What the service calls: a session by its token, then the core.

begin;

set local role cardkeep_owner;

create function cardkeep_api.read_own_profile(p_kind text, p_token_hash bytea)
returns cardkeep_api.answer
language plpgsql volatile set search_path = pg_catalog, pg_temp
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
	p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	s cardkeep.sessions;
	a cardkeep_api.answer;
begin
	select t.* into s from cardkeep.sessions t where t.token_hash = p_token_hash;
	if s.id is not null and cardkeep_api.is_live(s) then
		return cardkeep_api.save_profile_core(p_kind, s.user_id, s.id, p_write, p_expected, p_patch);
	end if;
	a := cardkeep_api.profile_replay(p_kind, s.user_id, p_expected, p_write);
	if a.status is not null then
		return a;
	end if;
	return cardkeep_api.reply(401);
end
$$;
comment on function cardkeep_api.save_own_profile is 'Changes the caller''s profile, as save_profile_core; 401, but the repeat of a write that was applied while the session lived is answered as the first was. Locks as save_profile_core.';

create function cardkeep_api.read_personal_info(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.read_own_profile('personal_info', p_token_hash);
end
$$;
comment on function cardkeep_api.read_personal_info is 'The caller''s personal profile: 200, 401. Locks nothing.';

create function cardkeep_api.save_personal_info(p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.save_own_profile('personal_info', p_token_hash, p_write, p_expected, p_patch);
end
$$;
comment on function cardkeep_api.save_personal_info is 'Changes the caller''s personal profile: 200, 201 for the first write, 401, 409, 423. Locks as save_profile_core, never waits.';

create function cardkeep_api.read_professional_info(p_token_hash bytea) returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.read_own_profile('professional_info', p_token_hash);
end
$$;
comment on function cardkeep_api.read_professional_info is 'The caller''s professional profile: 200, 401. Locks nothing.';

create function cardkeep_api.save_professional_info(p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return cardkeep_api.save_own_profile('professional_info', p_token_hash, p_write, p_expected, p_patch);
end
$$;
comment on function cardkeep_api.save_professional_info is 'Changes the caller''s professional profile: 200, 201 for the first write, 401, 409, 423. Locks as save_profile_core, never waits.';

commit;
