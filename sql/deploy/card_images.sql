-- Deploy cardkeep:card_images to pg
--
-- What a card was at a version is rebuilt from what was before the later changes: a field's value
-- then is the oldest image of it after that version, or what the card holds now. Each field asks
-- for its own oldest image, so that large documents are never gathered up.

begin;

set local role cardkeep_owner;

-- What a client sees, in the order in which it sees it. A row becomes JSON without blanks.
create type cardkeep_api.card_view as (
	id uuid,
	user_id uuid,
	name text,
	slug text,
	template_type text,
	fields_config jsonb,
	design_config jsonb,
	is_public boolean,
	version integer,
	created_at text,
	updated_at text
);
comment on type cardkeep_api.card_view is 'A card as clients see it';

create function cardkeep_api.card_json(c cardkeep.business_cards) returns text
language sql stable parallel safe
return row_to_json(row(c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config,
	c.design_config, c.is_public, c.version, cardkeep_api.stamp(c.created_at),
	cardkeep_api.stamp(c.updated_at))::cardkeep_api.card_view)::text;
comment on function cardkeep_api.card_json is 'A card as clients see it. Locks nothing.';

create function cardkeep_api.card_before(p_card uuid, p_version integer,
	p_name boolean default true, p_slug boolean default true, p_template boolean default true,
	p_fields boolean default true, p_design boolean default true, p_public boolean default true)
returns cardkeep.business_card_versions
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v cardkeep.business_card_versions;
begin
	-- One statement for each: a single one would set up all its scans, wanted or not.
	if p_name then
		v.b_name := (select h.b_name from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_name is not null
			order by h.version limit 1);
	end if;
	if p_slug then
		v.b_slug := (select h.b_slug from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_slug is not null
			order by h.version limit 1);
	end if;
	if p_template then
		v.b_template_type := (select h.b_template_type from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_template_type is not null
			order by h.version limit 1);
	end if;
	if p_fields then
		v.b_fields_config := (select h.b_fields_config from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_fields_config is not null
			order by h.version limit 1);
	end if;
	if p_design then
		v.b_design_config := (select h.b_design_config from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_design_config is not null
			order by h.version limit 1);
	end if;
	if p_public then
		v.b_is_public := (select h.b_is_public from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version > p_version and h.b_is_public is not null
			order by h.version limit 1);
	end if;
	return v;
end
$$;
comment on function cardkeep_api.card_before is 'The oldest image of each wanted field after a version; null for a field that nobody changed since. Reads all later versions where a field never changed, so callers bound how far back they ask. Locks nothing.';

create function cardkeep_api.card_at(p_card uuid, p_version integer)
returns cardkeep.business_cards
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep.business_cards;
	v cardkeep.business_card_versions := cardkeep_api.card_before(p_card, p_version);
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card;
	if not found then
		c.id := p_card;
		c.user_id := (select r.user_id from cardkeep.retired_slugs r where r.card_id = p_card);
		c.created_at := (select h.at from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version = 1);
	end if;
	c.name := coalesce(v.b_name, c.name);
	c.slug := coalesce(v.b_slug, c.slug);
	c.template_type := coalesce(v.b_template_type, c.template_type);
	c.fields_config := coalesce(v.b_fields_config, c.fields_config);
	c.design_config := coalesce(v.b_design_config, c.design_config);
	c.is_public := coalesce(v.b_is_public, c.is_public);
	c.version := p_version;
	c.updated_at := (select h.at from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version = p_version);
	return c;
end
$$;
comment on function cardkeep_api.card_at is 'A card as it was at a version that history holds, also after its deletion. Locks nothing.';

create function cardkeep_api.card_replay(p_card uuid, p_user uuid, p_version integer,
	p_status integer)
returns cardkeep_api.answer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep.business_cards := cardkeep_api.card_at(p_card, p_version);
begin
	if c.user_id is distinct from p_user then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply(p_status, p_version, cardkeep_api.card_json(c), true);
end
$$;
comment on function cardkeep_api.card_replay is 'The first answer of a write that was applied before: the card as of the version it made. Locks nothing.';

create function cardkeep_api.card_image(p_name text, p_template text, p_fields jsonb,
	p_design jsonb, p_public boolean)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return jsonb_strip_nulls(jsonb_build_object('name', p_name, 'template_type', p_template,
			'is_public', p_public))
		|| cardkeep_api.flat('fields_config', p_fields)
		|| cardkeep_api.flat('design_config', p_design);
end
$$;
comment on function cardkeep_api.card_image is 'A card, or a request that leaves out some of it, as one flat document. Locks nothing.';

create function cardkeep_api.card_base(c cardkeep.business_cards, p_version integer) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	c_reach constant integer := 1000;
	v cardkeep.business_card_versions;
begin
	if p_version is null or p_version not between greatest(c.version - c_reach, 1) and c.version
		or c.version - p_version <> (select count(*) from cardkeep.business_card_versions h
			where h.card_id = c.id and h.version > p_version and h.version <= c.version)
	then
		return null;
	end if;
	v := cardkeep_api.card_before(c.id, p_version, c.name is not null, false,
		c.template_type is not null, c.fields_config is not null, c.design_config is not null,
		c.is_public is not null);
	return cardkeep_api.card_image(coalesce(v.b_name, c.name),
		coalesce(v.b_template_type, c.template_type),
		coalesce(v.b_fields_config, c.fields_config),
		coalesce(v.b_design_config, c.design_config), coalesce(v.b_is_public, c.is_public));
end
$$;
comment on function cardkeep_api.card_base is 'The flat image of a card at an older version, without the fields that c comes without; null where history does not reach: a version that never was, more than 1,000 versions back, or rows that are missing. Locks nothing.';

create function cardkeep_api.card_conflict(c cardkeep.business_cards, p_expected integer[],
	p_name text default null, p_template text default null, p_fields jsonb default null,
	p_design jsonb default null, p_public boolean default null)
returns cardkeep_api.answer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_mine jsonb := cardkeep_api.card_image(p_name, p_template, p_fields, p_design, p_public);
	v_now cardkeep.business_cards := c;
	v_theirs jsonb;
	v_base jsonb;
	v_names text[];
	v_conflicts text := '[]';
begin
	if num_nonnulls(p_name, p_template, p_fields, p_design, p_public) > 0 then
		-- What the request leaves out is in no conflict, and is not looked at.
		v_now.name := case when p_name is not null then c.name end;
		v_now.template_type := case when p_template is not null then c.template_type end;
		v_now.fields_config := case when p_fields is not null then c.fields_config end;
		v_now.design_config := case when p_design is not null then c.design_config end;
		v_now.is_public := case when p_public is not null then c.is_public end;
		v_theirs := cardkeep_api.card_image(v_now.name, v_now.template_type, v_now.fields_config,
			v_now.design_config, v_now.is_public);
		v_base := cardkeep_api.card_base(v_now, (select max(e) from unnest(p_expected) e));
		-- A document is replaced as a whole: keys that the request leaves out are part of it.
		v_names := array(
			select k from jsonb_object_keys(v_mine) k
			union
			select k from jsonb_object_keys(coalesce(v_base, v_theirs)) k);
		v_conflicts := cardkeep_api.conflicts(v_names, v_base, v_mine, v_theirs);
	end if;
	return cardkeep_api.conflict(c.version, cardkeep_api.card_json(c), v_conflicts);
end
$$;
comment on function cardkeep_api.card_conflict is 'The refusal of a write that expected an older version: the card now, and the fields of the request that others changed since the newest version it expected. Locks nothing.';

commit;
