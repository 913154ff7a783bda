-- Deploy cardkeep:legacy_tables to pg
--
-- A database that kept cards before Cardkeep has the tables business_cards, personal_info and
-- professional_info in schema public. They are put aside into schema cardkeep_legacy, as they are,
-- and their rows are carried over. This file is how their rows are read: the old tables in
-- Cardkeep's types (old_...), and those rows as Cardkeep can keep them (carried_...). Nobody knows
-- the shape of an old table before it is met, so the old_ views are made anew when one is put
-- aside; without one they are empty, and everything on top of them may be plain SQL.
--
-- What could not be kept as it was is listed in cardkeep.upgrade_changes, with what it was.

begin;

set local role cardkeep_owner;

create schema cardkeep_legacy;
-- What statements of the old programs themselves run through stands apart: its names are everybody's,
-- what they do is the caller's own.
create schema cardkeep_doors;
comment on schema cardkeep_doors is 'What old programs come in by: the policies of the tables from before Cardkeep, and the functions of old names; acts with its caller''s rights';
grant usage on schema cardkeep_doors to public;
comment on schema cardkeep_legacy is 'The tables of a database from before Cardkeep, put aside, and what carried their rows over; not for people';

create table cardkeep.upgraded_tables (
	kind text primary key,
	owner name not null,
	is_guarded boolean not null,
	is_forced boolean not null,
	triggers jsonb not null,
	sequences jsonb not null default '{}',
	foreign_keys jsonb not null default '{}',
	at timestamptz not null default clock_timestamp()
);
comment on table cardkeep.upgraded_tables is 'Tables from before Cardkeep that are put aside in cardkeep_legacy, and what has to be put back with them';
comment on column cardkeep.upgraded_tables.is_guarded is 'Whether row level security was on';
comment on column cardkeep.upgraded_tables.is_forced is 'Whether it was on for the owner too';
comment on column cardkeep.upgraded_tables.triggers is 'The triggers that are switched off while the table is aside, with the state each was in';
comment on column cardkeep.upgraded_tables.sequences is 'The sequences that were the table''s own, each with its column: they stay where programs name them';
comment on column cardkeep.upgraded_tables.foreign_keys is 'The foreign keys of others that follow an adoption now, by table and name, as they were';

create table cardkeep.upgraded_functions (
	signature text primary key,
	owner name not null,
	definition text not null,
	at timestamptz not null default clock_timestamp()
);
comment on table cardkeep.upgraded_functions is 'Functions of schema public from before Cardkeep that go to its rows now, and what has to be put back for them';

create table cardkeep_legacy.old_ids (
	kind text,
	id uuid,
	was text not null,
	primary key (kind, id)
);
comment on table cardkeep_legacy.old_ids is 'What programs from before Cardkeep call a card or a user, where it is no uuid';
comment on column cardkeep_legacy.old_ids.kind is 'id: a card; user_id: a user';

create table cardkeep.upgrade_changes (
	kind text not null,
	entity_id uuid not null,
	field text not null,
	was jsonb,
	became jsonb,
	reason text not null,
	at timestamptz not null default clock_timestamp(),
	constraint upgrade_changes_pkey primary key (kind, entity_id, field)
);
-- By the id that a profile came with: whoever leaves is looked for among those who were adopted.
create index upgrade_changes_was on cardkeep.upgrade_changes (kind, was) where field = 'user_id';
comment on table cardkeep.upgrade_changes is 'Values from before Cardkeep that could not be kept as they were: duplicate slugs first of all';
comment on column cardkeep.upgrade_changes.entity_id is 'The card, or the user whose profile it is';
comment on column cardkeep.upgrade_changes.field is '"row N" for a row that was not carried over at all';

create table cardkeep.unreturned_rows (
	kind text not null,
	entity_id uuid not null,
	now jsonb not null,
	reason text not null,
	at timestamptz not null default clock_timestamp(),
	constraint unreturned_rows_pkey primary key (kind, entity_id)
);
comment on table cardkeep.unreturned_rows is 'Rows that a table from before Cardkeep would not take back when the upgrade was reverted, and why';

-- Reading what may be of any type

create function cardkeep_legacy.uuid_of(p_text text) returns uuid
language sql immutable parallel safe
return case when p_text ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then p_text::uuid
	else md5(p_text)::uuid end;
comment on function cardkeep_legacy.uuid_of is 'An id of another type as a uuid, always the same one. Locks nothing.';
grant execute on function cardkeep_legacy.uuid_of to public;

