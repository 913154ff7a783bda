-- Deploy cardkeep:card_images to pg
--
-- What a card's own fields are. What a request makes of them travels as one value, a card_change, and
-- what they were as a row of history; what either does to each field is said here for all that changes,
-- keeps and tells cards. Besides, the tables name the fields, the set-wise forms (card_sets), and what is
-- promised by name: functions, the rows of REST clients, the views in the place of older tables.
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

create type cardkeep_api.card_change as (
	name text,
	template_type text,
	fields_config jsonb,
	design_config jsonb,
	is_public boolean
);
comment on type cardkeep_api.card_change is 'What a request makes of a card''s own fields: what it leaves out is null, and stays';

create function cardkeep_api.change_of(p_name text default null, p_template text default null,
	p_fields jsonb default null, p_design jsonb default null, p_public boolean default null)
returns cardkeep_api.card_change
language sql immutable parallel safe
return row(p_name, p_template, p_fields, p_design, p_public)::cardkeep_api.card_change;
comment on function cardkeep_api.change_of is 'A change of the fields that are given. Locks nothing.';

create function cardkeep_api.content(c cardkeep.business_cards) returns cardkeep_api.card_change
language sql immutable parallel safe
return row(c.name, c.template_type, c.fields_config, c.design_config, c.is_public);
comment on function cardkeep_api.content is 'The request that would make a card what this one is. Locks nothing.';

create function cardkeep_api.card_json(c cardkeep.business_cards) returns text
language sql stable parallel safe
return row_to_json(row(c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config,
	c.design_config, c.is_public, c.version, cardkeep_api.stamp(c.created_at),
	cardkeep_api.stamp(c.updated_at))::cardkeep_api.card_view)::text;
comment on function cardkeep_api.card_json is 'A card as clients see it. Locks nothing.';

create function cardkeep_api.written_alike(p_document jsonb, p_other jsonb) returns boolean
language sql immutable parallel safe
return p_document = p_other and p_document::text = p_other::text;
comment on function cardkeep_api.written_alike is 'Whether two documents are the same to the digit: 1.5 equals 1.50, and is written otherwise. Prints nothing where they differ by value. Locks nothing.';

create function cardkeep_api.image(p_before jsonb, p_after jsonb) returns jsonb
language sql immutable parallel safe
return case when not cardkeep_api.written_alike(p_before, p_after) then p_before end;
comment on function cardkeep_api.image is 'What history keeps of a document that a change may have changed: what was before, null where it stayed as it was written. Locks nothing.';

create function cardkeep_api.card_same(c cardkeep.business_cards, m cardkeep_api.card_change)
returns boolean
language sql immutable parallel safe
return coalesce(c.name = m.name, true) and coalesce(c.template_type = m.template_type, true)
	and coalesce(c.is_public = m.is_public, true)
	and coalesce(cardkeep_api.written_alike(c.fields_config, m.fields_config), true)
	and coalesce(cardkeep_api.written_alike(c.design_config, m.design_config), true);
comment on function cardkeep_api.card_same is 'Whether a request would change nothing, no digit of a number either. Locks nothing.';

create function cardkeep_api.new_card(p_user uuid, p_write uuid, p_slug text,
	m cardkeep_api.card_change, p_now timestamptz)
returns cardkeep.business_cards
language sql immutable parallel safe
return row(p_write, p_user, m.name, p_slug, coalesce(m.template_type, 'personal-small'),
	coalesce(m.fields_config, '{}'), coalesce(m.design_config, '{}'), coalesce(m.is_public, true), 1,
	p_write, p_now, p_now)::cardkeep.business_cards;
comment on function cardkeep_api.new_card is 'The card that a creation makes; what its request leaves out has its default. Locks nothing.';

create function cardkeep_api.change_card(p_card uuid, p_write uuid, m cardkeep_api.card_change)
returns cardkeep.business_cards
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
begin
	update cardkeep.business_cards b
	set name = coalesce(m.name, b.name), template_type = coalesce(m.template_type, b.template_type),
		fields_config = coalesce(m.fields_config, b.fields_config),
		design_config = coalesce(m.design_config, b.design_config),
		is_public = coalesce(m.is_public, b.is_public), version = b.version + 1, last_write = p_write,
		updated_at = greatest(clock_timestamp(), b.updated_at)
	where b.id = p_card
	returning b.* into c;
	return c;
end
$$;
comment on function cardkeep_api.change_card is 'The next version of a card; what the request leaves out (null) stays. The caller has locked the card''s row, and writes its history.';

create function cardkeep_api.card_image(o cardkeep.business_cards, n cardkeep.business_cards,
	m cardkeep_api.card_change, p_session uuid)
returns cardkeep.business_card_versions
language sql immutable parallel safe
return row(n.id, n.version, p_session, n.last_write, n.updated_at, false, nullif(o.name, n.name),
	nullif(o.slug, n.slug), nullif(o.template_type, n.template_type),
	case when m.fields_config is not null then cardkeep_api.image(o.fields_config, m.fields_config) end,
	case when m.design_config is not null then cardkeep_api.image(o.design_config, m.design_config) end,
	nullif(o.is_public, n.is_public))::cardkeep.business_card_versions;
