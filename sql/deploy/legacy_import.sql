-- Deploy cardkeep:legacy_import to pg
--
-- Carries the rows of the tables put aside into Cardkeep's own. Set-wise, with the version and the
-- write id in each statement, so that the triggers for direct SQL have nothing to do; history comes
-- first, because it refers to nothing. Only slugs that cannot be kept are found one by one.
--
-- A version above 1 was counted by somebody else, and nothing is known of what came before it. History
-- begins at that version then, with a row that says nothing of before, as where older rows were
-- pruned: what needs an older version is refused for want of it. The write id of such a row tells
-- `cardkeep verify` that nothing is missing.
--
-- What reads all rows has nested loops switched off: the tables have no statistics yet, and the
-- planner takes a first row of each slug for few.

begin;

set local role cardkeep_owner;

create function cardkeep_legacy.carry_users() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.users (id)
	select c.user_id from cardkeep_legacy.carried_cards c
	union
	select p.user_id from cardkeep_legacy.carried_profiles p
	on conflict do nothing;
end
$$;
comment on function cardkeep_legacy.carry_users is 'A waiting user for each id that came with rows and has no account. The rows are locked by their insertion.';

create function cardkeep_legacy.carry_card_history() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
begin
	insert into cardkeep.business_card_versions (card_id, version, write_id, at)
	select c.id, c.version, cardkeep_legacy.write_of('business_cards', c.id, c.version), c.updated_at
	from cardkeep_legacy.carried_cards c
	where not exists (select from cardkeep.business_cards b where b.id = c.id)
	on conflict do nothing;
end
$$;
comment on function cardkeep_legacy.carry_card_history is 'The history of each card that is to be carried over: a row for the version that it has. Locks nothing but its rows.';

create function cardkeep_legacy.carry_card(c cardkeep_legacy.carried_cards, p_slug text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, version, last_write, created_at, updated_at)
	values (c.id, c.user_id, c.name, p_slug, c.template_type, c.fields_config, c.design_config,
		c.is_public, c.version, cardkeep_legacy.write_of('business_cards', c.id, c.version),
		c.created_at, c.updated_at);
end
$$;
comment on function cardkeep_legacy.carry_card is 'One card, under this slug. Locks nothing but its row.';

create function cardkeep_legacy.carry_cards_as_they_are() returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
declare
	v_count bigint;
begin
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, version, last_write, created_at, updated_at)
	select c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config, c.design_config,
		c.is_public, c.version, cardkeep_legacy.write_of('business_cards', c.id, c.version),
		c.created_at, c.updated_at
	from (
		select k.*, row_number() over (partition by k.slug order by k.created_at, k.id) as rank
		from cardkeep_legacy.carried_cards k where cardkeep_legacy.is_slug(k.slug)) c
	where c.rank = 1 and not exists (select from cardkeep.retired_slugs r where r.slug = c.slug)
		and not exists (select from cardkeep.business_cards b where b.id = c.id)
		and not exists (select from cardkeep.business_cards b where b.slug = c.slug);
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep_legacy.carry_cards_as_they_are is 'All cards whose slug is well formed and free; of several that have one slug, the oldest. The number of them. The caller keeps others from writing cards.';

create function cardkeep_legacy.free_slug(p_base text, p_attempt integer) returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_slug text;
begin
	loop
		v_slug := cardkeep_api.slug_candidate(p_base, p_attempt);
		perform from cardkeep.business_cards b where b.slug = v_slug
		union all
		select from cardkeep.retired_slugs r where r.slug = v_slug;
		exit when not found;
		p_attempt := p_attempt + 1;
	end loop;
	return v_slug;
end
$$;
comment on function cardkeep_legacy.free_slug is 'A slug that no card has or ever had: the base, or from the second attempt on the base with six random characters. The caller keeps others from writing cards.';