create function cardkeep_legacy.json_of(p_text text) returns jsonb
language plpgsql immutable parallel unsafe set search_path = pg_catalog, pg_temp
as $$
begin
	return p_text::jsonb;
exception when data_exception then
	return null;
end
$$;
comment on function cardkeep_legacy.json_of is 'The document in a text, null where there is none. Locks nothing.';

create function cardkeep_legacy.time_of(p_text text) returns timestamptz
language plpgsql stable parallel unsafe
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
begin
	-- Words as "yesterday" are times to PostgreSQL, and mean another one each day.
	return case when p_text ~ '^[0-9]{4}-' then p_text::timestamptz end;
exception when data_exception then
	return null;
end
$$;
comment on function cardkeep_legacy.time_of is 'The time in a text, in UTC where it does not say; null where there is none. Locks nothing.';

create function cardkeep_legacy.column_type(p_table regclass, p_column name) returns regtype
language sql stable
return (select a.atttypid::regtype from pg_catalog.pg_attribute a
	where a.attrelid = p_table and a.attname = p_column and a.attnum > 0 and not a.attisdropped);
comment on function cardkeep_legacy.column_type is 'The type of a column, null where the table has none of that name. Locks nothing.';

create function cardkeep_legacy.columns_of(p_table regclass)
returns table (name name, type regtype, number smallint)
language sql stable
begin atomic
	select a.attname, a.atttypid::regtype, a.attnum from pg_catalog.pg_attribute a
	where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped
		and (a.attname <> 'last_write' or p_table not in ('cardkeep.business_cards'::regclass,
			'cardkeep.personal_info'::regclass, 'cardkeep.professional_info'::regclass))
	order by a.attnum;
end;
comment on function cardkeep_legacy.columns_of is 'A table''s columns in their order; of Cardkeep''s without last_write, which is nobody else''s business: one of that name in an old table is another. Locks nothing.';

create function cardkeep_legacy.name_says(p_name name) returns text
language sql immutable parallel safe
return case
	when p_name in ('deleted_at', 'archived_at', 'hidden_at', 'disabled_at') then 'since'
	when p_name in ('is_public', 'is_active', 'is_published', 'is_visible', 'is_enabled', 'public',
		'active', 'published', 'visible', 'enabled') then 'shown'
	when p_name in ('is_private', 'is_hidden', 'is_deleted', 'is_archived', 'is_disabled',
		'is_inactive', 'is_draft', 'private', 'hidden', 'deleted', 'archived', 'disabled',
		'inactive', 'draft') then 'hidden' end;
comment on function cardkeep_legacy.name_says is 'What a column of this name says of a card, if it says whether that is shown. Locks nothing.';

create function cardkeep_legacy.visibility_of(p_table regclass)
returns table (name name, type regtype, says text)
language sql stable
begin atomic
	select c.name, c.type, k.says from cardkeep_legacy.columns_of(p_table) c
	cross join lateral (select cardkeep_legacy.name_says(c.name) as says) k
	where case k.says
		when 'since' then c.type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
		else k.says is not null and c.type in ('boolean'::regtype, 'smallint'::regtype, 'integer'::regtype,
			'bigint'::regtype, 'text'::regtype, 'character varying'::regtype) end
	order by c.number;
end;
comment on function cardkeep_legacy.visibility_of is 'The columns of a table or view of cards that say whether a card is shown: it is where they say so (shown), where they do not (hidden), or while they are null (since). Locks nothing.';

create function cardkeep_legacy.second_names() returns table (kind name, name name, field name)
language sql immutable parallel safe
begin atomic
	values ('personal_info'::name, 'mobile_number'::name, 'primary_phone'::name),
		('personal_info', 'phone_number', 'secondary_phone'),
		('professional_info', 'designation', 'job_title'),
		('professional_info', 'office_email', 'work_email'),
		('professional_info', 'office_phone', 'work_phone');
end;
comment on function cardkeep_legacy.second_names is 'What programs from before Cardkeep may call a field of a profile, beside its own name. Locks nothing.';

create function cardkeep_legacy.field_of(p_table regclass, p_column name) returns name
language sql stable
return (select case
		when c.relname = 'business_cards' and cardkeep_legacy.name_says(p_column) is not null and exists (select
			from cardkeep_legacy.visibility_of(p_table) v where v.name = p_column and v.says <> 'since')
		then 'is_public'
		-- Beside a column of the field's own name it is another.
		else coalesce((select s.field from cardkeep_legacy.second_names() s where s.kind = c.relname
			and s.name = p_column and cardkeep_legacy.column_type(p_table, s.field) is null), p_column) end
	from pg_catalog.pg_class c where c.oid = p_table);
