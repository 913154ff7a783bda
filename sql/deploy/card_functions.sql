-- Deploy cardkeep:card_functions to pg
--
-- The promised functions on cards. Their callers are people and their programs, who expect to wait
-- for a row that somebody holds: so the update waits first, and then goes through the core.

begin;

set local role cardkeep_owner;

create function cardkeep_api.clean_name(p_name text) returns text
language sql immutable parallel safe
return case
	-- Four characters become one at most, so a longer one is too long however it is put, and the
	-- table says so. To normalise takes time by the square of a run of marks: 800 take about 15 ms.
	when octet_length(p_name) > 3200 or char_length(p_name) > 800 then p_name
	else normalize(regexp_replace(p_name, '^\s+|\s+$', '', 'g')) end;
comment on function cardkeep_api.clean_name is 'A card''s name as it is kept: trimmed, NFC; what has more than 800 characters is left as it is, and is no name. Locks nothing.';

create function cardkeep_api.must_fit(p_fields jsonb, p_design jsonb) returns void
language plpgsql immutable parallel safe
as $$
declare
	v_fault text := coalesce(cardkeep_api.document_fault(p_fields),
		cardkeep_api.document_fault(p_design));
begin
	if v_fault is not null then
		raise exception '%', v_fault
			using errcode = 'check_violation', hint = 'Numbers are printed without exponents.';
	end if;
end
$$;
comment on function cardkeep_api.must_fit is 'Raises 23514 where one of the documents is too large, or has too many keys. Locks nothing.';

create function cardkeep_api.must_be_within(a cardkeep_api.answer) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
	if a.detail = 'quota' then
		raise exception '%', a.body using errcode = 'program_limit_exceeded';
	end if;
end
$$;
comment on function cardkeep_api.must_be_within is 'Raises 54000 where the answer is that the account is over a quota. Locks nothing.';

create function cardkeep.create_business_card_atomic(p_user_id uuid, p_name text,
	p_base_slug text default null, p_template_type text default null,
	p_fields_config jsonb default null, p_design_config jsonb default null)
returns table (id uuid, slug text, name text, created_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_name text := cardkeep_api.clean_name(p_name);
	a cardkeep_api.answer;
	v_id uuid := gen_random_uuid();
begin
	if p_user_id is null or coalesce(v_name, '') = '' then
		raise exception 'p_user_id and p_name must be given' using errcode = 'invalid_parameter_value';
	end if;
	perform cardkeep_api.must_fit(p_fields_config, p_design_config);
	perform cardkeep_api.must_be_open(p_user_id);
	a := cardkeep_api.create_card_core(p_user_id, null, v_id, p_base_slug,
		cardkeep_api.change_of(v_name, p_template_type, p_fields_config, p_design_config));
	perform cardkeep_api.must_be_within(a);
	if a.status <> 201 then
		raise exception 'no free slug for "%"', cardkeep_api.slugify(coalesce(p_base_slug, v_name))
			using errcode = 'unique_violation', hint = 'Call again, or with another base slug.';
	end if;
	return query select b.id, b.slug, b.name, b.created_at
	from cardkeep.business_cards b where b.id = v_id;
end
$$;
comment on function cardkeep.create_business_card_atomic is 'A new card at version 1 with a slug of its own, by default made from the name; null takes a field''s default. Raises 22023 without user or name, 23503 for an unknown or closed user, 23514 for what no card may hold, 23505 where ten slugs were taken. Tries the advisory locks of the slugs, never waits for another creation.';

create function cardkeep_api.card_update_told(a cardkeep_api.answer, out success boolean,
	out new_version integer, out message text)
language sql immutable parallel safe
return (a.status = 200, nullif(a.version, 0), case a.status when 200 then 'Card updated'
	when 404 then 'Card not found' else 'Version conflict' end);
comment on function cardkeep_api.card_update_told is 'What an update came to, as update_business_card_optimistic tells it. Locks nothing.';

create function cardkeep.update_business_card_optimistic(p_card_id uuid, p_user_id uuid,
	p_expected_version integer, p_name text default null, p_template_type text default null,
	p_fields_config jsonb default null, p_design_config jsonb default null,
	p_is_public boolean default null)
returns table (success boolean, new_version integer, message text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	a cardkeep_api.answer;
begin
	perform cardkeep_api.must_fit(p_fields_config, p_design_config);
	perform from cardkeep.business_cards b where b.id = p_card_id and b.user_id = p_user_id
	for no key update;
	-- A card of a closed account is no card.
	perform from cardkeep.users u where u.id = p_user_id and u.closed_at is not null;
	if found then
		return query select t.* from cardkeep_api.card_update_told(cardkeep_api.reply(404)) t;
		return;
	end if;
	a := cardkeep_api.update_card_core(p_user_id, null, gen_random_uuid(), p_card_id,
		array[p_expected_version], cardkeep_api.change_of(cardkeep_api.clean_name(p_name),
			p_template_type, p_fields_config, p_design_config, p_is_public));
	perform cardkeep_api.must_be_within(a);
	return query select t.* from cardkeep_api.card_update_told(a) t;
end
$$;
comment on function cardkeep.update_business_card_optimistic is 'Changes a card of the user''s that is at the expected version; null keeps a field. One row: success true, ''Card updated'' and the version it is at now (the same where nothing changed); success false, ''Version conflict'' and the current version; success false, ''Card not found'' and null where the user has no such card. Raises 23514 for what no card may hold. Waits for the card''s row (no key update).';

commit;
