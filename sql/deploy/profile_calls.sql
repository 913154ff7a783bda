-- Deploy cardkeep:profile_calls to pg
--
-- What the service calls: the beginning that all calls have (see beginnings), then the core. p_kind says
-- which of the two profiles is meant, by the name of its table.

begin;

set local role cardkeep_owner;

create function cardkeep_api.read_own_profile(p_kind text, p_token_hash bytea)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	p cardkeep_api.profile;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	p := cardkeep_api.read_profile(p_kind, v_user);
	return cardkeep_api.reply(200, p.version, cardkeep_api.profile_json(p_kind, p));
end
$$;
comment on function cardkeep_api.read_own_profile is 'The caller''s profile, at version 0 and empty where it was never written: 200, 401. Locks nothing.';

create function cardkeep_api.profile_told(w cardkeep_api.write, p_kind text)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if (w.told).replayed then
		return cardkeep_api.profile_answered(p_kind, w.user_id, (w.told).version);
	end if;
	return w.told;
end
$$;
comment on function cardkeep_api.profile_told is 'As card_told, for a profile. Locks nothing.';

create function cardkeep_api.profile_repeat(w cardkeep_api.write, p_kind text, p_expected integer[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	if w.session_id is not null then
		a := cardkeep_api.profile_replay(p_kind, w.user_id, p_expected, w.id);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.profile_repeat is 'As card_repeat, for a profile. Locks nothing.';

create function cardkeep_api.save_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).status is not null then
		return cardkeep_api.profile_told(w, p_kind);
	elsif w.live then
		a := cardkeep_api.save_profile_core(p_kind, w.user_id, w.session_id, w.id, p_expected,
			p_patch);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.profile_repeat(w, p_kind, p_expected);
end
$$;
comment on function cardkeep_api.save_own_profile is 'Changes the caller''s profile: 200, 201 for the first write, 401, 409, 422 key_reused, 423; the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as save_profile_core; never waits.';

commit;
