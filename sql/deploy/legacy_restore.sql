-- Deploy cardkeep:legacy_restore to pg
--
-- The way back. Rows that changed since the upgrade are written into the old tables, field by field:
-- a value that nobody touched stays the old one to the byte, whatever Cardkeep had made of it. New
-- rows are inserted, deleted ones deleted. What an old table refuses (a user whom its foreign key
-- does not know, a longer text than it holds) is listed in unreturned_rows.
--
-- And nothing of Cardkeep's own is lost: every table of it is copied into schema cardkeep_kept before
-- the migrations take it down, accounts and history included. The next upgrade takes them up from
-- there, so that versions go on, slugs stay retired and people still can sign in; what the old
-- programs wrote in between is one version more.

begin;

set local role cardkeep_owner;

create view cardkeep_legacy.rows_now as
	select 'business_cards' as kind, b.id, to_jsonb(b) - 'last_write' as row
	from cardkeep.business_cards b
	union all
	select 'personal_info', p.user_id, to_jsonb(p) - 'last_write' from cardkeep.personal_info p
	union all
	select 'professional_info', p.user_id, to_jsonb(p) - 'last_write'
	from cardkeep.professional_info p;
comment on view cardkeep_legacy.rows_now is 'Cards and profiles as they are now, in one shape';

create view cardkeep_legacy.rows_then as
	select 'business_cards' as kind, c.id, to_jsonb(k) as row, c.place
	from cardkeep_legacy.carried_cards c
	cross join lateral (select c.id, c.user_id, c.name, c.slug, c.template_type, c.fields_config,
		c.design_config, c.is_public, c.version, c.created_at, c.updated_at) k
	union all
	select p.kind, p.user_id, p.fields || jsonb_build_object('user_id', p.user_id, 'version',
		p.version, 'created_at', p.created_at, 'updated_at', p.updated_at), p.place
	from cardkeep_legacy.carried_profiles p where p.rank = 1;
comment on view cardkeep_legacy.rows_then is 'The rows of the old tables as Cardkeep can keep them, in the same shape, and where they are';

