-- The way before, through the same service: what its calls would do without anything that makes them
-- safe. Look, then write; the last write wins; no versions, no history, no locks, no write ids. They
-- take the place of the real functions while such a case runs (World.begin).
create or replace function bench.naive_owner(p_token_hash bytea) returns uuid
language plpgsql stable
as $$
begin
	return (select s.user_id from cardkeep.sessions s
		where s.token_hash = p_token_hash and cardkeep_api.is_live(s));
end
$$;

create or replace function bench.naive_json(c bench.naive_cards, p_version integer) returns text
language sql stable
return row_to_json(row(c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config,
	c.design_config, c.is_public, p_version, cardkeep_api.stamp(c.created_at),
	cardkeep_api.stamp(c.updated_at))::cardkeep_api.card_view)::text;

create or replace function cardkeep_api.read_card(p_token_hash bytea, p_card uuid)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := bench.naive_owner(p_token_hash);
	c bench.naive_cards;
begin
	select b.* into c from bench.naive_cards b where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(200, 1, bench.naive_json(c, 1));
end
$$;

create or replace function cardkeep_api.create_card(p_token_hash bytea, p_write uuid, p_base text,
	m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := bench.naive_owner(p_token_hash);
	v_base text := cardkeep_api.slugify(coalesce(p_base, m.name));
	v_slug text := v_base;
	c bench.naive_cards;
begin
	-- The time is what many reach for.
	if exists (select from bench.naive_cards b where b.slug = v_slug) then
		v_slug := v_base || '-' || (extract(epoch from clock_timestamp()) * 1000)::bigint;
	end if;
	insert into bench.naive_cards (user_id, name, slug, template_type, fields_config, design_config,
		is_public)
	values (v_user, m.name, v_slug, coalesce(m.template_type, 'personal-small'),
		coalesce(m.fields_config, '{}'), coalesce(m.design_config, '{}'), coalesce(m.is_public, true))
	returning * into c;
	return cardkeep_api.reply(201, 1, bench.naive_json(c, 1));
end
$$;

create or replace function cardkeep_api.update_card(p_token_hash bytea, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := bench.naive_owner(p_token_hash);
	c bench.naive_cards;
begin
	select b.* into c from bench.naive_cards b where b.id = p_card and b.user_id = v_user;
	if not found then
		return cardkeep_api.reply(404);
	end if;
	update bench.naive_cards b
	set name = coalesce(m.name, c.name), template_type = coalesce(m.template_type, c.template_type),
		fields_config = coalesce(m.fields_config, c.fields_config),
		design_config = coalesce(m.design_config, c.design_config),
		is_public = coalesce(m.is_public, c.is_public), updated_at = clock_timestamp()
	where b.id = p_card
	returning * into c;
	return cardkeep_api.reply(200, p_expected[1] + 1, bench.naive_json(c, p_expected[1] + 1));
end
$$;

create or replace function cardkeep_api.save_own_profile(p_kind text, p_token_hash bytea, p_write uuid,
	p_expected integer[], p_patch jsonb, p_key uuid default null)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := bench.naive_owner(p_token_hash);
	p bench.naive_profiles;
begin
	if exists (select from bench.naive_profiles n where n.user_id = v_user) then
		update bench.naive_profiles n
		set full_name = coalesce(p_patch ->> 'full_name', n.full_name),
			primary_phone = coalesce(p_patch ->> 'primary_phone', n.primary_phone),
			updated_at = clock_timestamp()
		where n.user_id = v_user
		returning * into p;
	else
		insert into bench.naive_profiles (user_id, full_name, primary_phone)
		values (v_user, p_patch ->> 'full_name', p_patch ->> 'primary_phone')
		returning * into p;
	end if;
	return cardkeep_api.reply(200, p_expected[1] + 1, to_jsonb(p)::text);
end
$$;