comment on function cardkeep_legacy.field_of is 'What Cardkeep calls a column of an old table, or of the view in its place; a column that it does not have is called as there. Locks nothing.';

create function cardkeep_legacy.column_of(p_table regclass, p_field name) returns name
language sql stable
return case when cardkeep_legacy.column_type(p_table, p_field) is not null then p_field
	else (select s.name from cardkeep_legacy.second_names() s
		join pg_catalog.pg_class c on c.oid = p_table and c.relname = s.kind
		where s.field = p_field and cardkeep_legacy.column_type(p_table, s.name) is not null) end;
comment on function cardkeep_legacy.column_of is 'The column of an old table, or of the view in its place, that has one of Cardkeep''s fields: that of its name, else of its second name; null where there is none. Locks nothing.';

create function cardkeep_legacy.read_truth(p_column name, p_type regtype) returns text
language sql immutable parallel safe
return case p_type when 'boolean'::regtype then format('o.%I', p_column)
	else format('lower(o.%I::text collate "C") in (''t'', ''true'', ''1'', ''y'', ''yes'', ''on'')',
		p_column) end;
comment on function cardkeep_legacy.read_truth is 'SQL that reads a column of an old table as true or false, whatever its type. Locks nothing.';

create function cardkeep_legacy.read_visibility(p_table regclass) returns text
language sql stable
return coalesce((select string_agg(case v.says when 'since' then format('o.%I is null', v.name)
		when 'shown' then format('coalesce(%s, false)', cardkeep_legacy.read_truth(v.name, v.type))
		else format('not coalesce(%s, true)', cardkeep_legacy.read_truth(v.name, v.type)) end, ' and ')
	from cardkeep_legacy.visibility_of(p_table) v), 'true');
comment on function cardkeep_legacy.read_visibility is 'SQL that reads whether an old card was shown: every column that has a say in it says so. A null does not: the old query for what is shown did not find it. Without such a column all were. Locks nothing.';

create function cardkeep_legacy.read_as(p_table regclass, p_column name, p_type regtype)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_column name := coalesce(cardkeep_legacy.column_of(p_table, p_column), p_column);
	v_type regtype := cardkeep_legacy.column_type(p_table, v_column);
	v_text text := format('o.%I::text', v_column);
begin
	if p_column = 'is_public' then
		return cardkeep_legacy.read_visibility(p_table);
	elsif v_type is null then
		return format('null::%s', p_type);
	elsif v_type = p_type then
		return format('o.%I', v_column);
	elsif v_type in ('timestamp'::regtype, 'date'::regtype) and p_type = 'timestamptz'::regtype then
		return format('o.%I::timestamp at time zone ''UTC''', v_column);
	end if;
	return case p_type
		when 'uuid'::regtype then format('cardkeep_legacy.uuid_of(%s)', v_text)
		when 'jsonb'::regtype then format('cardkeep_legacy.json_of(%s)', v_text)
		when 'timestamptz'::regtype then format('cardkeep_legacy.time_of(%s)', v_text)
		when 'integer'::regtype then format('case when %1$s ~ ''^[0-9]{1,9}$'' then (%1$s)::integer end', v_text)
		else v_text end;
end
$$;
comment on function cardkeep_legacy.read_as is 'SQL that reads a column of an old table, by its second name too and whatever its type, as one of Cardkeep''s types; a missing column is null, and whether a card is public is what all columns say that have a say in it. Locks nothing.';