create function cardkeep_legacy.write_as(p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_type regtype := cardkeep_legacy.column_type(p_table, p_column);
	v_field name := cardkeep_legacy.field_of(p_table, p_column);
begin
	return case
		when v_field = 'is_public'
			then cardkeep_legacy.write_visibility((select v.says
				from cardkeep_legacy.visibility_of(p_table) v where v.name = p_column), v_type)
		when p_column in ('id', 'user_id') and v_type <> 'uuid'::regtype
			then format(case when v_type in ('text'::regtype, 'character varying'::regtype) then '%s'
				else '(%s)::%s' end, format('coalesce((select i.was from cardkeep_legacy.old_ids i
				where i.kind = %1$L and i.id = ($1 ->> %1$L)::uuid), $1 ->> %1$L)', p_column), v_type)
		when v_type in ('timestamp'::regtype, 'date'::regtype)
			then format('($1 ->> %L)::timestamptz at time zone ''UTC''', v_field)
		when v_type in ('json'::regtype, 'jsonb'::regtype)
			then format('($1 -> %L)::%s', v_field, v_type)
		when v_type in ('text'::regtype, 'character varying'::regtype, 'character'::regtype)
			then format('$1 ->> %L', v_field)
		else format('($1 ->> %L)::%s', v_field, v_type) end;
end
$$;
comment on function cardkeep_legacy.write_as is 'SQL that makes a value for a column of an old table from a row given as JSON in $1. A text that the column cannot hold is refused there, not cut. Locks nothing.';

create function cardkeep_legacy.write_visibility(p_says text, p_type regtype) returns text
language sql immutable parallel safe
return format(case p_type when 'boolean'::regtype then '%1$s' when 'text'::regtype then '(%1$s)::text'
	when 'character varying'::regtype then '(%1$s)::text' else '(%1$s)::integer' end,
	case p_says when 'shown' then '($1 ->> ''is_public'')::boolean'
	else 'not ($1 ->> ''is_public'')::boolean' end);
comment on function cardkeep_legacy.write_visibility is 'SQL that says in a column of an old table whether the row given in $1 is shown. Locks nothing.';

create function cardkeep_legacy.write_back(p_table regclass, p_now jsonb, p_then jsonb, p_place tid)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_names text;
	v_values text;
begin
	if p_now is null then
		execute format('delete from %s where ctid = $1', p_table) using p_place;
		return;
	end if;
	select string_agg(format('%I', c.name), ', '),
		string_agg(cardkeep_legacy.write_as(p_table, c.name), ', ')
	into v_names, v_values
	from cardkeep_legacy.columns_of(p_table) c
	cross join lateral (select cardkeep_legacy.field_of(p_table, c.name) as name) f
	where p_now ? f.name and (p_then is null or c.name in ('updated_at', 'version')
		or c.name not in ('id', 'user_id', 'created_at') and p_now -> f.name <> p_then -> f.name);
	if p_then is null then
		execute format('insert into %s (%s) overriding system value values (%s)', p_table, v_names,
			v_values)
		using p_now;
	elsif v_names is not null then
		execute format('update %s set (%s) = row (%s) where ctid = $2', p_table, v_names, v_values)
		using p_now, p_place;
	end if;
end
$$;
comment on function cardkeep_legacy.write_back is 'Writes one row into an old table: what changed of one that it has, all of one that it has not; removes one that is gone. Locks the row.';

create function cardkeep_legacy.give_rows_back(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_ignored text[] := '{id,user_id,created_at,updated_at}';
	d record;
	v_count bigint := 0;
begin
	if cardkeep_legacy.column_type(v_table, 'version') is null then
		v_ignored := v_ignored || 'version'::text;
	end if;
	for d in
		select n.id, n.row as now, t.row as before, t.place
		from (select r.* from cardkeep_legacy.rows_now r where r.kind = p_kind) n
		full join (select r.* from cardkeep_legacy.rows_then r where r.kind = p_kind) t on t.id = n.id
		where n.row - v_ignored is distinct from t.row - v_ignored
	loop
		begin
			perform cardkeep_legacy.write_back(v_table, d.now, d.before, d.place);
			v_count := v_count + 1;
		exception when integrity_constraint_violation or data_exception then
			insert into cardkeep.unreturned_rows (kind, entity_id, now, reason)
			values (p_kind, d.id, coalesce(d.now, d.before), sqlerrm);
		end;
	end loop;
	raise notice 'rollback: % rows of % written back; % refused, see cardkeep_kept.unreturned_rows',
		v_count, p_kind, (select count(*) from cardkeep.unreturned_rows u where u.kind = p_kind);
end
$$;
comment on function cardkeep_legacy.give_rows_back is 'Brings an old table up to date with what was written since the upgrade. What it refuses is listed. Locks each row that it writes.';

create function cardkeep_legacy.keep() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table name;
begin
	create schema cardkeep_kept authorization cardkeep_owner;
	comment on schema cardkeep_kept is 'What Cardkeep had when its upgrade was reverted; the next upgrade takes it up again';
	for v_table in
		select c.relname from pg_class c
		where c.relnamespace = 'cardkeep'::regnamespace and c.relkind = 'r'
	loop
		execute format('create table cardkeep_kept.%1$I as table cardkeep.%1$I', v_table);
		perform cardkeep_legacy.close_to_others(format('cardkeep_kept.%I', v_table)::regclass);
		execute format('alter table cardkeep_kept.%I owner to cardkeep_owner', v_table);
	end loop;
end
$$;
comment on function cardkeep_legacy.keep is 'Copies all tables of Cardkeep''s into schema cardkeep_kept. Locks nothing.';

-- Who leaves, leaves the old tables too

create function cardkeep_legacy.forget_row(p_kind text, p_ids uuid[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := to_regclass(format('cardkeep_legacy.%I', p_kind));
	v_key name := case p_kind when 'business_cards' then 'id' else 'user_id' end;
begin
	delete from cardkeep.upgrade_changes c where c.kind = p_kind and c.entity_id = any (p_ids);
	delete from cardkeep_legacy.old_ids i where i.kind = v_key and i.id = any (p_ids);
	if v_table is not null then
		execute format('delete from %s o where %s = any ($1)', v_table,
			cardkeep_legacy.read_as(v_table, v_key, 'uuid'))
		using p_ids;
	end if;
end
$$;
comment on function cardkeep_legacy.forget_row is 'Deletes rows that were put aside, and what is listed about them. Waits for those rows, which nobody else has business with.';

create function cardkeep_legacy.rows_of(p_kind text, p_user uuid) returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	if p_kind = 'business_cards' then
		return array(
			select b.id from cardkeep.business_cards b where b.user_id = p_user
			union all
			select r.card_id from cardkeep.retired_slugs r
			where r.user_id = p_user and r.card_id is not null);
	end if;
	return array(
		select (c.was #>> '{}')::uuid from cardkeep.upgrade_changes c
		where c.kind = p_kind and c.entity_id = p_user and c.field = 'user_id' and c.reason = 'adopted'
		union all
		select p_user
		where not exists (select from cardkeep.upgrade_changes c
			where c.kind = p_kind and c.was = to_jsonb(p_user) and c.field = 'user_id'
				and c.reason = 'adopted'));
end
$$;
comment on function cardkeep_legacy.rows_of is 'The ids of a user''s rows of one kind from before Cardkeep: of cards their own, of profiles the user id that each came with; what was adopted is the account''s alone, kind by kind. Locks nothing.';

create function cardkeep_legacy.forget_cards(p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := cardkeep_legacy.rows_of('business_cards', p_user);
begin
	delete from cardkeep.business_cards b where b.user_id = p_user;
	update cardkeep.retired_slugs r set user_id = null where r.user_id = p_user;
	delete from cardkeep.business_card_versions h where h.card_id = any (v_cards);
	perform cardkeep_api.forget_pruned('business_cards', v_cards);
end
$$;
comment on function cardkeep_legacy.forget_cards is 'Deletes the cards of somebody who waits, their history and what was put aside of them; their slugs stay retired. Waits for the cards'' rows, and for the advisory locks of young cards'' slugs.';

create function cardkeep_legacy.forget_profile(p_kind text, p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- Before its history, so that nobody adds to that. Of a user who stays, nothing is deleted but what is
	-- said to be pruned: all of it.
	execute format('delete from cardkeep.%I p where p.user_id = $1', p_kind) using p_user;
	delete from cardkeep.pruned_histories p where p.kind = p_kind and p.id = p_user;
	insert into cardkeep.pruned_histories (kind, id, first, began_at)
	values (p_kind, p_user, 2147483647, clock_timestamp());
	execute format('delete from cardkeep.%I h where h.user_id = $1', p_kind || '_versions') using p_user;
	delete from cardkeep.pruned_histories p where p.kind = p_kind and p.id = p_user;
	perform cardkeep_legacy.forget_row(p_kind, cardkeep_legacy.rows_of(p_kind, p_user));
end
$$;
comment on function cardkeep_legacy.forget_profile is 'Deletes a profile of somebody who waits, its history and what was put aside of it. Waits for the profile''s row.';

create function cardkeep_legacy.forget_rows(p_kind text, p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if p_kind = 'business_cards' then
		perform cardkeep_legacy.forget_cards(p_user);
	else
		perform cardkeep_legacy.forget_profile(p_kind, p_user);
	end if;
	-- With the last of it the user goes.
	delete from cardkeep.users u where u.id = p_user
		and not exists (select from cardkeep.business_cards b where b.user_id = p_user)
		and not exists (select from cardkeep_api.profiles p where p.user_id = p_user);
end
$$;
comment on function cardkeep_legacy.forget_rows is 'Deletes what somebody who waits has of one kind, as if it had never been, and the user where nothing else is left. Waits for those rows, then for the user''s.';

create function cardkeep_legacy.forget_user() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := cardkeep_legacy.rows_of('business_cards', old.id);
begin
	-- A waiting user with nothing left was adopted: the rows are somebody's.
	perform from cardkeep_api.profiles p where p.user_id = old.id;
	if found or num_nonnulls(old.email, old.closed_at) > 0 or v_cards <> '{}' then
		perform cardkeep_legacy.forget_row('business_cards', v_cards);
		perform cardkeep_legacy.forget_row(k, cardkeep_legacy.rows_of(k, old.id))
		from unnest(array['personal_info', 'professional_info']) k;
	end if;
	return old;
end
$$;
comment on function cardkeep_legacy.forget_user is 'Before an account goes: its rows from before Cardkeep, which were put aside, go too. Runs before the cards are forgotten. The account''s row is locked by the deletion.';

create trigger forget_before before delete on cardkeep.users
	for each row execute function cardkeep_legacy.forget_user();

-- And forth again

create function cardkeep_legacy.take_up_table(p_table name) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_columns text;
begin
	select string_agg(format('%I', k.attname), ', ') into v_columns
	from pg_attribute k join pg_attribute o
		on o.attrelid = format('cardkeep.%I', p_table)::regclass and o.attname = k.attname
	where k.attrelid = format('cardkeep_kept.%I', p_table)::regclass
		and k.attnum > 0 and not k.attisdropped and not o.attisdropped and o.attgenerated = '';
	execute format('insert into cardkeep.%1$I (%2$s) overriding system value
		select %2$s from cardkeep_kept.%1$I on conflict do nothing', p_table, v_columns);
end
$$;
comment on function cardkeep_legacy.take_up_table is 'Puts kept rows into their table again. Locks nothing but them.';

create function cardkeep_legacy.take_up() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table name;
begin
	-- What others refer to first, then history: the rows that it tells of find it there.
	for v_table in
		select c.relname from pg_class c
		where c.relnamespace = 'cardkeep_kept'::regnamespace and c.relkind = 'r'
			and to_regclass(format('cardkeep.%I', c.relname)) is not null
		order by c.relname <> 'users', c.relname not like '%\_versions', c.relname
	loop
		perform cardkeep_legacy.take_up_table(v_table);
		execute format('drop table cardkeep_kept.%I', v_table);
	end loop;
	drop schema cardkeep_kept;
	raise notice 'upgrade: took up what was kept when it was reverted';
end
$$;
comment on function cardkeep_legacy.take_up is 'Puts everything that was kept into Cardkeep''s tables again. Locks nothing but its rows.';

create function cardkeep_legacy.catch_up_cards() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.business_cards b
	where not exists (select from cardkeep_legacy.carried_cards c where c.id = b.id)
		and not exists (select from cardkeep.unreturned_rows u
			where u.kind = 'business_cards' and u.entity_id = b.id);
	update cardkeep.business_cards b
	set name = c.name, template_type = c.template_type, fields_config = c.fields_config,
		design_config = c.design_config, is_public = c.is_public
	from cardkeep_legacy.carried_cards c
	where c.id = b.id
		and not exists (select from cardkeep.unreturned_rows u
			where u.kind = 'business_cards' and u.entity_id = b.id)
		and not cardkeep_api.card_same(b, cardkeep_api.change_of(c.name, c.template_type,
			c.fields_config, c.design_config, c.is_public));
	perform cardkeep_legacy.catch_up_slug(c)
	from cardkeep_legacy.carried_cards c
	join cardkeep.business_cards b on b.id = c.id and b.slug is distinct from c.slug
	order by c.created_at, c.id;
end
$$;
comment on function cardkeep_legacy.catch_up_cards is 'Carries over what old programs did to cards between a revert and this upgrade, as direct SQL. The caller keeps others from writing cards.';

create function cardkeep_legacy.catch_up_slug(c cardkeep_legacy.carried_cards) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_slug text;
begin
	if cardkeep_legacy.is_slug(c.slug) then
		update cardkeep.business_cards b set slug = c.slug
		where b.id = c.id and not exists (select from cardkeep.retired_slugs r where r.slug = c.slug)
			and not exists (select from cardkeep.business_cards o where o.slug = c.slug);
		if found then
			return;
		end if;
	end if;
	select b.slug into v_slug from cardkeep.business_cards b where b.id = c.id;
	perform cardkeep_legacy.list_change('business_cards', c.id, 'slug', c.was -> 'slug',
		to_jsonb(v_slug), cardkeep_legacy.slug_fault(c.slug));
end
$$;
comment on function cardkeep_legacy.catch_up_slug is 'Gives a card the slug that an old program gave it; one that it cannot have is listed, and it keeps its own. The caller keeps others from writing cards.';

create function cardkeep_legacy.catch_up_profiles() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_legacy.update_profile(n.kind, n.user_id, n.version, p.fields)
	from cardkeep_legacy.carried_profiles p
	join cardkeep_api.profiles n on n.kind = p.kind and n.user_id = p.user_id and n.fields <> p.fields
	where p.rank = 1 and not exists (select from cardkeep.unreturned_rows u
		where u.kind = p.kind and u.entity_id = p.user_id);
end
$$;
comment on function cardkeep_legacy.catch_up_profiles is 'Carries over what old programs did to profiles between a revert and this upgrade, as direct SQL. Waits for each profile''s row.';

commit;
