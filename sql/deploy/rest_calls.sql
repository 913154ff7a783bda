-- Deploy cardkeep:rest_calls to pg
--
-- The promised functions as a REST client calls them: with a token, under a write id, and without
-- ever waiting, so they go through the calls of the service and tell their answers in the rows of the
-- promised functions.
--
-- Clients of this face read SQL's own errors, and ask that nothing be applied where the rows are not
-- those they wanted, which is known only when there are rows. So this is the one place with an
-- exception block: what the client did wrong takes its own changes back, and is answered as a row; the
-- other calls of the wave are none the wiser. Everything else is raised further, and sorted by the
-- service like any error.

begin;

set local role cardkeep_owner;

create function cardkeep_api.rest_foreign(c cardkeep_api.caller, p_args jsonb, p_user uuid)
returns boolean
language sql immutable parallel safe
return c.live and p_args ? 'p_user_id' and c.user_id is distinct from p_user;
comment on function cardkeep_api.rest_foreign is 'Whether a live session names a p_user_id that is not its own user; false where it names none. Locks nothing.';

create function cardkeep_api.rest_row(p_source text, p_row text, p_view jsonb) returns text
language plpgsql volatile
as $$
begin
	return coalesce(cardkeep_api.rest_whole(p_row, p_view),
		cardkeep_api.rest_page(p_source, null, p_row, p_view));
end
$$;
comment on function cardkeep_api.rest_row is 'What a function returned, as the view asks for it. Raises what rest_page does. Locks nothing.';

