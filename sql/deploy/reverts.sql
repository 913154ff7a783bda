-- Deploy cardkeep:reverts to pg
--
-- Bringing back what was: an update whose content comes from history. Nothing is undone, a new
-- version is written; id, slug and owner stay. Once the row is ours its version cannot move, so the
-- later statements that rebuild the old content see all of its history.

begin;

set local role cardkeep_owner;

create function cardkeep_api.base_unavailable(p_version integer) returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.reply(409, p_version, '{"reason":"base-unavailable"}', false, 'base_unavailable');
comment on function cardkeep_api.base_unavailable is 'The refusal of a request that needs a version which history no longer holds. Locks nothing.';

create function cardkeep_api.card_was(p_card uuid, p_now integer, p_to integer)
returns cardkeep.business_cards
language plpgsql stable
as $$
begin
	if not cardkeep_api.card_kept(p_card, p_now, p_to) then
		return null;
	end if;
	return cardkeep_api.card_at(p_card, p_to);
end
$$;
comment on function cardkeep_api.card_was is 'A card as it was at a version, or all null where history no longer reaches it; asked and told in one snapshot. Locks nothing.';

create function cardkeep_api.revert_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
	o cardkeep.business_cards;
begin
	select b.version into v_version from cardkeep.business_cards b
	where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
	for no key update skip locked;
	if not found then
		return cardkeep_api.card_revert_not_applied(p_user, p_write, p_card, p_expected, p_to);
	end if;
	if p_to not between 1 and v_version then
		return cardkeep_api.reply(422, v_version);
	end if;
	o := cardkeep_api.card_was(p_card, v_version, p_to);
	if o.id is null then
		return cardkeep_api.base_unavailable(v_version);
	end if;
	return cardkeep_api.update_card_core(p_user, p_session, p_write, p_card, array[v_version],
		cardkeep_api.content(o));
end
$$;
comment on function cardkeep_api.revert_card_core is 'Gives a card that is at one of the expected versions the content it had at version p_to, as a new version. 200; 422 where p_to is no version of it; 409 base_unavailable where history does not reach that far; else as card_revert_not_applied. Tries the card''s row (no key update, skip locked), never waits; a stale request locks nothing.';

create function cardkeep_api.card_revert_not_applied(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
	o cardkeep.business_cards;
	v_version integer;
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
	v_version := cardkeep_api.card_write_version(p_card, p_expected, p_write, false);
	if v_version is not null then
		return cardkeep_api.card_replay(p_card, p_user, v_version, 200);
	end if;
	if c.id is null then
		return cardkeep_api.reply(404);
	end if;
	if p_to not between 1 and c.version then
		return cardkeep_api.reply(422, c.version);
	end if;
	if c.version = any (p_expected) then
		return cardkeep_api.reply(423, c.version);
	end if;
	o := cardkeep_api.card_was(p_card, c.version, p_to);
	return cardkeep_api.card_conflict(c, p_expected, cardkeep_api.content(o));
end
$$;
comment on function cardkeep_api.card_revert_not_applied is 'What a revert that was not applied now comes to: 200 replayed where it was applied before, 404, 422 where p_to is no version, 423 where somebody holds the card, else 409 with both sides, the old content being the request''s. Locks nothing.';

create function cardkeep_api.revert_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], p_to integer, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).status is not null then
		return cardkeep_api.card_told(w, p_card);
	elsif w.live then
		a := cardkeep_api.revert_card_core(w.user_id, w.session_id, w.id, p_card, p_expected, p_to);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.card_repeat(w, p_card, p_expected);
end
$$;
comment on function cardkeep_api.revert_card is 'Brings back what one of the caller''s cards was at a version: 200, 401, 404, 409, 422 (also key_reused), 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as revert_card_core; never waits.';

create function cardkeep_api.profile_was(p_kind text, p_user uuid, p_now integer, p_to integer)
returns jsonb
language plpgsql stable
as $$
begin
	if not cardkeep_api.profile_kept(p_kind, p_user, p_now, p_to) then
		return null;
	end if;
	return cardkeep_api.profile_at(p_kind, p_user, p_to);
end
$$;
comment on function cardkeep_api.profile_was is 'As card_was, for a profile. Locks nothing.';

create function cardkeep_api.revert_profile_core(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
	v_content jsonb;
begin
	if not cardkeep_api.try_profile(p_kind, p_user, p_expected) then
		return cardkeep_api.profile_revert_not_applied(p_kind, p_user, p_write, p_expected, p_to);
	end if;
	v_version := (cardkeep_api.read_profile(p_kind, p_user)).version;
	if p_to not between 1 and v_version then
		return cardkeep_api.reply(422, v_version);
	end if;
	v_content := cardkeep_api.profile_was(p_kind, p_user, v_version, p_to);
	if v_content is null then
		return cardkeep_api.base_unavailable(v_version);
	end if;
	return cardkeep_api.change_profile(p_kind, p_user, p_session, p_write, v_content);
end
$$;
comment on function cardkeep_api.revert_profile_core is 'As revert_card_core, for a profile. Tries the profile''s row (no key update, skip locked), never waits; a stale request locks nothing.';

create function cardkeep_api.profile_revert_not_applied(p_kind text, p_user uuid, p_write uuid,
	p_expected integer[], p_to integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
	a cardkeep_api.answer := cardkeep_api.profile_replay(p_kind, p_user, p_expected, p_write);
begin
	if a.status is not null then
		return a;
	end if;
	if p_to not between 1 and p.version then
		return cardkeep_api.reply(422, p.version);
	end if;
	if p.version = any (p_expected) then
		return cardkeep_api.reply(423, p.version);
	end if;
	return cardkeep_api.profile_conflict(p_kind, p_user, p, p_expected,
		coalesce(cardkeep_api.profile_was(p_kind, p_user, p.version, p_to), '{}'));
end
$$;
comment on function cardkeep_api.profile_revert_not_applied is 'As card_revert_not_applied, for a profile. Locks nothing.';

create function cardkeep_api.revert_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_to integer, p_key uuid default null)
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
		a := cardkeep_api.revert_profile_core(p_kind, w.user_id, w.session_id, w.id, p_expected,
			p_to);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.profile_repeat(w, p_kind, p_expected);
end
$$;
comment on function cardkeep_api.revert_own_profile is 'Brings back what the caller''s profile was at a version: 200, 401, 409, 422 (also key_reused), 423; the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as revert_profile_core; never waits.';

commit;
