-- What must be true after the upgrade of any shape: each query names a promise and returns nothing
-- where it is kept. The tables from before are in cardkeep_legacy, as they were.
\set ON_ERROR_STOP on

create function pg_temp.lost() returns table (promise text, what text) language sql as $$
	select 'every card is there', o.was::text
	from cardkeep_legacy.old_business_cards o
	left join cardkeep.business_cards b on b.id = o.id where b.id is null
	union all
	select 'every value is the same, or listed with what it was', f.key || ': ' || o.was::text
	from cardkeep_legacy.old_business_cards o
	join cardkeep.business_cards b on b.id = o.id
	cross join lateral jsonb_each(to_jsonb(o) - array['was', 'place', 'version', 'id']) f
	where f.value <> to_jsonb(b) -> f.key and f.value <> 'null'
		and not exists (select from cardkeep.upgrade_changes c
			where c.kind = 'business_cards' and c.entity_id = b.id and c.field = f.key
				and c.was = o.was -> f.key)
	union all
	select 'versions start at 1, or go on', o.was::text
	from cardkeep_legacy.old_business_cards o
	join cardkeep.business_cards b on b.id = o.id where b.version <> coalesce(o.version, 1)
	union all
	select 'the oldest card keeps a slug that several have', o.slug
	from (select distinct on (o.slug) o.* from cardkeep_legacy.old_business_cards o
		order by o.slug, o.created_at, o.id) o
	join cardkeep.business_cards b on b.id = o.id
	where b.slug <> o.slug and o.slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(o.slug) <= 87
		and not exists (select from cardkeep.retired_slugs r where r.slug = o.slug)
	union all
	select 'others have it with a suffix', b.slug
	from cardkeep.upgrade_changes c join cardkeep.business_cards b on b.id = c.entity_id
	where c.reason in ('duplicate', 'reserved') and c.field = 'slug'
		and (b.slug !~ '-[a-z0-9]{6}$' or b.slug not like rtrim(left(c.was #>> '{}', 80), '-') || '-%'
			or b.slug <> c.became #>> '{}')
	union all
	select 'no card has a retired slug', b.slug
	from cardkeep.business_cards b join cardkeep.retired_slugs r using (slug)
	union all
	select 'history knows each card''s version', b.id::text
	from cardkeep.business_cards b
	left join cardkeep.business_card_versions h on h.card_id = b.id and h.version = b.version
		and h.write_id = b.last_write and h.at = b.updated_at
	where h.card_id is null
	union all
	select 'every profile is there', o.was::text
	from (select o.user_id, o.was, 'personal_info' as kind from cardkeep_legacy.old_personal_info o
		union all select o.user_id, o.was, 'professional_info'
		from cardkeep_legacy.old_professional_info o) o
	left join cardkeep_api.profiles p on p.kind = o.kind and p.user_id = o.user_id
	where p.user_id is null
	union all
	select 'with every value', o.was::text
	from (select to_jsonb(o) as row, 'personal_info' as kind, o.was
		from cardkeep_legacy.old_personal_info o
		union all select to_jsonb(o), 'professional_info', o.was
		from cardkeep_legacy.old_professional_info o) o
	join cardkeep_api.profiles p on p.kind = o.kind and p.user_id = (o.row ->> 'user_id')::uuid
	where not o.row @> p.fields and not exists (select from cardkeep.upgrade_changes c
		where c.kind = o.kind and c.entity_id = p.user_id and c.was = o.was)
	union all
	select 'history knows each profile''s version', p.user_id::text
	from cardkeep_api.profiles p
	left join cardkeep_api.profile_versions h on h.kind = p.kind and h.user_id = p.user_id
		and h.version = p.version and h.at = p.updated_at
	where h.user_id is null
	union all
	select 'who has no account waits', b.user_id::text
	from cardkeep.business_cards b
	where b.user_id not in (select w.id from cardkeep.waiting_users w)
		and b.user_id not in (select u.id from cardkeep.users u where u.email is not null)
	union all
	select 'the service''s functions work on each card', b.id || ': ' || u.message
	from (select * from cardkeep.business_cards order by id limit 2000) b
	cross join lateral cardkeep.update_business_card_optimistic(b.id, b.user_id, b.version,
		b.name || '?') u
	where char_length(b.name) < 200 and (u.success, u.new_version) is distinct from (true, b.version + 1)
	union all
	select 'and on each profile', p.user_id || ': ' || s.message
	from cardkeep.personal_info p
	cross join lateral cardkeep.upsert_personal_info_optimistic(p.user_id, p.version, 'New') s
	where (s.success, s.new_version, s.is_new) is distinct from (true, p.version + 1, false);
$$;
begin;
select promise || ': ' || what from pg_temp.lost();
rollback;