create function cardkeep_legacy.slug_fault(p_slug text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	if coalesce(p_slug, '') = '' then
		return 'missing';
	elsif not cardkeep_legacy.is_slug(p_slug) then
		return 'malformed';
	end if;
	perform from cardkeep.retired_slugs r where r.slug = p_slug;
	return case when found then 'reserved' else 'duplicate' end;
end
$$;
comment on function cardkeep_legacy.slug_fault is 'Why a card could not keep its slug. Locks nothing.';

create function cardkeep_legacy.carry_other_cards() returns bigint
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c cardkeep_legacy.carried_cards;
	v_fault text;
	v_slug text;
	v_count bigint := 0;
begin
	for c in select k.* from cardkeep_legacy.carried_cards k
		where not exists (select from cardkeep.business_cards b where b.id = k.id)
		order by k.created_at, k.id
	loop
		v_fault := cardkeep_legacy.slug_fault(c.slug);
		v_slug := cardkeep_legacy.free_slug(
			cardkeep_api.slugify(coalesce(nullif(c.slug, ''), c.name)),
			case when v_fault in ('missing', 'malformed') then 1 else 2 end);
		perform cardkeep_legacy.carry_card(c, v_slug);
		perform cardkeep_legacy.list_change('business_cards', c.id, 'slug', c.was -> 'slug',
			to_jsonb(v_slug), v_fault);
		v_count := v_count + 1;
	end loop;
	return v_count;
end
$$;
comment on function cardkeep_legacy.carry_other_cards is 'The cards that cannot keep their slugs, the oldest first: each gets one made of its slug, else of its name, and is listed. The number of them. The caller keeps others from writing cards.';

create function cardkeep_legacy.list_change(p_kind text, p_id uuid, p_field text, p_was jsonb,
	p_became jsonb, p_reason text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.upgrade_changes (kind, entity_id, field, was, became, reason)
	values (p_kind, p_id, p_field, p_was, p_became, p_reason)
	on conflict (kind, entity_id, field) do update
	set was = excluded.was, became = excluded.became, reason = excluded.reason, at = excluded.at;
end
$$;
comment on function cardkeep_legacy.list_change is 'Lists a value that could not be kept as it was. Locks nothing but its row.';

create function cardkeep_legacy.list_card_changes() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_nestloop = off
as $$
begin
	perform cardkeep_legacy.list_change('business_cards', c.id, f.field, c.was -> f.field, f.became,
		f.reason)
	from cardkeep_legacy.carried_cards c
	cross join lateral (values
		('name', c.old_name is distinct from c.name, to_jsonb(c.name), 'not a card''s name'),
		('template_type', c.old_template_type <> c.template_type, to_jsonb(c.template_type),
			'not a template''s name'),
		('fields_config', c.old_fields_config is distinct from c.fields_config, c.fields_config,
			'not an object'),
		('design_config', c.old_design_config is distinct from c.design_config, c.design_config,
			'not an object'),
		('version', c.old_version <> c.version, to_jsonb(c.version), 'not from 1 to 10000'),
		('created_at', c.old_created_at <> c.created_at, to_jsonb(c.created_at), 'out of range'),
		('updated_at', c.old_updated_at <> c.updated_at, to_jsonb(c.updated_at),
			'out of range, or before the creation'),
		('user_id', c.old_user_id is null, to_jsonb(c.user_id),
			'nobody''s: waits under the card''s id')
	) f (field, changed, became, reason)
	where (c.old_name, c.old_template_type, c.old_fields_config, c.old_design_config, c.old_user_id,
			c.old_created_at, c.old_updated_at, c.old_version) is distinct from (c.name,
			c.template_type, c.fields_config, c.design_config, c.user_id, c.created_at, c.updated_at,
			c.version)
		and f.changed and c.was ? f.field and (c.was -> f.field <> 'null' or f.field = 'user_id');
end
$$;
comment on function cardkeep_legacy.list_card_changes is 'Lists every value of a card that could not be kept as it was, but for nulls that became the default. Locks nothing but its rows.';

create function cardkeep_legacy.list_card_ids(p_column name) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if cardkeep_legacy.column_type('cardkeep_legacy.business_cards', p_column) = 'uuid'::regtype then
		return;
	end if;
	perform cardkeep_legacy.list_change('business_cards', c.id, p_column, c.was -> p_column::text,
		to_jsonb(i.id), 'not a uuid')
	from cardkeep_legacy.carried_cards c
	cross join lateral (select case p_column when 'id' then c.id else c.user_id end as id) i
	where i.id::text <> lower((c.was ->> p_column::text) collate "C");
end
$$;
comment on function cardkeep_legacy.list_card_ids is 'Lists the ids of an old table that were no uuids, with what stands for them. Locks nothing but its rows.';

create function cardkeep_legacy.note_ids(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_column name;
begin
	for v_column in
		select c.name from cardkeep_legacy.columns_of(v_table) c
		where c.type <> 'uuid'::regtype
			and (c.name = 'user_id' or c.name = 'id' and p_kind = 'business_cards')
	loop
		execute format('insert into cardkeep_legacy.old_ids (kind, id, was)
			select %1$L, cardkeep_legacy.uuid_of(o.%1$I::text), o.%1$I::text from %2$s o
			where o.%1$I is not null on conflict do nothing', v_column, v_table);
	end loop;
end
$$;
comment on function cardkeep_legacy.note_ids is 'Remembers what the old programs call cards and users, where it is no uuid. Locks nothing but its rows.';

create function cardkeep_legacy.carry_cards() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kept bigint;
	v_changed bigint;
begin
	lock table cardkeep.business_cards in share row exclusive mode;
	perform cardkeep_legacy.carry_card_history();
	v_kept := cardkeep_legacy.carry_cards_as_they_are();
	v_changed := cardkeep_legacy.carry_other_cards();
	perform cardkeep_legacy.list_card_changes();
	perform cardkeep_legacy.list_card_ids(n) from unnest(array['id', 'user_id']) n;
	raise notice 'upgrade: % cards carried over; % of them could not keep their slugs, see cardkeep.upgrade_changes',
		v_kept + v_changed, v_changed;
end
$$;
comment on function cardkeep_legacy.carry_cards is 'Carries the cards over. Waits until nobody writes cards and keeps them from it until the transaction ends.';

create function cardkeep_legacy.carry_profiles(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	p cardkeep_legacy.carried_profiles;
	v_count bigint := 0;
	v_write uuid;
begin
	for p in select c.* from cardkeep_legacy.carried_profiles c
		where c.kind = p_kind and c.rank = 1 and not exists (select from cardkeep_api.profiles n
			where n.kind = p_kind and n.user_id = c.user_id)
	loop
		v_write := cardkeep_legacy.write_of(p_kind, p.user_id, p.version);
		perform cardkeep_api.note_profile(p_kind, p.user_id, p.version, null, v_write, p.updated_at,
			case when p.version = 1 then cardkeep_api.profile_before('{}', p.fields) else '{}' end);
		perform cardkeep_api.insert_profile(p_kind, p.user_id, v_write,
			row (p.fields, p.version, p.created_at, p.updated_at)::cardkeep_api.profile);
		v_count := v_count + 1;
	end loop;
	raise notice 'upgrade: % rows of % carried over', v_count, p_kind;
end
$$;
comment on function cardkeep_legacy.carry_profiles is 'Carries the profiles of one kind over, of each user the newest, unless the user has one; history begins at the version that each has. Locks nothing but its rows and, by the foreign key, the users (key share).';

create function cardkeep_legacy.list_profile_changes() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_legacy.list_change(p.kind, p.user_id, 'row ' || p.rank, p.was, null,
		'the user has a newer one')
	from cardkeep_legacy.carried_profiles p where p.rank > 1;
	perform cardkeep_legacy.list_change(p.kind, p.user_id, f.field, p.was -> f.field, f.became,
		f.reason)
	from cardkeep_legacy.carried_profiles p
	cross join lateral (values
		('user_id', p.was ->> 'user_id' is null, to_jsonb(p.user_id), 'nobody''s'),
		('version', (p.was ->> 'version')::numeric <> p.version, to_jsonb(p.version),
			'not from 1 to 10000'),
		('created_at', cardkeep_legacy.time_of(p.was ->> 'created_at') <> p.created_at,
			to_jsonb(p.created_at), 'out of range'),
		('updated_at', cardkeep_legacy.time_of(p.was ->> 'updated_at') <> p.updated_at,
			to_jsonb(p.updated_at), 'out of range, or before the creation')
	) f (field, changed, became, reason)
	where p.rank = 1 and f.changed;
end
$$;
comment on function cardkeep_legacy.list_profile_changes is 'Lists the profiles that were not carried over, and what could not be kept as it was of those that were. Locks nothing but its rows.';

commit;