create function cardkeep_legacy.define_old(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := to_regclass(format('cardkeep_legacy.%I', p_kind));
	v_columns text;
begin
	select string_agg(format('%s as %I', cardkeep_legacy.read_as(v_table, c.name, c.type), c.name),
		', ' order by c.number) into v_columns
	from cardkeep_legacy.columns_of(format('cardkeep.%I', p_kind)) c;
	if v_table is null then
		execute format('create or replace view cardkeep_legacy.old_%s as
			select %s, null::jsonb as was, null::tid as place where false', p_kind, v_columns);
	else
		execute format('create or replace view cardkeep_legacy.old_%s as
			select %s, to_jsonb(o) as was, o.ctid as place from %s o', p_kind, v_columns, v_table);
	end if;
end
$$;
comment on function cardkeep_legacy.define_old is 'Makes the view through which an old table is read in Cardkeep''s types; empty where none is put aside. The view is locked until the transaction ends.';

do $$
begin
	perform cardkeep_legacy.define_old(k)
	from unnest(array['business_cards', 'personal_info', 'professional_info']) k;
end
$$;
comment on view cardkeep_legacy.old_business_cards is 'The cards from before, in Cardkeep''s types';
comment on view cardkeep_legacy.old_personal_info is 'The personal profiles from before, in Cardkeep''s types';
comment on view cardkeep_legacy.old_professional_info is 'The professional profiles from before, in Cardkeep''s types';

-- Making it fit

create function cardkeep_legacy.blank() returns text
language sql immutable parallel safe
return '[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]';
comment on function cardkeep_legacy.blank is 'What is a blank, as a regular expression that no locale reads in another way. Locks nothing.';

create function cardkeep_legacy.clean_name(p_name text) returns text
language sql immutable parallel safe
return case
	-- Nearly all are as they should be.
	when char_length(p_name) between 1 and 200 and p_name is nfc normalized
		and p_name !~ ('^' || cardkeep_legacy.blank() || '|' || cardkeep_legacy.blank()
			|| '$|[\u0001-\u001f\u007f-\u009f]') then p_name
	-- Bounded before it is normalised, as in cardkeep_api.clean_name.
	else coalesce(nullif(regexp_replace(left(normalize(regexp_replace(regexp_replace(
		left(p_name, 800), '[\u0001-\u001f\u007f-\u009f]', ' ', 'g'),
		'^' || cardkeep_legacy.blank() || '+|' || cardkeep_legacy.blank() || '+$', '', 'g')), 200),
		cardkeep_legacy.blank() || '+$', ''), ''), 'Card')
end;
comment on function cardkeep_legacy.clean_name is 'A name as a card may have it: NFC, trimmed, control characters as blanks, cut at 200; "Card" where nothing is left. Locks nothing.';

create function cardkeep_legacy.clean_template(p_template text) returns text
language sql immutable parallel safe
return case when p_template ~ '[a-zA-Z0-9]' then left(cardkeep_api.slugify(p_template), 64)
	else 'personal-small' end;
comment on function cardkeep_legacy.clean_template is 'A template''s name as a card may have it. Locks nothing.';

create function cardkeep_legacy.fit_template(p_template text) returns text
language sql immutable parallel safe
return case when char_length(p_template) between 1 and 64 and p_template !~ '[^a-z0-9-]'
	then p_template else cardkeep_legacy.clean_template(p_template) end;
comment on function cardkeep_legacy.fit_template is 'A template''s name as it is, where a card may have it, else made to fit. Locks nothing.';

create function cardkeep_legacy.clean_document(p_document jsonb) returns jsonb
language sql immutable parallel safe
return case when jsonb_typeof(p_document) = 'object' then p_document else '{}' end;
comment on function cardkeep_legacy.clean_document is 'A document as a card may have it: an object, empty where it was anything else. Locks nothing.';

create function cardkeep_legacy.clean_time(p_at timestamptz) returns timestamptz
language sql immutable parallel safe
return case when p_at >= 'epoch' and p_at < '9999-01-01 00:00:00+00' then p_at end;
comment on function cardkeep_legacy.clean_time is 'A time that can be told in four digits of a year, else null. Locks nothing.';

create function cardkeep_legacy.is_slug(p_slug text) returns boolean
language sql immutable parallel safe
return p_slug is not null and char_length(p_slug) <= 87 and p_slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$';
comment on function cardkeep_legacy.is_slug is 'Whether a card may have this slug. Locks nothing.';

create function cardkeep_legacy.fit_card(p_changes jsonb, p_slug text) returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_slug text := p_changes ->> 'slug';
	v_fit jsonb := p_changes;
begin
	if p_changes ->> 'name' is not null then
		v_fit := v_fit || jsonb_build_object('name', cardkeep_legacy.clean_name(p_changes ->> 'name'));
	end if;
	if p_changes ? 'template_type' then
		v_fit := v_fit || jsonb_build_object('template_type',
			cardkeep_legacy.fit_template(p_changes ->> 'template_type'));
	end if;
	if v_slug = '' then
		return v_fit - 'slug' || case when p_slug is null then '{}' else jsonb_build_object('slug', p_slug) end;
	elsif not cardkeep_legacy.is_slug(v_slug) and v_slug is not null then
		return v_fit || jsonb_build_object('slug', cardkeep_api.slugify(v_slug));
	end if;
	return v_fit;
end
$$;
comment on function cardkeep_legacy.fit_card is 'What a program from before Cardkeep gives a card, made to fit: a name, a template, a slug that breaks the rule; an empty slug is the one that the card has. Whether a slug is free it does not ask. Locks nothing.';

create view cardkeep_legacy.carried_cards as
	select o.id, coalesce(o.user_id, o.id) as user_id, cardkeep_legacy.clean_name(o.name) as name,
		coalesce(c.became #>> '{}', o.slug) as slug,
		cardkeep_legacy.fit_template(o.template_type) as template_type,
		cardkeep_legacy.clean_document(o.fields_config) as fields_config,
		cardkeep_legacy.clean_document(o.design_config) as design_config,
		coalesce(o.is_public, false) as is_public, least(greatest(o.version, 1), 10000) as version,
		coalesce(d.created_at, d.updated_at, t.at) as created_at,
		greatest(d.updated_at, d.created_at, case when num_nonnulls(d.updated_at, d.created_at) = 0
			then t.at end) as updated_at,
		o.name as old_name, o.template_type as old_template_type,
		o.fields_config as old_fields_config, o.design_config as old_design_config,
		o.user_id as old_user_id, o.created_at as old_created_at, o.updated_at as old_updated_at,
		o.version as old_version, o.was, o.place
	from cardkeep_legacy.old_business_cards o
	join cardkeep.upgraded_tables t on t.kind = 'business_cards'
	cross join lateral (select cardkeep_legacy.clean_time(o.created_at) as created_at,
		cardkeep_legacy.clean_time(o.updated_at) as updated_at) d
	left join cardkeep.upgrade_changes c on c.kind = 'business_cards' and c.entity_id = o.id
		and c.field = 'slug' and c.was is not distinct from o.was -> 'slug';
comment on view cardkeep_legacy.carried_cards is 'The cards from before as Cardkeep can keep them, beside what they were; a slug that was resolved reads as what it became. Null is not public: the old query for public ones did not find it';

create view cardkeep_legacy.carried_profiles as
	select p.kind, p.user_id, row_number() over (partition by p.kind, p.user_id
			order by p.updated_at desc nulls last, p.created_at desc nulls last, p.place) as rank,
		p.fields, least(greatest(p.version, 1), 10000) as version,
		coalesce(p.created_at, p.updated_at, t.at) as created_at,
		greatest(p.updated_at, p.created_at, case when num_nonnulls(p.updated_at, p.created_at) = 0
			then t.at end) as updated_at, p.was, p.place
	from (
		select k.kind, coalesce(c.entity_id, k.user_id, md5(k.was::text)::uuid) as user_id,
			cardkeep_api.profile_fields(k.row) as fields, k.version,
			cardkeep_legacy.clean_time(k.created_at) as created_at,
			cardkeep_legacy.clean_time(k.updated_at) as updated_at, k.was, k.place
		from (
			select 'personal_info' as kind, to_jsonb(o) - array['was', 'place'] as row, o.user_id,
				o.version, o.created_at, o.updated_at, o.was, o.place
			from cardkeep_legacy.old_personal_info o
			union all
			select 'professional_info', to_jsonb(o) - array['was', 'place'], o.user_id, o.version,
				o.created_at, o.updated_at, o.was, o.place
			from cardkeep_legacy.old_professional_info o) k
		left join cardkeep.upgrade_changes c on c.kind = k.kind and c.field = 'user_id'
			and c.was = to_jsonb(k.user_id)
		) p
	join cardkeep.upgraded_tables t on t.kind = p.kind;
comment on view cardkeep_legacy.carried_profiles is 'The profiles from before as Cardkeep can keep them; of several of one user the newest has rank 1. What was adopted is the account''s';

create function cardkeep_legacy.write_of(p_kind text, p_id uuid, p_version integer) returns uuid
language sql immutable parallel safe
return case when p_kind = 'business_cards' and p_version = 1 then p_id
	else md5(p_kind || ':' || p_id || ':' || p_version)::uuid end;
comment on function cardkeep_legacy.write_of is 'The write id of a row that is carried over: the card''s own id where that began it, as everywhere. Locks nothing.';

commit;
