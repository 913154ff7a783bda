-- Deploy cardkeep:patches to pg
--
-- A merge patch (RFC 7396) says what changes within a document: members are merged, null removes one, and
-- what the patch leaves out stays. It is worked out against the card at the version that the request
-- names, whose row is locked by then, and is an ordinary update or merge from there on. So it is applied
-- exactly once, and a stale one is told of what it would have made.

begin;

set local role cardkeep_owner;

create function cardkeep_api.merge_patch(p_target jsonb, p_patch jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	if jsonb_typeof(p_patch) <> 'object' then
		return p_patch;
	end if;
	return coalesce((
		select jsonb_object_agg(coalesce(p.key, t.key), case when p.key is null then t.value
			when jsonb_typeof(p.value) = 'object' then cardkeep_api.merge_patch(t.value, p.value)
			else p.value end)
		from jsonb_each(case when jsonb_typeof(p_target) = 'object' then p_target else '{}' end) t
		full join jsonb_each(p_patch) p on p.key = t.key
		where p.key is null or jsonb_typeof(p.value) <> 'null'), '{}');
end
$$;
comment on function cardkeep_api.merge_patch is 'What a merge patch makes of a value, to the letter of RFC 7396. Walks each level once. Locks nothing.';

create function cardkeep_api.patched(p_document jsonb, p_patch jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	if p_patch is null then
		return null;
	end if;
	return coalesce(nullif(cardkeep_api.merge_patch(p_document, p_patch), 'null'), '{}');
end
$$;
comment on function cardkeep_api.patched is 'A card''s document after a patch of it, empty where that removes it; null where the request has none. Locks nothing.';

create function cardkeep_api.patch_repeat(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[], p_merge boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
begin
	if p_merge then
		return cardkeep_api.card_merge_repeat(p_user, p_write, p_card, p_expected[1]);
	end if;
	v_version := cardkeep_api.card_write_version(p_card, p_expected, p_write, false);
	if v_version is null then
		return null;
	end if;
	return cardkeep_api.card_replay(p_card, p_user, v_version, 200);
end
$$;
comment on function cardkeep_api.patch_repeat is 'The first answer of a patch that was applied before; all null where it was not. Locks nothing.';

create function cardkeep_api.patch_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[], m cardkeep_api.card_change, p_merge boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards := cardkeep_api.hold_card(p_user, p_card);
	b cardkeep.business_cards;
	a cardkeep_api.answer := cardkeep_api.patch_repeat(p_user, p_write, p_card, p_expected, p_merge);
begin
	if a.status is not null then
		return a;
	elsif c.id is null then
		return cardkeep_api.card_not_held(p_user, p_card);
	end if;
	b := c;
	if (c.version = any (p_expected)) is not true then
		b := cardkeep_api.card_base(c, (select max(e) from unnest(p_expected) e), m);
	end if;
	-- Where the base is not known, what is told is what it would make of the card as it is.
	m.fields_config := cardkeep_api.patched(coalesce(b.fields_config, c.fields_config), m.fields_config);
	m.design_config := cardkeep_api.patched(coalesce(b.design_config, c.design_config), m.design_config);
	if cardkeep_api.document_fault(m.fields_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'fields_config');
	elsif cardkeep_api.document_fault(m.design_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'design_config');
	elsif p_merge then
		return cardkeep_api.merge_card_core(p_user, p_session, p_write, p_card, p_expected[1], m);
	end if;
	return cardkeep_api.update_card_core(p_user, p_session, p_write, p_card, p_expected, m);
end
$$;
comment on function cardkeep_api.patch_card_core is 'As update_card_core, or as merge_card_core where p_merge says so, with documents that are merge patches: of the card at the expected version, and where it is at another, of what it was then. 422 with the name of a document that would be too large. Tries the card''s row (no key update, skip locked), never waits; looks after it tried.';

create function cardkeep_api.patch_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_merge boolean, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).replayed and p_merge then
		return cardkeep_api.card_merge_replay(p_card, w.user_id, p_expected[1], (w.told).version);
	elsif (w.told).status is not null then
		return cardkeep_api.card_told(w, p_card);
	elsif w.live then
		a := cardkeep_api.patch_card_core(w.user_id, w.session_id, w.id, p_card, p_expected, m,
			p_merge);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is not null then
		a := cardkeep_api.patch_repeat(w.user_id, w.id, p_card, p_expected, p_merge);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.patch_card is 'Changes one of the caller''s cards by a merge patch: 200, 401, 404, 409, 422 for a key_reused or a document, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as patch_card_core; never waits.';

commit;
