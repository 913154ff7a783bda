-- Deploy cardkeep:history_calls to pg
--
-- History as clients see it. A row holds what was before; what came after is the before of the next
-- row that changed the same field, or the entity. So a page is walked from its newest version down,
-- with every field's value after the version at hand in one document: only where a page begins
-- below the top must later rows be asked, and only for the fields that the page tells of.
--
-- The calls are stable: all their statements see one snapshot, so that what came after fits what
-- was before, whoever writes meanwhile.

begin;

set local role cardkeep_owner;

create type cardkeep_api.history_view as (
	version integer,
	changed text[],
	before jsonb,
	after jsonb,
	session_id uuid,
	at text
);
comment on type cardkeep_api.history_view is 'A version of a card or a profile as clients see it';

create function cardkeep_api.history_json(p_version integer, p_session uuid, p_at timestamptz,
	p_before jsonb, p_names text[], p_later jsonb[])
returns text
language plpgsql stable
as $$
declare
	v_changed text[] := array(select jsonb_object_keys(p_before) order by 1);
	v_after jsonb := coalesce((select jsonb_object_agg(k, p_later[array_position(p_names, k)])
		from unnest(v_changed) k), '{}');
begin
	return row_to_json(row(p_version, v_changed, p_before, v_after, p_session,
		cardkeep_api.stamp(p_at))::cardkeep_api.history_view);
end
$$;
comment on function cardkeep_api.history_json is 'A version as clients see it: the fields in p_before changed, to what p_later has in the places that p_names has them. Locks nothing.';

create function cardkeep_api.history_page(p_rows refcursor, p_later jsonb, p_limit integer)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	c_page_bytes constant integer := 1048576 - 1024;
	h record;
	e record;
	-- What came after the version at hand, each field's in a place of its own: in one document every
	-- version of a page would copy all of it, whatever it changed.
	v_names text[] := '{}';
	v_later jsonb[] := '{}';
	v_item text;
	v_items text[] := '{}';
	v_bytes integer := 0;
	v_last integer;
	v_next integer;
begin
	select array_agg(f.key), array_agg(f.value) into v_names, v_later from jsonb_each(p_later) f;
	loop
		fetch p_rows into h;
		exit when not found;
		v_item := cardkeep_api.history_json(h.version, h.session_id, h.at, h.before, v_names, v_later);
		v_bytes := v_bytes + octet_length(v_item) + 1;
		if cardinality(v_items) = p_limit or (v_bytes > c_page_bytes and v_last is not null) then
			v_next := v_last;
			exit;
		end if;
		v_items := v_items || v_item;
		for e in select f.key, f.value from jsonb_each(h.before) f loop
			if array_position(v_names, e.key) is null then
				v_names := v_names || e.key;
			end if;
			v_later[array_position(v_names, e.key)] := e.value;
		end loop;
		v_last := h.version;
	end loop;
	close p_rows;
	return cardkeep_api.reply(200, 0, format('{"history":[%s],"next":%s}',
		array_to_string(v_items, ','), coalesce(to_json(v_next::text)::text, 'null')), false,
		coalesce(v_next::text, ''));
end
$$;
comment on function cardkeep_api.history_page is 'The answer that holds a page: the versions that the cursor yields, newest first (it is closed then), at most p_limit of them and 1 MiB of JSON, but at least one; next, and detail, say where it ended when more follow. Rows are fetched one by one, so that the documents of a page that is full are never read. Locks nothing.';

create function cardkeep_api.card_later(c cardkeep.business_cards, p_newest integer,
	p_oldest integer)
returns jsonb
language plpgsql stable
as $$
declare
	v cardkeep.business_card_versions;
begin
	if p_newest = c.version then
		return cardkeep_api.card_content(c);
	end if;
	v := cardkeep_api.card_images_after(c.id, p_oldest, p_newest);
	v.version := p_newest + 1;
	return cardkeep_api.card_content(c) || cardkeep_api.card_version_before(v);
end
$$;
comment on function cardkeep_api.card_later is 'The values after version p_newest of the fields that p_oldest to p_newest changed (those of other fields mean nothing). Reads later versions up to the next change of each. Locks nothing.';

create function cardkeep_api.read_card_history(p_token_hash bytea, p_card uuid, p_limit integer,
	p_after integer)
returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	c cardkeep.business_cards;
	v_newest integer;
	v_rows refcursor;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	v_newest := (select max(h.version) from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version < coalesce(p_after, 2147483647));
	open v_rows for
		select h.version, h.session_id, h.at, cardkeep_api.card_version_before(h) as before
		from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version <= v_newest
		order by h.version desc
		limit p_limit + 1;
	return cardkeep_api.history_page(v_rows,
		cardkeep_api.card_later(c, v_newest, v_newest - p_limit), p_limit);
end
$$;
comment on function cardkeep_api.read_card_history is 'A page of the history of one of the caller''s cards below version p_after, as history_page: 200, 401, 404. Locks nothing.';

create function cardkeep_api.profile_later(p_kind text, p_user uuid, p_newest integer,
	p_oldest integer)
returns jsonb
language plpgsql stable
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
begin
	if p_newest = p.version then
		return p.fields;
	end if;
	return p.fields || cardkeep_api.profile_images(p_kind, p_user, p_newest, array(
		select distinct f.name
		from cardkeep_api.profile_versions h, jsonb_object_keys(h.before) f(name)
		where h.kind = p_kind and h.user_id = p_user and h.version between p_oldest and p_newest));
end
$$;
comment on function cardkeep_api.profile_later is 'As card_later, for a profile. Locks nothing.';

create function cardkeep_api.read_own_history(p_kind text, p_token_hash bytea, p_limit integer,
	p_after integer)
returns cardkeep_api.answer
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid;
	v_newest integer;
	v_rows refcursor;
begin
	select s.user_id into v_user from cardkeep_api.begin_read(p_token_hash) s;
	if not found then
		return cardkeep_api.reply(401);
	end if;
	v_newest := (select max(v.version) from cardkeep_api.profile_versions v
		where v.kind = p_kind and v.user_id = v_user
			and v.version < coalesce(p_after, 2147483647));
	open v_rows for
		select v.version, v.session_id, v.at, v.before from cardkeep_api.profile_versions v
		where v.kind = p_kind and v.user_id = v_user and v.version <= v_newest
		order by v.version desc
		limit p_limit + 1;
	return cardkeep_api.history_page(v_rows,
		cardkeep_api.profile_later(p_kind, v_user, v_newest, v_newest - p_limit), p_limit);
end
$$;
comment on function cardkeep_api.read_own_history is 'A page of the history of the caller''s profile below version p_after, as history_page; empty where it was never written: 200, 401. Locks nothing.';

commit;