create function cardkeep_api.rest_create(c cardkeep_api.caller, p_token_hash bytea, p_write uuid,
	p_args jsonb, p_view jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
set timezone = 'UTC'
as $$
declare
	r record;
	a cardkeep_api.answer;
begin
	select j.* into r from jsonb_to_record(p_args) j(p_user_id uuid, p_name text, slug text,
		p_template_type text, p_fields_config jsonb, p_design_config jsonb);
	if cardkeep_api.rest_foreign(c, p_args, r.p_user_id) then
		return cardkeep_api.reply(403);
	end if;
	if coalesce(r.p_name, '') = '' then
		raise exception 'p_name must be given' using errcode = 'invalid_parameter_value';
	end if;
	perform cardkeep_api.must_fit(r.p_fields_config, r.p_design_config);
	a := cardkeep_api.create_card(p_token_hash, p_write, r.slug, cardkeep_api.change_of(r.p_name,
		r.p_template_type, r.p_fields_config, r.p_design_config), p_key);
	if a.status = 500 then
		raise exception 'no free slug for "%"', cardkeep_api.slugify(coalesce(r.slug, r.p_name))
			using errcode = 'unique_violation', hint = 'Call again, or with another base slug.';
	end if;
	if a.status = 201 then
		a.body := cardkeep_api.rest_row('create_business_card_atomic', (select row_to_json(j)::text
			from json_to_record(a.body::json) j(id uuid, slug text, name text, created_at timestamptz)),
			p_view);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.rest_create is 'create_business_card_atomic for a REST client, whose arguments hold, as slug, what the service made of the base or the name: as create_card, with the row in the body; 403. Raises what the promised function raises, and what rest_page does. Locks as create_card.';

create function cardkeep_api.rest_update(c cardkeep_api.caller, p_token_hash bytea, p_write uuid,
	p_args jsonb, p_view jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	r record;
	a cardkeep_api.answer;
begin
	select j.* into r from jsonb_to_record(p_args) j(p_card_id uuid, p_user_id uuid,
		p_expected_version integer, p_name text, p_template_type text, p_fields_config jsonb,
		p_design_config jsonb, p_is_public boolean);
	if cardkeep_api.rest_foreign(c, p_args, r.p_user_id) then
		return cardkeep_api.reply(403);
	end if;
	perform cardkeep_api.must_fit(r.p_fields_config, r.p_design_config);
	a := cardkeep_api.update_card(p_token_hash, p_write, r.p_card_id, array[r.p_expected_version],
		cardkeep_api.change_of(r.p_name, r.p_template_type, r.p_fields_config, r.p_design_config,
			r.p_is_public), p_key);
	if a.status in (200, 404, 409) then
		a.body := cardkeep_api.rest_row('update_business_card_optimistic',
			(select row_to_json(t)::text from cardkeep_api.card_update_told(a) t), p_view);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.rest_update is 'update_business_card_optimistic for a REST client: as update_card, with the row in the body; 403. Raises what the promised function raises, and what rest_page does. Locks as update_card.';

create function cardkeep_api.rest_save(c cardkeep_api.caller, p_kind text, p_token_hash bytea,
	p_write uuid, p_args jsonb, p_view jsonb, p_key uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	r record;
	a cardkeep_api.answer;
begin
	select j.* into r from jsonb_to_record(p_args) j(p_user_id uuid, p_expected_version integer,
		patch jsonb);
	if cardkeep_api.rest_foreign(c, p_args, r.p_user_id) then
		return cardkeep_api.reply(403);
	end if;
	a := cardkeep_api.save_own_profile(p_kind, p_token_hash, p_write,
		array[coalesce(r.p_expected_version, 0)], r.patch, p_key);
	if a.status in (200, 201, 409) then
		a.body := cardkeep_api.rest_row('upsert_profile',
			(select row_to_json(t)::text from cardkeep_api.profile_upsert_told(a) t), p_view);
	end if;
	return a;
end
$$;
comment on function cardkeep_api.rest_save is 'Either profile''s upsert for a REST client, whose arguments hold, as patch, the fields that are not null: as save_own_profile, with the row in the body; 403. Raises what rest_page does. Locks as save_own_profile.';

create function cardkeep_api.rest_slug(c cardkeep_api.caller, p_args jsonb, p_view jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	r record;
begin
	if not c.live then
		return cardkeep_api.reply(401);
	end if;
	select j.* into r from jsonb_to_record(p_args) j(slug text, max_attempts integer);
	return cardkeep_api.reply(200, 0,
		E'0 1 ' || case when (p_view -> 'count')::boolean then '1' else '*' end || E'\n'
		|| to_json(cardkeep.generate_unique_slug(r.slug,
			case when p_args ? 'max_attempts' then r.max_attempts else 10 end)));
end
$$;
comment on function cardkeep_api.rest_slug is 'generate_unique_slug for a REST client: a suggestion, since its reservation ends with the wave. 200, 401. Raises and locks as the promised function.';

create function cardkeep_api.rest_rows(c cardkeep_api.caller, p_source text, p_view jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if not c.live then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(200, 0, cardkeep_api.rest_page(p_source, c.user_id, null, p_view));
end
$$;
comment on function cardkeep_api.rest_rows is 'The caller''s own rows of one of the three tables: 200, 401. Raises what rest_page does. Locks nothing.';

create function cardkeep_api.rest_refused(c cardkeep_api.caller, p_code text, p_message text,
	p_detail text, p_hint text)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	v_code text := case p_code when 'PT406' then 'PGRST116' when 'PT416' then 'PGRST103' else p_code end;
begin
	-- An account that was deleted meanwhile has no session either.
	if p_code = '23503' or not c.live then
		return cardkeep_api.reply(401);
	end if;
	return cardkeep_api.reply(422, 0, (select row_to_json(r)::text from (select v_code as code,
		p_message as message, nullif(p_detail, '') as details, nullif(p_hint, '') as hint) r), false,
		v_code);
end
$$;
comment on function cardkeep_api.rest_refused is 'What was raised, as a REST client reads it: 422 with its code as the detail; 401 first. Locks nothing.';

create function cardkeep_api.rest_run(p_call text, p_token_hash bytea, p_write uuid, p_args jsonb,
	p_view jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep_api.caller;
	v_code text;
	v_message text;
	v_detail text;
	v_hint text;
begin
	select b.* into c from cardkeep_api.begin_call(p_token_hash) b;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	-- Before any of them becomes a text, as arrays do too where a text is wanted.
	if not cardkeep_api.document_fits(p_args) then
		raise exception 'the arguments of a call take at most 512 KiB when they are printed'
			using errcode = 'invalid_parameter_value', hint = 'Numbers are printed without exponents.';
	end if;
	case p_call
	when 'create' then
		return cardkeep_api.rest_create(c, p_token_hash, p_write, p_args, p_view, p_key);
	when 'update' then
		return cardkeep_api.rest_update(c, p_token_hash, p_write, p_args, p_view, p_key);
	when 'slug' then
		return cardkeep_api.rest_slug(c, p_args, p_view);
	when 'personal_info', 'professional_info' then
		return cardkeep_api.rest_save(c, p_call, p_token_hash, p_write, p_args, p_view, p_key);
	when 'rows' then
		return cardkeep_api.rest_rows(c, p_args ->> 'source', p_view);
	end case;
exception when data_exception or integrity_constraint_violation or undefined_column
	or datatype_mismatch or sqlstate 'PT406' or sqlstate 'PT416' then
	get stacked diagnostics v_code = returned_sqlstate, v_message = message_text,
		v_detail = pg_exception_detail, v_hint = pg_exception_hint;
	return cardkeep_api.rest_refused(c, v_code, v_message, v_detail, v_hint);
end
$$;
comment on function cardkeep_api.rest_run is 'Runs a call of the REST face (create, update, slug, rows, or the kind of the profile to save) in a subtransaction: 200, 201, 401, 403, 404, 409, 422, 423, writes with the row that tells of them; a repeat is answered as the first was; what its client did wrong (classes 22 and 23, 42703, 42804, a number of rows that it does not want, a page behind the last row) takes it back, and is the answer. Locks as the call, never waits; what it locked is free again where it was taken back.';

commit;