comment on function cardkeep_api.card_image is 'The row of history of a change that made n of o; of documents that its request left out (null) nothing is looked at. Locks nothing.';

create function cardkeep_api.last_image(c cardkeep.business_cards, p_session uuid, p_write uuid)
returns cardkeep.business_card_versions
language sql volatile
return row(c.id, c.version + 1, p_session, p_write, greatest(clock_timestamp(), c.updated_at), true,
	c.name, c.slug, c.template_type, c.fields_config, c.design_config,
	c.is_public)::cardkeep.business_card_versions;
comment on function cardkeep_api.last_image is 'The row of history of a card''s deletion, which holds all of it. Locks nothing.';

create function cardkeep_api.card_before(p_card uuid, p_version integer,
	p_name boolean default true, p_slug boolean default true, p_template boolean default true,
	p_fields boolean default true, p_design boolean default true, p_public boolean default true)
returns cardkeep.business_card_versions
language plpgsql stable
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

create function cardkeep_api.card_with(c cardkeep.business_cards,
	v cardkeep.business_card_versions)
returns cardkeep.business_cards
language plpgsql immutable parallel safe
as $$
begin
	c.name := coalesce(v.b_name, c.name);
	c.slug := coalesce(v.b_slug, c.slug);
	c.template_type := coalesce(v.b_template_type, c.template_type);
	c.fields_config := coalesce(v.b_fields_config, c.fields_config);
	c.design_config := coalesce(v.b_design_config, c.design_config);
	c.is_public := coalesce(v.b_is_public, c.is_public);
	return c;
end
$$;
comment on function cardkeep_api.card_with is 'A card with the images of an earlier version in it. Locks nothing.';

create function cardkeep_api.card_at(p_card uuid, p_version integer)
returns cardkeep.business_cards
language plpgsql stable
as $$
declare
	c cardkeep.business_cards;
	v cardkeep.business_card_versions := cardkeep_api.card_before(p_card, p_version);
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card;
	if not found then
		c.id := p_card;
		c.user_id := (select r.user_id from cardkeep.retired_slugs r where r.card_id = p_card);
		c.created_at := coalesce((select p.began_at from cardkeep.pruned_histories p
			where p.kind = 'business_cards' and p.id = p_card),
			(select h.at from cardkeep.business_card_versions h
			where h.card_id = p_card order by h.version limit 1));
	end if;
	c := cardkeep_api.card_with(c, v);
	c.version := p_version;
	c.updated_at := (select h.at from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version = p_version);
	return c;
end
$$;
comment on function cardkeep_api.card_at is 'A card as it was at a version that history holds, also after its deletion. Locks nothing.';

create function cardkeep_api.card_content(c cardkeep.business_cards) returns jsonb
language sql immutable parallel safe
return jsonb_build_object('name', c.name, 'slug', c.slug, 'template_type', c.template_type,
	'fields_config', c.fields_config, 'design_config', c.design_config, 'is_public', c.is_public);
comment on function cardkeep_api.card_content is 'The fields of a card that history knows, as one document. Locks nothing.';

create function cardkeep_api.card_version_before(h cardkeep.business_card_versions) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	return coalesce((select jsonb_object_agg(f.name, f.value)
		from (values ('name', to_jsonb(h.b_name)), ('slug', to_jsonb(h.b_slug)),
			('template_type', to_jsonb(h.b_template_type)), ('fields_config', h.b_fields_config),
			('design_config', h.b_design_config), ('is_public', to_jsonb(h.b_is_public)))
			f(name, value)
		where f.value is not null or h.version = 1), '{}');
end
$$;
comment on function cardkeep_api.card_version_before is 'What the fields that a version changed were before; version 1 made them all, from null. Locks nothing.';

create function cardkeep_api.card_images_after(p_card uuid, p_oldest integer, p_newest integer)
returns cardkeep.business_card_versions
language plpgsql stable
as $$
declare
	v cardkeep.business_card_versions;
begin
	select b.* into v
	from (
		select bool_or(h.b_name is not null or h.version = 1) as name,
			bool_or(h.b_slug is not null or h.version = 1) as slug,
			bool_or(h.b_template_type is not null or h.version = 1) as template,
			bool_or(h.b_fields_config is not null or h.version = 1) as fields,
			bool_or(h.b_design_config is not null or h.version = 1) as design,
			bool_or(h.b_is_public is not null or h.version = 1) as public
		from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version between p_oldest and p_newest) w
	cross join lateral cardkeep_api.card_before(p_card, p_newest, w.name, w.slug, w.template,
		w.fields, w.design, w.public) b;
	return v;
end
$$;
comment on function cardkeep_api.card_images_after is 'The oldest image after p_newest of each field that p_oldest to p_newest changed. Reads later versions up to the next change of each. Locks nothing.';

