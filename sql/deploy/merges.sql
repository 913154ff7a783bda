-- Deploy cardkeep:merges to pg
--
-- A write that expects an older version and asks to be merged is applied when nobody changed the
-- same fields since. One function decides that, field by field, for all entities: merge_fields.
--
-- The row is locked first, at whatever version it is; everything is looked at in later statements,
-- whose snapshots see all that led to that version. The write itself is an update of the version
-- that the row has. So its history row is not at the expected version + 1, and a repeat looks for
-- itself in all versions since that a merge may have looked across: they are few, and only requests
-- that are out of date look.

begin;

set local role cardkeep_owner;

create function cardkeep_api.merge_fields(p_base jsonb, p_mine jsonb, p_theirs jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
declare
	-- In one piece each, as in conflicts.
	v_base jsonb := p_base || '{}';
	v_mine jsonb := p_mine || '{}';
	v_theirs jsonb := p_theirs || '{}';
	v_merged jsonb;
	v_overlap boolean;
begin
	select bool_or(m is distinct from b and t is distinct from b and m is distinct from t),
		jsonb_object_agg(f.key, r) filter (where r is not null)
	into v_overlap, v_merged
	from (
		select jsonb_object_keys(v_base || v_mine || v_theirs) as key) f
	cross join lateral (
		select v_base -> f.key as b, v_mine -> f.key as m, v_theirs -> f.key as t) s
	cross join lateral (
		-- A number that one side only wrote otherwise is written so, and is in nobody's way.
		select case when m is distinct from b then m when t is distinct from b then t
			when m::text is distinct from b::text then m else t end as r) w;
	if v_overlap then
		return null;
	end if;
	return coalesce(v_merged, '{}');
end
$$;
comment on function cardkeep_api.merge_fields is 'Both sides'' changes to the keys of a document: what one side left as it was in the base is as the other has it, absent ones too; numbers are compared by value, and where that is the same as it was, what one side wrote otherwise stays so. Null where both changed one key, to different values. Fetches each side once, however many keys it has. Locks nothing.';

create function cardkeep_api.extended(a cardkeep_api.answer, p_members text)
returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.reply(a.status, a.version, format('%s,%s}', left(a.body, -1), p_members),
	a.replayed, a.detail);
comment on function cardkeep_api.extended is 'An answer whose body has more members. Locks nothing.';

create function cardkeep_api.merged(a cardkeep_api.answer, p_expected integer, p_now integer)
returns cardkeep_api.answer
language plpgsql stable
as $$
begin
	if p_now <= p_expected or a.status <> 200 then
		return a;
	end if;
	if a.detail = '' then
		a.detail := 'merged';
	end if;
	return cardkeep_api.extended(a, format('"merged":true,"mergedWith":%s',
		to_json(array(select generate_series(p_expected + 1, p_now)))));
end
$$;
comment on function cardkeep_api.merged is 'The answer of a write that expected one version and was applied to a later one; as it is where that was the same. Locks nothing.';

create function cardkeep_api.no_base(a cardkeep_api.answer) returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.extended(a, '"reason":"base-unavailable"');
comment on function cardkeep_api.no_base is 'The refusal of a merge for want of a base. Locks nothing.';

-- Cards

create function cardkeep_api.card_merge_version(p_card uuid, p_expected integer, p_write uuid)
returns integer
language plpgsql stable
as $$
begin
	return (select h.version from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version > p_expected
			and h.version <= p_expected::bigint + cardkeep_api.reach() + 1
			and h.write_id = p_write and not h.is_deletion);
end
$$;
comment on function cardkeep_api.card_merge_version is 'The version that this write made, merged or not, where it was applied before; else null. Reads the versions that a merge may have looked across. Locks nothing.';

create function cardkeep_api.card_merge_replay(p_card uuid, p_user uuid, p_expected integer,
	p_version integer)
returns cardkeep_api.answer
language sql volatile
return cardkeep_api.merged(cardkeep_api.card_replay(p_card, p_user, p_version, 200), p_expected,
	p_version - 1);
comment on function cardkeep_api.card_merge_replay is 'The first answer of a write that asked to be merged. Locks nothing.';

create function cardkeep_api.card_merge_repeat(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer := cardkeep_api.card_merge_version(p_card, p_expected, p_write);
begin
	if v_version is null then
		return null;
	end if;
	return cardkeep_api.card_merge_replay(p_card, p_user, p_expected, v_version);
end
$$;
comment on function cardkeep_api.card_merge_repeat is 'The first answer of a write that asked to be merged and was applied before; all null where it was not. Locks nothing.';

create function cardkeep_api.hold_card(p_user uuid, p_card uuid) returns cardkeep.business_cards
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
begin
	select k.* into c from cardkeep.business_cards k where k.id = p_card and k.user_id = p_user
	for no key update skip locked;
	return c;
end
$$;
comment on function cardkeep_api.hold_card is 'A card of the user''s that is now ours, at whatever version; all null where it is not. Tries the row (no key update, skip locked), never waits.';

create function cardkeep_api.card_not_held(p_user uuid, p_card uuid) returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	perform from cardkeep.business_cards k where k.id = p_card and k.user_id = p_user;
	return cardkeep_api.reply(case when found then 423 else 404 end);
end
$$;
comment on function cardkeep_api.card_not_held is 'The answer where hold_card got none: 423 where somebody holds the card, 404 where the user has none. Locks nothing.';

create function cardkeep_api.card_merged(c cardkeep.business_cards, b cardkeep.business_cards,
	m cardkeep_api.card_change)
returns cardkeep.business_cards
language plpgsql immutable
as $$
declare
	c_documents constant text[] := '{fields_config,design_config}';
	v_base jsonb := to_jsonb(cardkeep_api.content(b)) - c_documents;
	v_plain jsonb := cardkeep_api.merge_fields(v_base,
		v_base || jsonb_strip_nulls(to_jsonb(m) - c_documents),
		to_jsonb(cardkeep_api.content(c)) - c_documents);
	n cardkeep.business_cards := jsonb_populate_record(c, v_plain);
begin
	if m.fields_config is not null then
		n.fields_config := cardkeep_api.merge_fields(b.fields_config, m.fields_config, c.fields_config);
	end if;
	if m.design_config is not null then
		n.design_config := cardkeep_api.merge_fields(b.design_config, m.design_config, c.design_config);
	end if;
	return case when num_nulls(v_plain, n.fields_config, n.design_config) = 0 then n end;
end
$$;
comment on function cardkeep_api.card_merged is 'A card with the changes of a request that was made from b; what the request leaves out (null) is as it is. All null where others changed the same fields since. Locks nothing.';

create function cardkeep_api.merge_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer, m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards := cardkeep_api.hold_card(p_user, p_card);
	b cardkeep.business_cards;
	n cardkeep.business_cards;
	a cardkeep_api.answer := cardkeep_api.card_merge_repeat(p_user, p_write, p_card, p_expected);
begin
	if a.status is not null then
		return a;
	elsif c.id is null then
		return cardkeep_api.card_not_held(p_user, p_card);
	end if;
	if c.version = p_expected then
		return cardkeep_api.update_card_core(p_user, p_session, p_write, p_card, array[p_expected], m);
	end if;
	b := cardkeep_api.card_base(c, p_expected, m);
	if b.id is null then
		return cardkeep_api.no_base(cardkeep_api.card_conflict(c, array[p_expected], m));
	end if;
	n := cardkeep_api.card_merged(c, b, m);
	if n.id is null then
		return cardkeep_api.card_conflict(c, array[p_expected], m);
	end if;
	-- What the request leaves out may be larger than documents may become now, and stays as it is.
	if m.fields_config is not null and cardkeep_api.document_fault(n.fields_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'fields_config');
	elsif m.design_config is not null and cardkeep_api.document_fault(n.design_config) is not null then
		return cardkeep_api.reply(422, c.version, p_detail => 'design_config');
	end if;
	return cardkeep_api.merged(cardkeep_api.update_card_core(p_user, p_session, p_write, p_card,
		array[c.version], cardkeep_api.content(n)), p_expected, c.version);
end
$$;
comment on function cardkeep_api.merge_card_core is 'Changes a card that is at the expected version as update_card_core does, and one that is at a later version where nobody changed the same fields since: 200 merged, or unchanged where nothing is left to change; 409 with both sides where somebody did, with a reason where the base is not known; 422 with the name of a document that would be too large; 200 replayed; 404; 423 where somebody holds the card. Tries the card''s row (no key update, skip locked), never waits; looks after it tried.';

create function cardkeep_api.merge_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).replayed then
		return cardkeep_api.card_merge_replay(p_card, w.user_id, p_expected[1], (w.told).version);
	elsif (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.merge_card_core(w.user_id, w.session_id, w.id, p_card, p_expected[1], m);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is not null then
		a := cardkeep_api.card_merge_repeat(w.user_id, w.id, p_card, p_expected[1]);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.merge_card is 'Changes one of the caller''s cards, merging where it has changed since the version expected, which is one: 200, 401, 404, 409, 422 for a key_reused or a document, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as merge_card_core; never waits.';

-- Profiles

create function cardkeep_api.hold_profile(p_kind text, p_user uuid) returns boolean
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		perform from cardkeep.personal_info p where p.user_id = p_user for no key update skip locked;
	else
		perform from cardkeep.professional_info p
		where p.user_id = p_user for no key update skip locked;
	end if;
	return found;
end
$$;
comment on function cardkeep_api.hold_profile is 'Whether the profile''s row is there and now ours, at whatever version. Tries the row (no key update, skip locked), never waits.';

create function cardkeep_api.profile_merge_replay(p_kind text, p_user uuid, p_expected integer,
	p_version integer)
returns cardkeep_api.answer
language sql volatile
return cardkeep_api.merged(cardkeep_api.profile_answered(p_kind, p_user, p_version), p_expected,
	p_version - 1);
comment on function cardkeep_api.profile_merge_replay is 'The first answer of a write that asked to be merged. Locks nothing.';

create function cardkeep_api.profile_merge_version(p_kind text, p_user uuid, p_expected integer,
	p_write uuid)
returns integer
language plpgsql stable
as $$
begin
	return (select h.version from cardkeep_api.profile_versions h
		where h.kind = p_kind and h.user_id = p_user and h.version > p_expected
			and h.version <= p_expected::bigint + cardkeep_api.reach() + 1
			and h.write_id = p_write);
end
$$;
comment on function cardkeep_api.profile_merge_version is 'As card_merge_version, for a profile. Locks nothing.';

create function cardkeep_api.profile_merge_repeat(p_kind text, p_user uuid, p_write uuid,
	p_expected integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer := cardkeep_api.profile_merge_version(p_kind, p_user, p_expected, p_write);
begin
	if v_version is null then
		return null;
	end if;
	return cardkeep_api.profile_merge_replay(p_kind, p_user, p_expected, v_version);
end
$$;
comment on function cardkeep_api.profile_merge_repeat is 'As card_merge_repeat, for a profile. Locks nothing.';

create function cardkeep_api.merge_first_profile(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	a := cardkeep_api.save_profile_core(p_kind, p_user, p_session, p_write, array[p_expected],
		p_patch);
	if a.status <> 409 then
		return a;
	elsif p_expected = 0 then
		return cardkeep_api.reply(423, a.version);
	end if;
	return cardkeep_api.no_base(a);
end
$$;
comment on function cardkeep_api.merge_first_profile is 'A write that asks to be merged into a profile that was not there a moment ago: as save_profile_core, but 423 where somebody wrote its first version meanwhile, with which it can be merged then. Locks as save_profile_core.';

create function cardkeep_api.merge_profile_core(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer, p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_held boolean := cardkeep_api.hold_profile(p_kind, p_user);
	v_patch jsonb := cardkeep_api.clear_empty(p_patch);
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
	a cardkeep_api.answer := cardkeep_api.profile_merge_repeat(p_kind, p_user, p_write, p_expected);
	v_base jsonb;
	v_merged jsonb;
begin
	if a.status is not null then
		return a;
	elsif p.version = 0 then
		return cardkeep_api.merge_first_profile(p_kind, p_user, p_session, p_write, p_expected,
			v_patch);
	elsif not v_held then
		return cardkeep_api.reply(423, p.version);
	elsif p.version = p_expected then
		return cardkeep_api.change_profile(p_kind, p_user, p_session, p_write, v_patch);
	end if;
	v_base := cardkeep_api.profile_base(p_kind, p_user, p.version, p_expected);
	if v_base is null then
		return cardkeep_api.no_base(cardkeep_api.profile_conflict(p_kind, p_user, p,
			array[p_expected], v_patch));
	end if;
	v_merged := cardkeep_api.merge_fields(v_base, v_base || v_patch, p.fields);
	if v_merged is null then
		return cardkeep_api.profile_conflict(p_kind, p_user, p, array[p_expected], v_patch);
	end if;
	return cardkeep_api.merged(cardkeep_api.change_profile(p_kind, p_user, p_session, p_write,
		v_merged), p_expected, p.version);
end
$$;
comment on function cardkeep_api.merge_profile_core is 'As merge_card_core, for a profile: 200, 201 for the first write, 409, 423. Tries the profile''s row (no key update, skip locked), or the advisory lock of the first profile; never waits; looks after it tried.';

create function cardkeep_api.merge_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).replayed then
		return cardkeep_api.profile_merge_replay(p_kind, w.user_id, p_expected[1], (w.told).version);
	elsif (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.merge_profile_core(p_kind, w.user_id, w.session_id, w.id, p_expected[1],
			p_patch);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is not null then
		a := cardkeep_api.profile_merge_repeat(p_kind, w.user_id, w.id, p_expected[1]);
	end if;
	return cardkeep_api.or_unknown(a);
end
$$;
comment on function cardkeep_api.merge_own_profile is 'Changes the caller''s profile, merging where it has changed since the version expected, which is one: 200, 201 for the first write, 401, 409, 422 key_reused, 423; the repeat of a write that was applied while the session lived is answered as the first was. Tries the key, then locks as merge_profile_core; never waits.';

commit;
