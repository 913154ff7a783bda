-- Deploy cardkeep:card_sets to pg
--
-- The hot calls, set-wise: arrays in, one row an item out, told apart by `item`. A set costs little
-- more than its longest statement, where single calls pay for each. It does what its single form
-- does and leaves whatever is not plain sailing to it: an item that the set's statements did not
-- serve goes through the single form, one by one. So there is one place that knows the hard cases.
--
-- Statements find rows through `join lateral (... limit 1)` or by ctid, with the joins that scan
-- switched off: a plan that a connection made while the tables were small is kept while they grow,
-- and a hash join over a whole table that was right for ten rows is ruin for ten thousand. The plan
-- is the generic one: a small array makes a plan of its own look cheaper, so that each call would
-- plan anew, which costs more than the call.

begin;

set local role cardkeep_owner;

create function cardkeep_api.read_cards(p_token_hash bytea[], p_card text[])
returns table (item integer, status integer, version integer, replayed boolean, detail text,
	body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
	return query
	select n.i::integer, case when s.id is null then 401 when b.id is null then 404 else 200 end,
		coalesce(b.version, 0), false, '',
		case when b.id is null then '' else cardkeep_api.card_json(b) end
	from unnest(p_token_hash, p_card) with ordinality n(token_hash, card, i)
	left join lateral (
		select t.session_id as id, t.user_id from cardkeep_api.begin_read(n.token_hash) t
		limit 1) s on true
	left join lateral (
		select c.* from cardkeep.business_cards c
		where s.id is not null and c.id = n.card::uuid and c.user_id = s.user_id
		limit 1) b on true;
end
$$;
comment on function cardkeep_api.read_cards is 'read_card for each item. Locks nothing.';

create function cardkeep_api.try_key_once(p_user uuid, p_key uuid, p_keys text[], p_item bigint)
returns boolean
language sql volatile
return array_position(p_keys, p_key::text) = p_item and cardkeep_api.try_key(p_user, p_key);
comment on function cardkeep_api.try_key_once is 'try_key for the first item of a set that has the key: locks are re-entrant, so a second one would get it as well. Tries the advisory lock, never waits.';

create function cardkeep_api.create_cards(p_token_hash bytea[], p_write text[], p_name text[],
	p_base text[], p_template text[], p_fields text[], p_design text[], p_public text[],
	p_key text[] default null)
returns table (item integer, status integer, version integer, replayed boolean, detail text,
	body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
	v_writes uuid[]; -- of keyed items: the users' own
	v_now timestamptz := clock_timestamp();
	v_users uuid[];
	v_sessions uuid[];
	v_slugs text[]; -- null: not for the set
	v_taken text[]; -- how many slugs were passed over
	v_done integer[]; -- the items that the set served, and their bodies
	v_bodies text[];
	v_noting integer[]; -- those that drew a lot to note what they took, with it
	v_lots double precision[];
	v_sizes integer[];
begin
	-- Locks first: the insert is a later statement, whose snapshot sees what they guard. The lock
	-- of a key stands for that of the id, which is made of it.
	select array_agg(k.user_id order by k.i), array_agg(k.session_id order by k.i),
		array_agg(k.write order by k.i), array_agg(k.slug order by k.i),
		array_agg(k.taken order by k.i)
	into v_users, v_sessions, v_writes, v_slugs, v_taken
	from (
		select n.i, s.user_id, s.id as session_id,
			case when n.key is null then n.write::uuid
				else cardkeep_api.own_write(s.user_id, n.write::uuid) end as write,
			case when c.slug <> r.slug then '1' else '' end as taken,
			case when s.id is not null
				and not (exists (select from cardkeep.over_quota)
					and exists (select from cardkeep.over_quota q where q.user_id = s.user_id))
				and case when n.key is null
					then pg_try_advisory_xact_lock(cardkeep_api.lock_key('card', n.write))
					else cardkeep_api.try_key_once(s.user_id, n.key::uuid, p_key, n.i) end
				and pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', c.slug))
			then c.slug end as slug
		from unnest(p_token_hash, p_write, p_base, p_name, p_key) with ordinality
			n(token_hash, write, base, name, key, i)
		left join lateral (
			select t.session_id as id, t.user_id from cardkeep_api.begin_read(n.token_hash) t
			limit 1) s on true
		cross join lateral (
			select case when s.id is not null
				then cardkeep_api.slugify(coalesce(n.base, n.name)) end as slug offset 0) r
		cross join lateral (
			-- A popular name is known to be taken without taking its lock.
			select case when s.id is not null and exists (
					select from cardkeep.business_cards b where b.slug = r.slug)
				then cardkeep_api.slug_candidate(r.slug, 2) else r.slug end as slug
			offset 0) c) k;
	if num_nonnulls(variadic p_key) > 0 then
		select array_agg(case when w.key is null then n.slug end order by n.i) into v_slugs
		from unnest(v_slugs, v_users, p_key) with ordinality n(slug, user_id, key, i)
		left join lateral (
			select t.key from cardkeep.writes t
			where t.user_id = n.user_id and t.key = n.key::uuid
			limit 1) w on true;
	end if;

	with item as (
		select * from unnest(v_writes, v_users, v_sessions, v_slugs, p_name, p_template, p_fields,
			p_design, p_public, p_key) with ordinality
			n(id, user_id, session_id, slug, name, template, fields, design, public, key, i)
		where n.slug is not null
	), put as (
		insert into cardkeep.business_cards as b (id, user_id, name, slug, template_type,
			fields_config, design_config, is_public, version, last_write, created_at, updated_at)
		select n.id, n.user_id, n.name, n.slug, coalesce(n.template, 'personal-small'),
			coalesce(n.fields, '{}')::jsonb, coalesce(n.design, '{}')::jsonb,
			coalesce(n.public::boolean, true), 1, n.id, v_now, v_now
		from item n
		where not exists (select from cardkeep.retired_slugs r where r.slug = n.slug)
			and not exists (select from cardkeep.retired_slugs r where r.card_id = n.id)
		on conflict do nothing
		returning b.id, cardkeep_api.card_json(b) as body, random() as lot,
			cardkeep_api.document_bytes(b.fields_config, b.design_config) as bytes
	), kept as (
		insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at)
		select p.id, 1, n.session_id, p.id, v_now from put p join item n on n.id = p.id
	), known as (
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		select n.user_id, n.key::uuid, p.id, 1, 201 from put p join item n on n.id = p.id
		where n.key is not null
	)
	select array_agg(n.i), array_agg(p.body),
		array_agg(n.i) filter (where p.lot < p.share), array_agg(p.lot) filter (where p.lot < p.share),
		array_agg(p.bytes) filter (where p.lot < p.share)
	into v_done, v_bodies, v_noting, v_lots, v_sizes
	from (
		select q.*, greatest(
			(select greatest(l.creation_share, l.card_share) from cardkeep.limits l where l.one),
			(select l.document_share from cardkeep.limits l where l.one) * q.bytes) as share
		from put q) p
	join item n on n.id = p.id;
	if v_noting is not null then
		perform cardkeep_api.note_creation(v_users[t.i], t.lot, t.bytes)
		from unnest(v_noting, v_lots, v_sizes) t(i, lot, bytes);
	end if;

	return query
	select d.i, 201, 1, false, v_taken[d.i], d.body from unnest(v_done, v_bodies) d(i, body);
	if cardinality(v_done) = cardinality(p_write) then
		return;
	end if;
	return query
	select k, a.* from generate_series(1, cardinality(p_write)) k
	cross join lateral cardkeep_api.create_card(p_token_hash[k], p_write[k]::uuid, p_base[k],
		row(p_name[k], p_template[k], p_fields[k]::jsonb, p_design[k]::jsonb, p_public[k]::boolean),
		p_key[k]::uuid) a
	where (k = any (v_done)) is not true;
end
$$;
comment on function cardkeep_api.create_cards is 'create_card for each item; of several items with one key the first is served and the others are settled after it. Tries the advisory lock of each key, or of each id where there is none, then of one slug for each, all before the insert; what that did not serve goes through create_card. Never waits.';

create function cardkeep_api.update_cards(p_token_hash bytea[], p_write text[], p_card text[],
	p_expected text[], p_name text[], p_template text[], p_fields text[], p_design text[],
	p_public text[], p_key text[] default null)
returns table (item integer, status integer, version integer, replayed boolean, detail text,
	body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
	v_users uuid[];
	v_sessions uuid[];
	v_writes uuid[]; -- of keyed items: the users' own; null: not for the set
	v_done integer[]; -- the items that the set served, and what they came to
	v_versions integer[];
	v_bodies text[];
	v_noting integer[]; -- those that drew a lot to note what they took, with it
	v_lots double precision[];
	v_left integer[];
	v_sizes integer[];
begin
	-- Keys first: they are looked up in a later statement, whose snapshot sees what the locks guard.
	select array_agg(s.user_id order by n.i), array_agg(s.id order by n.i),
		array_agg(case
			when s.id is null then null
			when exists (select from cardkeep.over_quota)
				and exists (select from cardkeep.over_quota q where q.user_id = s.user_id) then null
			when n.key is null then n.write::uuid
			when cardkeep_api.try_key_once(s.user_id, n.key::uuid, p_key, n.i)
			then cardkeep_api.own_write(s.user_id, n.write::uuid) end order by n.i)
	into v_users, v_sessions, v_writes
	from unnest(p_token_hash, p_write, p_key) with ordinality n(token_hash, write, key, i)
	left join lateral (
		select t.session_id as id, t.user_id from cardkeep_api.begin_read(n.token_hash) t
		limit 1) s on true;

	if num_nonnulls(variadic p_key) > 0 then
		select array_agg(case when w.key is null then n.write end order by n.i) into v_writes
		from unnest(v_writes, v_users, p_key) with ordinality n(write, user_id, key, i)
		left join lateral (
			select t.key from cardkeep.writes t
			where t.user_id = n.user_id and t.key = n.key::uuid
			limit 1) w on true;
	end if;

	with held as materialized (
		select n.i, n.write, n.key, n.user_id, n.session_id, b.ctid as at, b.name, b.template_type, b.fields_config,
			b.design_config, b.is_public, n.name as new_name, n.template as new_template,
			n.fields as new_fields, n.design as new_design, n.public as new_public
		from (
			select u.i, u.card::uuid as card, u.user_id, u.session_id, u.write,
				u.expected::integer[] as expected, u.name, u.template, u.fields::jsonb as fields,
				u.design::jsonb as design, u.public::boolean as public, u.key::uuid as key
			from unnest(p_card, v_users, v_sessions, v_writes, p_expected, p_name, p_template,
				p_fields, p_design, p_public, p_key) with ordinality
				u(card, user_id, session_id, write, expected, name, template, fields, design,
					public, key, i)
			where u.write is not null and u.user_id is not null) n
		join lateral (
			select c.ctid, c.* from cardkeep.business_cards c
			where c.id = n.card and c.user_id = n.user_id and c.version = any (n.expected)
				and not cardkeep_api.card_same(c,
					row(n.name, n.template, n.fields, n.design, n.public))
			limit 1
			for no key update skip locked) b on true
	), up as (
		update cardkeep.business_cards b
		set name = coalesce(h.new_name, b.name),
			template_type = coalesce(h.new_template, b.template_type),
			fields_config = coalesce(h.new_fields, b.fields_config),
			design_config = coalesce(h.new_design, b.design_config),
			is_public = coalesce(h.new_public, b.is_public), version = b.version + 1,
			last_write = h.write, updated_at = greatest(clock_timestamp(), b.updated_at)
		from held h
		where b.ctid = h.at
		returning b.id, b.version, b.last_write, b.updated_at, cardkeep_api.card_json(b) as body,
			h.i, h.key, h.user_id, h.session_id, nullif(h.name, b.name) as o_name,
			nullif(h.template_type, b.template_type) as o_template,
			case when h.new_fields is not null
				then cardkeep_api.image(h.fields_config, h.new_fields) end as o_fields,
			case when h.new_design is not null
				then cardkeep_api.image(h.design_config, h.new_design) end as o_design,
			nullif(h.is_public, b.is_public) as o_public,
			random() as lot, cardkeep_api.document_bytes(b.fields_config, b.design_config) as bytes
	), kept as (
		insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at,
			b_name, b_template_type, b_fields_config, b_design_config, b_is_public)
		select p.id, p.version, p.session_id, p.last_write, p.updated_at, p.o_name, p.o_template,
			p.o_fields, p.o_design, p.o_public
		from up p
	), known as (
		insert into cardkeep.writes (user_id, key, write_id, version, status)
		select p.user_id, p.key, p.last_write, p.version, 200 from up p where p.key is not null
	)
	select array_agg(p.i), array_agg(p.version), array_agg(p.body),
		array_agg(p.i) filter (where p.lot < p.share), array_agg(p.lot) filter (where p.lot < p.share),
		array_agg(p.past) filter (where p.lot < p.share),
		array_agg(p.bytes) filter (where p.lot < p.share)
	into v_done, v_versions, v_bodies, v_noting, v_lots, v_left, v_sizes
	from (
		select q.*, greatest((select l.history_share from cardkeep.limits l where l.one) * q.past,
			(select l.document_share from cardkeep.limits l where l.one) * q.bytes) as share
		from (
			select u.*, cardkeep_api.history_bytes(
				cardkeep_api.document_bytes(u.o_fields, u.o_design)) as past
			from up u) q) p;
	if v_noting is not null then
		perform cardkeep_api.note_change(v_users[t.i], t.lot, t.past, t.bytes)
		from unnest(v_noting, v_lots, v_left, v_sizes) t(i, lot, past, bytes);
	end if;

	return query
	select d.i, 200, d.version, false, '', d.body
	from unnest(v_done, v_versions, v_bodies) d(i, version, body);
	if cardinality(v_done) = cardinality(p_card) then
		return;
	end if;
	-- One snapshot shows the card and its history, so a repeat cannot slip between the two.
	return query
	select n.i::integer, a.*
	from unnest(p_card, v_users, v_sessions, v_writes, p_expected, p_name, p_template, p_fields,
		p_design, p_public) with ordinality
		n(card, user_id, session_id, write, expected, name, template, fields, design, public, i)
	left join lateral (
		select c.* from cardkeep.business_cards c
		where c.id = n.card::uuid and c.user_id = n.user_id
		limit 1) b on true
	left join lateral (
		-- One by one: of an array the plan would make a filter over the whole history.
		select h.version from unnest(n.expected::integer[]) e(version)
		cross join lateral (
			select t.version from cardkeep.business_card_versions t
			where t.card_id = n.card::uuid and t.version = e.version::bigint + 1
				and t.write_id = n.write and not t.is_deletion
			limit 1) h
		limit 1) w on true
	cross join lateral cardkeep_api.card_refusal(b, w.version, n.user_id, n.card::uuid,
		n.expected::integer[], row(n.name, n.template, n.fields::jsonb, n.design::jsonb,
			n.public::boolean)) a
	where n.session_id is not null and n.write is not null and (n.i = any (v_done)) is not true;
	if array_position(v_sessions, null) is null and array_position(v_writes, null) is null then
		return;
	end if;
	return query
	select k, a.* from generate_series(1, cardinality(p_card)) k
	cross join lateral cardkeep_api.update_card(p_token_hash[k], p_write[k]::uuid, p_card[k]::uuid,
		p_expected[k]::integer[], row(p_name[k], p_template[k], p_fields[k]::jsonb,
			p_design[k]::jsonb, p_public[k]::boolean), p_key[k]::uuid) a
	where v_sessions[k] is null or v_writes[k] is null;
end
$$;
comment on function cardkeep_api.update_cards is 'update_card for each item; of several items that fit the version of a card, or have one key, one is applied and the others are settled after it. Tries the keys, then the rows (no key update, skip locked) in one statement; what that did not serve is answered as in update_card, or goes through it where its key is held or spent. Never waits.';

commit;