create function cardkeep_api.card_replay(p_card uuid, p_user uuid, p_version integer,
	p_status integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards := cardkeep_api.card_at(p_card, p_version);
begin
	if c.user_id is distinct from p_user then
		return cardkeep_api.reply(404);
	end if;
	return cardkeep_api.reply_kept(p_status, p_version, cardkeep_api.card_json(c));
end
$$;
comment on function cardkeep_api.card_replay is 'The first answer of a write that was applied before: the card as of the version it made. Locks nothing.';

create function cardkeep_api.card_kept(p_card uuid, p_now integer, p_version integer)
returns boolean
language plpgsql stable
as $$
begin
	return p_now - p_version + 1 = (select count(*) from cardkeep.business_card_versions h
		where h.card_id = p_card and h.version between p_version and p_now);
end
$$;
comment on function cardkeep_api.card_kept is 'Whether history holds every version from p_version to p_now. Without the row of p_version itself nobody knows that it ever was: a card from before Cardkeep begins where others had counted to. Locks nothing.';

create function cardkeep_api.card_reaches(p_card uuid, p_now integer, p_version integer)
returns boolean
language plpgsql stable
as $$
begin
	return p_version between greatest(p_now - cardkeep_api.reach(), 1) and p_now
		and cardkeep_api.card_kept(p_card, p_now, p_version);
end
$$;
comment on function cardkeep_api.card_reaches is 'Whether a card at version p_now can be rebuilt as it was at an older one: not where that never was, lies more than 1,000 versions back, or rows are missing. Locks nothing.';

create function cardkeep_api.card_base(c cardkeep.business_cards, p_version integer,
	m cardkeep_api.card_change)
returns cardkeep.business_cards
language plpgsql stable
as $$
declare
	b cardkeep.business_cards;
	v cardkeep.business_card_versions;
begin
	if c.version - 1 = p_version then
		-- Nearly always one change came between: its row tells all that it changed.
		select case when m.name is not null then h.b_name end,
			case when m.template_type is not null then h.b_template_type end,
			case when m.fields_config is not null then h.b_fields_config end,
			case when m.design_config is not null then h.b_design_config end,
			case when m.is_public is not null then h.b_is_public end
		into v.b_name, v.b_template_type, v.b_fields_config, v.b_design_config, v.b_is_public
		from cardkeep.business_card_versions h
		join cardkeep.business_card_versions o on o.card_id = h.card_id and o.version = p_version
		where h.card_id = c.id and h.version = c.version;
		if not found then
			return null;
		end if;
	elsif coalesce(cardkeep_api.card_reaches(c.id, c.version, p_version), false) then
		v := cardkeep_api.card_before(c.id, p_version, m.name is not null, false,
			m.template_type is not null, m.fields_config is not null, m.design_config is not null,
			m.is_public is not null);
	else
		return null;
	end if;
	b := cardkeep_api.card_with(c, v);
	b.version := p_version;
	return b;
end
$$;
comment on function cardkeep_api.card_base is 'The fields of a request as the card had them at a version; those that it leaves out (null) are not looked at, and are as they are now. All null where history does not reach that far. Locks nothing.';

create function cardkeep_api.card_conflicts(c cardkeep.business_cards, p_version integer,
	m cardkeep_api.card_change)
returns text
language plpgsql stable
as $$
declare
	b cardkeep.business_cards := cardkeep_api.card_base(c, p_version, m);
begin
	-- A document is replaced as a whole: keys that the request leaves out are part of it.
	return concat_ws(',',
		cardkeep_api.conflicts('design_config.', true, b.design_config, m.design_config, c.design_config),
		cardkeep_api.conflicts('fields_config.', true, b.fields_config, m.fields_config, c.fields_config),
		cardkeep_api.field_conflict('is_public', to_jsonb(b.is_public), to_jsonb(m.is_public),
			to_jsonb(c.is_public)),
		cardkeep_api.field_conflict('name', to_jsonb(b.name), to_jsonb(m.name), to_jsonb(c.name)),
		cardkeep_api.field_conflict('template_type', to_jsonb(b.template_type),
			to_jsonb(m.template_type), to_jsonb(c.template_type)));
end
$$;
comment on function cardkeep_api.card_conflicts is 'The fields of a request that others changed since a version, as clients read them; what the request leaves out (null) is in no conflict, and not looked at. Locks nothing.';

create function cardkeep_api.card_conflict(c cardkeep.business_cards, p_expected integer[],
	m cardkeep_api.card_change default null)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	v_newest integer := p_expected[1];
begin
	if cardinality(p_expected) > 1 then
		v_newest := (select max(e) from unnest(p_expected) e);
	end if;
	return cardkeep_api.conflict(c.version, cardkeep_api.card_json(c), cardkeep_api.card_conflicts(c,
		v_newest, m));
end
$$;
comment on function cardkeep_api.card_conflict is 'The refusal of a write that expected an older version: the card now, and the fields of the request that others changed since the newest version it expected. Locks nothing.';

commit;
