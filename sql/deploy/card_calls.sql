-- Deploy cardkeep:card_calls to pg
--
-- What the service calls: the beginning that all calls have (see beginnings), then the core. p_write is
-- the id of the request; with p_key it is the hash of all that the key is bound to (see writes).

begin;

set local role cardkeep_owner;

create function cardkeep_api.check_card(p_token_hash bytea, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	v_version integer;
	v_slug text;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select b.version, b.slug into v_version, v_slug from cardkeep.business_cards b
	where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, v_version, p_detail => v_slug);
end
$$;
comment on function cardkeep_api.check_card is '200 where the caller has this card, with its slug as the detail; 401, 404. Locks nothing.';

create function cardkeep_api.read_card(p_token_hash bytea, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	c cardkeep.business_cards;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, c.version, cardkeep_api.card_json(c));
end
$$;
comment on function cardkeep_api.read_card is 'One of the caller''s cards: 200, 401, 404. Locks nothing.';

create function cardkeep_api.card_cursor(c cardkeep.business_cards) returns text
language sql stable parallel safe
return (extract(epoch from c.created_at) * 1000000)::bigint::text || '-' || c.id::text;
comment on function cardkeep_api.card_cursor is 'Where a page ended: the card''s time of creation in microseconds, and its id. Locks nothing.';

create function cardkeep_api.list_cards(p_token_hash bytea, p_limit integer, p_after_us bigint,
	p_after_id uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	c_page_bytes constant integer := 1048576 - 1024;
	v_user uuid;
	v_after timestamptz;
	c cardkeep.business_cards;
	v_item text;
	v_items text[] := '{}';
	v_bytes integer := 0;
	v_cursor text;
	v_last text := '';
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	-- In two parts, as an interval is multiplied by a double, which has no room for so many digits.
	v_after := coalesce('epoch'::timestamptz + p_after_us / 1000000 * interval '1 second'
		+ p_after_us % 1000000 * interval '1 microsecond', 'infinity');
	for c in
		select b.* from cardkeep.business_cards b
		where b.user_id = v_user and (b.created_at, b.id)
			< (v_after, coalesce(p_after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
		order by b.created_at desc, b.id desc
		limit p_limit + 1
	loop
		v_item := cardkeep_api.card_json(c);
		v_bytes := v_bytes + octet_length(v_item) + 1;
		if cardinality(v_items) = p_limit or (v_bytes > c_page_bytes and v_last <> '') then
			v_cursor := v_last;
			exit;
		end if;
		v_items := v_items || v_item;
		v_last := cardkeep_api.card_cursor(c);
	end loop;
	return cardkeep_api.reply(200, 0, '{"cards":[' || array_to_string(v_items, ',')
		|| '],"next":' || coalesce(to_json(v_cursor)::text, 'null') || '}', false, coalesce(v_cursor, ''));
end
$$;
comment on function cardkeep_api.list_cards is 'A page of the caller''s cards, newest first: at most p_limit of them and 1 MiB of JSON, but at least one; next, and detail, say where it ended when more follow. 200, 401. Locks nothing.';

create function cardkeep_api.create_card(p_token_hash bytea, p_write uuid, p_base text,
	m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key) b;
	if (w.told).replayed then
		return cardkeep_api.created_before(w.id, w.user_id);
	elsif (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.create_card_core(w.user_id, w.session_id, w.id, p_base, m);
		return cardkeep_api.end_write(w, a);
	elsif w.session_id is null then
		return cardkeep_api.reply(401);
	end if;
	perform from cardkeep.business_card_versions h
	where h.card_id = w.id and h.version = 1 and h.session_id = w.session_id;
	if found then
		return cardkeep_api.created_before(w.id, w.user_id);
	end if;
	return cardkeep_api.reply(401);
end
$$;
comment on function cardkeep_api.create_card is 'A new card of the caller''s: 201, 401, 409 id_taken, 422 key_reused, 423, 500 slug_exhausted; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as create_card_core; never waits.';

create function cardkeep_api.card_told(w cardkeep_api.write, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if (w.told).replayed then
		return cardkeep_api.card_replay(p_card, w.user_id, (w.told).version, (w.told).status);
	end if;
	return w.told;
end
$$;
comment on function cardkeep_api.card_told is 'What a write that changes a card is told from its key: its first answer, with the card as of then, or the refusal. Locks nothing.';

create function cardkeep_api.card_repeat(w cardkeep_api.write, p_card uuid, p_expected integer[],
	p_deletion boolean default false)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
begin
	if w.session_id is not null then
		v_version := cardkeep_api.card_write_version(p_card, p_expected, w.id, p_deletion);
	end if;
	if v_version is null then
		return cardkeep_api.reply(401);
	elsif p_deletion then
		return cardkeep_api.reply_kept(204, v_version);
	end if;
	return cardkeep_api.card_replay(p_card, w.user_id, v_version, 200);
end
$$;
comment on function cardkeep_api.card_repeat is 'What a write that changes or deletes a card comes to by a session that is over, or by none: its first answer where it was applied while the session lived, else 401. Locks nothing.';

create function cardkeep_api.update_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_key uuid default null)
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
		a := cardkeep_api.update_card_core(w.user_id, w.session_id, w.id, p_card, p_expected, m);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.card_repeat(w, p_card, p_expected);
end
$$;
comment on function cardkeep_api.update_card is 'Changes one of the caller''s cards: 200, 401, 404, 409, 422 key_reused, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as update_card_core; never waits.';

create function cardkeep_api.delete_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	w cardkeep_api.write;
	a cardkeep_api.answer;
begin
	select b.* into w from cardkeep_api.begin_write(p_token_hash, p_write, p_key, p_card) b;
	if (w.told).status is not null then
		return w.told;
	elsif w.live then
		a := cardkeep_api.delete_card_core(w.user_id, w.session_id, w.id, p_card, p_expected);
		return cardkeep_api.end_write(w, a);
	end if;
	return cardkeep_api.card_repeat(w, p_card, p_expected, true);
end
$$;
comment on function cardkeep_api.delete_card is 'Deletes one of the caller''s cards: 204, 401, 404, 409, 422 key_reused, 423; a repeat is answered as the first was, without a key also after the session ended. Tries the key, then locks as delete_card_core; never waits.';

commit;
