-- Deploy cardkeep:legacy_views to pg
--
-- Programs from before Cardkeep go on under the names they know: where a table was put aside, a view
-- in schema public has its name, its columns in their order and types, and the version, and no other
-- column: it is open to whom the table was open, who never saw what that did not have. It shows
-- Cardkeep's rows. Columns that Cardkeep does not have come from the table that was put aside and
-- can only be read.
--
-- Writing through it is direct SQL on Cardkeep's tables, with their triggers, so versions and
-- history are kept. A view's row is of the statement's snapshot, which a table's is not after a wait:
-- so an update or a deletion of a row that somebody changed meanwhile is refused (40001): neither
-- ever hits what the statement has not seen.
--
-- In the place of a guarded table (row level security) stand two views, see gates.

begin;

set local role cardkeep_owner;

create function cardkeep_legacy.show_as(p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_field name := cardkeep_legacy.field_of(p_table, p_column);
	v_target text;
	v_kind "char";
begin
	select format_type(a.atttypid, a.atttypmod), t.typtype into v_target, v_kind
	from pg_attribute a join pg_type t on t.oid = a.atttypid
	where a.attrelid = p_table and a.attname = p_column and not a.attisdropped;
	if v_target like 'timestamp% without time zone' then
		return format('(c.%I at time zone ''UTC'')::%s', v_field, v_target);
	elsif v_kind = 'e' then
		return format('case when c.%1$I::text = any (enum_range(null::%2$s)::text[]) then c.%1$I::text::%2$s end',
			v_field, v_target);
	elsif p_column in ('id', 'user_id') and v_target <> 'uuid' then
		return format('coalesce((select i.was from cardkeep_legacy.old_ids i
			where i.kind = %1$L and i.id = c.%1$I)%3$s)::%2$s', p_column, v_target,
			case when v_target = 'text' or v_target like 'character%' then format(', c.%I::text', p_column)
			end);
	end if;
	return format('c.%I::%s', v_field, v_target);
end
$$;
comment on function cardkeep_legacy.show_as is 'SQL that shows one of Cardkeep''s columns in the type that the old table has for it; a word that is not in an enumeration there is null, an id that is no uuid there reads as the old programs know it, and as null where they cannot. Locks nothing.';

create function cardkeep_legacy.show_visibility(p_says text, p_type regtype) returns text
language sql immutable parallel safe
return format(case p_type when 'boolean'::regtype then '%1$s' when 'text'::regtype then '(%1$s)::%2$s'
	when 'character varying'::regtype then '(%1$s)::text::%2$s' else '(%1$s)::integer::%2$s' end,
	case p_says when 'shown' then 'c.is_public' else 'not c.is_public' end, p_type);
comment on function cardkeep_legacy.show_visibility is 'SQL that shows whether a card is shown in a column of an old table that says so, or that it is not. Locks nothing.';

create function cardkeep_legacy.view_column(p_kind text, p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_shown text;
begin
	if p_kind = 'business_cards' then
		select cardkeep_legacy.show_visibility(v.says, v.type) into v_shown
		from cardkeep_legacy.visibility_of(p_table) v
		where v.name = p_column and v.says in ('shown', 'hidden');
	end if;
	if v_shown is not null then
		return format('%s as %I', v_shown, p_column);
	elsif cardkeep_legacy.field_of(p_table, p_column) not in (select c.name
		from cardkeep_legacy.columns_of(format('cardkeep.%I', p_kind)) c)
	then
		return format('o.%I', p_column);
	end if;
	return format('%s as %I', cardkeep_legacy.show_as(p_table, p_column), p_column);
end
$$;
comment on function cardkeep_legacy.view_column is 'SQL of one column of an old table in the view in its place: Cardkeep''s where it has it, else what was put aside. Locks nothing.';

create function cardkeep_legacy.view_columns(p_kind text, p_table regclass) returns text
language sql stable set search_path = pg_catalog, pg_temp
-- Whoever could read the table reads the view. What the table did not have was never shown to him.
return (select string_agg(cardkeep_legacy.view_column(p_kind, p_table, c.name), ', ' order by c.number)
		|| case when cardkeep_legacy.column_type(p_table, 'version') is null then ', c.version' else '' end
	from cardkeep_legacy.columns_of(p_table) c);
comment on function cardkeep_legacy.view_columns is 'The columns of the view in an old table''s place: its own in their order, then the version where it had none. Locks nothing.';

create function cardkeep_legacy.old_row(p_kind text, p_table regclass) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_key name := 'id';
	v_ids text := 'c.id';
	v_order text;
begin
	if p_kind <> 'business_cards' then
		v_key := 'user_id';
		v_ids := format('c.user_id, (select (a.was #>> ''{}'')::uuid from cardkeep.upgrade_changes a
			where a.kind = %L and a.entity_id = c.user_id and a.field = ''user_id'')', p_kind);
	end if;
	select coalesce(string_agg(format('o.%I desc nulls last', c.name), ', ' order by c.number desc)
		|| ', ', '') || 'o.ctid' into v_order
	from cardkeep_legacy.columns_of(p_table) c where c.name in ('created_at', 'updated_at');
	return format('(select o.* from %s o where %s in (%s) order by %s limit 1)', p_table,
		cardkeep_legacy.read_as(p_table, v_key, 'uuid'), v_ids, v_order);
end
$$;
comment on function cardkeep_legacy.old_row is 'SQL that finds the old row of one of Cardkeep''s, adopted ones too; the newest where there are several. Locks nothing.';

create function cardkeep_legacy.grants_of(p_table regclass)
returns table (grantee text, what text, again boolean, role oid)
language sql stable
begin atomic
	select case g.grantee when 0 then 'public' else g.grantee::regrole::text end,
		g.privilege_type || coalesce(' (' || quote_ident(g.attname) || ')', ''), g.is_grantable, g.grantee
	from (
		select a.*, null::name as attname from pg_catalog.pg_class c, aclexplode(c.relacl) a
		where c.oid = p_table and a.grantee <> c.relowner
		union all
		select a.*, t.attname from pg_catalog.pg_class c
		join pg_catalog.pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped,
			aclexplode(t.attacl) a
		where c.oid = p_table and a.grantee <> c.relowner) g
	where g.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE');
end;
comment on function cardkeep_legacy.grants_of is 'Who but its owner may read and write a table, or columns of it. Locks nothing.';

create function cardkeep_legacy.copy_grants(p_view regclass, p_table regclass, p_owner name, p_inner boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_grantee text;
	v_right text;
	v_again boolean;
begin
	-- Granting only adds: on Supabase, default privileges open every new view in public to `anon`.
	perform cardkeep_legacy.close_to_others(p_view);
	execute format('grant select, insert, update, delete on %s to %I', p_view, p_owner);
	for v_grantee, v_right, v_again in
		select g.grantee, g.what, g.again from cardkeep_legacy.grants_of(p_table) g
		where not p_inner or exists (select from pg_roles r where r.oid = g.role
			and (r.rolsuper or r.rolbypassrls))
	loop
		execute format('grant %s on %s to %s%s', v_right, p_view, v_grantee,
			case when v_again then ' with grant option' end);
	end loop;
end
$$;
comment on function cardkeep_legacy.copy_grants is 'Opens a view in an old table''s place to whom the table was open and to nobody else; the inner of a guarded one to those alone whom no policy binds. Locks nothing but the view.';

create function cardkeep_legacy.copy_defaults(p_kind text, p_table regclass, p_view regclass)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_column name;
	v_default text;
begin
	for v_column, v_default in
		select a.attname, pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
		join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
		where d.adrelid = p_table and a.attgenerated = '' and not a.attisdropped
			and a.attname not in ('version', 'created_at', 'updated_at')
			and cardkeep_legacy.field_of(p_table, a.attname) in (select c.name
				from cardkeep_legacy.columns_of(format('cardkeep.%I', p_kind)) c)
	loop
		execute format('alter view %s alter column %I set default %s', p_view, v_column, v_default);
	end loop;
end
$$;
comment on function cardkeep_legacy.copy_defaults is 'Gives the view in an old table''s place the defaults of its columns, but for the version and the times, which are Cardkeep''s, and for columns that can only be read. Locks the view.';

create function cardkeep_legacy.make_ours(p_view regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- An owner must be allowed to make views where his view is.
	execute 'grant create on schema public to cardkeep_owner';
	execute format('alter view %s owner to cardkeep_owner', p_view);
	execute 'revoke create on schema public from cardkeep_owner';
end
$$;
comment on function cardkeep_legacy.make_ours is 'Gives a view in schema public to cardkeep_owner, who may read the tables under it. Locks the view.';

create function cardkeep_legacy.open_view(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_columns text := cardkeep_legacy.view_columns(p_kind, v_table);
	t cardkeep.upgraded_tables;
begin
	select u.* into t from cardkeep.upgraded_tables u where u.kind = p_kind;
	-- What a closed account has is being erased, and nobody's.
	execute format('create view public.%I as select %s from cardkeep.%I c %s
		where not exists (select from cardkeep.users u
			where u.id = c.user_id and u.closed_at is not null)', p_kind, v_columns, p_kind,
		case when v_columns ~ '\mo\.' then format('left join lateral %s o on true',
			cardkeep_legacy.old_row(p_kind, v_table)) end);
	execute format('comment on view public.%I is %L', p_kind, format('cardkeep.%s, for programs from before Cardkeep', p_kind));
	perform cardkeep_legacy.let_write(p_kind);
	perform cardkeep_legacy.copy_defaults(p_kind, v_table, format('public.%I', p_kind));
	perform cardkeep_legacy.make_ours(format('public.%I', p_kind));
	perform cardkeep_legacy.copy_grants(format('public.%I', p_kind), v_table, t.owner, t.is_guarded);
end
$$;
comment on function cardkeep_legacy.open_view is 'Puts the view in an old table''s place, of a guarded one the inner. Locks nothing but the view.';

create function cardkeep_legacy.let_write(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	execute format('create trigger write_%1$s instead of insert or update or delete on public.%1$I
		for each row execute function cardkeep_legacy.write_%2$s()', p_kind,
		case p_kind when 'business_cards' then 'card' else 'profile' end);
end
$$;
comment on function cardkeep_legacy.let_write is 'Has the view in an old table''s place carry out what is written through it. Locks the view.';

-- Writing

create function cardkeep_legacy.written(p_view regclass, p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_ours name[] := array(select c.name
		from cardkeep_legacy.columns_of(format('cardkeep.%I', (parse_ident(p_view::text))[2])) c);
	v_column text;
	v_field text;
	v_changes jsonb := '{}';
begin
	for v_column, v_field in select n.key, cardkeep_legacy.field_of(p_view, n.key::name) from jsonb_each(p_new) n
		where n.value is distinct from coalesce(p_old -> n.key, 'null')
	loop
		if not v_field = any (v_ours) then
			raise exception 'column "%" of % can only be read since the upgrade to Cardkeep', v_column, p_view
				using errcode = 'feature_not_supported';
		elsif v_field in ('id', 'user_id') and p_old ? v_field then
			raise exception 'column "%" of % cannot be changed since the upgrade to Cardkeep', v_field, p_view
				using errcode = 'feature_not_supported',
					hint = 'A row keeps its id and its owner; see "cardkeep user adopt".';
		end if;
		v_changes := v_changes || jsonb_build_object(v_field, case
			when v_field in ('id', 'user_id') then to_jsonb(cardkeep_legacy.uuid_of(p_new ->> v_field))
			when v_field in ('fields_config', 'design_config') and jsonb_typeof(p_new -> v_field) = 'string'
			then (p_new ->> v_field)::jsonb else p_new -> v_column end);
	end loop;
	return v_changes;
end
$$;
comment on function cardkeep_legacy.written is 'The columns that a statement on a view in public changes, as Cardkeep calls them; a column that Cardkeep does not have, and another id or owner of a row that is there, are refused with 0A000. Locks nothing.';

create function cardkeep_legacy.said(p_row jsonb, p_name name, p_says text) returns boolean
language sql immutable parallel safe
return (lower((p_row ->> p_name::text) collate "C") in ('t', 'true', '1', 'y', 'yes', 'on'))
	= (p_says = 'shown');
comment on function cardkeep_legacy.said is 'Whether a row says by one of its columns that it is shown; null where that is null. Locks nothing.';

create function cardkeep_legacy.is_shown(p_view regclass, p_new jsonb, p_old jsonb) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_names text[] := '{}';
	v_all boolean := true; -- every column says so
	v_changed boolean := false;
	v_off boolean := false; -- one that the statement changes does not
	v_since text; -- a time that hides it, which can only be read
	v_said boolean;
	v record;
begin
	for v in select n.name, n.says from cardkeep_legacy.visibility_of(p_view) n
	loop
		if v.says = 'since' then
			v_since := case when p_new ->> v.name::text is null then v_since else v.name::text end;
			continue;
		end if;
		v_names := v_names || v.name::text;
		v_said := coalesce(cardkeep_legacy.said(p_new, v.name, v.says), false);
		v_all := v_all and v_said;
		if p_new -> v.name::text is distinct from p_old -> v.name::text then
			v_changed := true;
			v_off := v_off or not v_said;
		end if;
	end loop;
	if p_old = '{}' or not v_changed or v_off then
		return case when p_old = '{}' then v_all when v_off then false end;
	elsif not v_all then
		raise exception 'a card is shown where % say so: set them in one statement',
			array_to_string(v_names, ' and ') using errcode = 'feature_not_supported';
	elsif v_since is not null then
		raise exception 'a card with a % is not shown, and that can only be read since the upgrade to Cardkeep',
			v_since using errcode = 'feature_not_supported';
	end if;
	return true;
end
$$;
comment on function cardkeep_legacy.is_shown is 'Whether a card is shown after a statement on its view, where several columns may say it; null where an update does not say. One that is switched off hides it; all have to be switched on in one statement to show it, and no time may hide it, else 0A000. Locks nothing.';

create function cardkeep_legacy.with_one_visibility(p_view regclass, p_new jsonb, p_old jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_names text[] := array(select v.name
		from cardkeep_legacy.visibility_of(p_view) v where v.says <> 'since');
	v_shown boolean := cardkeep_legacy.is_shown(p_view, p_new, p_old);
begin
	return p_new - v_names || case when v_shown is null then '{}'
		else jsonb_build_object('is_public', v_shown) end;
end
$$;
comment on function cardkeep_legacy.with_one_visibility is 'A row of the view with is_public alone for all columns that say whether the card is shown, and without it where the statement does not say. Locks nothing.';

create function cardkeep_legacy.fitted(p_changes jsonb, p_slug text) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_fit jsonb := cardkeep_legacy.fit_card(p_changes, p_slug);
	v_slug text := v_fit ->> 'slug';
begin
	-- Made of what was given, and not the card's own: it may be somebody's.
	if v_slug <> p_changes ->> 'slug' and v_slug is distinct from p_slug then
		return v_fit || jsonb_build_object('slug', cardkeep.generate_unique_slug(v_slug));
	end if;
	return v_fit;
end
$$;
comment on function cardkeep_legacy.fitted is 'What a statement on the view of cards writes, made to fit as the upgrade did with what was there: a name, a template, a slug that breaks the rule, which becomes a free one made of it (the card''s own where it comes to that). Takes the advisory locks of slugs, never waits.';

create function cardkeep_legacy.shown(p_view regclass, p_row jsonb, p_given jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return coalesce((select jsonb_object_agg(v.name, cardkeep_legacy.as_type(
			(p_row -> 'is_public')::boolean = (v.says = 'shown'), v.type))
		from cardkeep_legacy.visibility_of(p_view) v
		where p_row ? 'is_public' and v.says <> 'since'), '{}')
	|| (select jsonb_object_agg(v.name, p_row -> c.name)
		from cardkeep_legacy.columns_of(p_view) v
		join cardkeep_legacy.columns_of(format('cardkeep.%I', (parse_ident(p_view::text))[2])) c
			on c.name = cardkeep_legacy.field_of(p_view, v.name) and (c.type = v.type
				or v.type in ('timestamp'::regtype, 'json'::regtype, 'bigint'::regtype, 'text'::regtype,
					'character varying'::regtype))
		where (p_given is null or p_given ? c.name or c.name in ('version', 'updated_at'))
			and not (v.type <> 'uuid'::regtype and c.name in ('id', 'user_id')) and c.name <> 'is_public');
end
$$;
comment on function cardkeep_legacy.shown is 'What a statement on a view in public can return of the row that it wrote: all of a new one, what it changed of another. Locks nothing.';

create function cardkeep_legacy.admit_user(p_kind text, p_user uuid, p_was text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_constraint text;
begin
	if p_user is null then
		raise exception 'user_id must be given' using errcode = 'not_null_violation';
	end if;
	insert into cardkeep.users (id) values (p_user) on conflict do nothing;
	if cardkeep_legacy.column_type(format('cardkeep_legacy.%I', p_kind), 'user_id') <> 'uuid'::regtype then
		insert into cardkeep_legacy.old_ids (kind, id, was) values ('user_id', p_user, p_was)
		on conflict do nothing;
	end if;
	if to_regclass(format('cardkeep_legacy.people_of_%s', p_kind)) is not null then
		execute format('insert into cardkeep_legacy.people_of_%1$s (id, user_id)
			select $1, (jsonb_populate_record(null::cardkeep_legacy.people_of_%1$s,
				jsonb_build_object(''user_id'', $2))).user_id on conflict (id) do nothing', p_kind)
		using p_user, p_was;
	end if;
exception when foreign_key_violation then
	get stacked diagnostics v_constraint = constraint_name;
	raise exception 'insert or update on table "%" violates foreign key constraint "%"', p_kind, v_constraint
		using errcode = 'foreign_key_violation', constraint = v_constraint, detail = format(
			'Key (user_id)=(%s) is not there.', p_was);
end
$$;
comment on function cardkeep_legacy.admit_user is 'A waiting user for an id that no account has: programs from before Cardkeep have people of their own, and where a foreign key of the old table says whose an id has to be, it must be one of those (23503). Waits for somebody who makes the same.';

create function cardkeep_legacy.check_fresh(p_found boolean, p_exists boolean, p_what text)
returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
	if not p_found and p_exists then
		raise exception '% was changed since this statement began: nothing was written', p_what
			using errcode = 'serialization_failure', hint = 'Read it and try again.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_fresh is 'Refuses an update or a deletion that would hit what the statement has not seen, with 40001. Locks nothing.';

create function cardkeep_legacy.write_card() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
	v_changes jsonb;
	v_id text;
	c cardkeep.business_cards;
begin
	if tg_op = 'DELETE' then
		delete from cardkeep.business_cards b where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')
			and b.version = (v_old ->> 'version')::integer
		returning b.* into c;
		perform cardkeep_legacy.check_fresh(c.id is not null, exists (select
			from cardkeep.business_cards b where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')), 'the card');
		return case when c.id is not null then old end;
	end if;
	v_changes := cardkeep_legacy.fitted(cardkeep_legacy.written(tg_relid,
		cardkeep_legacy.with_one_visibility(tg_relid, to_jsonb(new), v_old), v_old), v_old ->> 'slug');
	if tg_op = 'INSERT' then
		perform cardkeep_legacy.admit_user(tg_table_name, (v_changes ->> 'user_id')::uuid,
			to_jsonb(new) ->> 'user_id');
		v_id := coalesce(to_jsonb(new) ->> 'id', cardkeep_legacy.next_id());
		c := cardkeep_legacy.insert_card(v_changes, v_id);
		new := jsonb_populate_record(new, jsonb_build_object('id', coalesce(v_id, c.id::text)));
	else
		update cardkeep.business_cards b
		set (name, slug, template_type, fields_config, design_config, is_public) =
			(select r.name, r.slug, r.template_type, r.fields_config, r.design_config, r.is_public
			from jsonb_populate_record(b, v_changes) r)
		where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')
			and b.version = (v_old ->> 'version')::integer
		returning b.* into c;
		perform cardkeep_legacy.check_fresh(c.id is not null, exists (select
			from cardkeep.business_cards b where b.id = cardkeep_legacy.uuid_of(v_old ->> 'id')), 'the card');
		if c.id is null then
			return null;
		end if;
	end if;
	new := jsonb_populate_record(new, cardkeep_legacy.shown(tg_relid, to_jsonb(c),
		case tg_op when 'UPDATE' then v_changes end));
	return new;
end
$$;
comment on function cardkeep_legacy.write_card is 'Carries a statement on public.business_cards out on the cards, as direct SQL: the version rises, history is kept, a deleted slug is retired. An update changes only what the statement changes; it and a deletion are refused with 40001 where somebody changed the card meanwhile; id, owner and times stay. Waits for the card''s row, then as the triggers of the cards.';

create function cardkeep_legacy.next_id() returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_sequence text := (select pg_get_serial_sequence(a.attrelid::regclass::text, 'id')
		from pg_attribute a where a.attrelid = 'cardkeep_legacy.business_cards'::regclass
			and a.attname = 'id' and a.attidentity <> '');
begin
	return nextval(v_sequence::regclass);
end
$$;
comment on function cardkeep_legacy.next_id is 'The next id where the old table of cards made its own as an identity column does; else null. Locks nothing.';

create function cardkeep_legacy.insert_card(p_row jsonb, p_id text) returns cardkeep.business_cards
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	r cardkeep.business_cards := jsonb_populate_record(null::cardkeep.business_cards, p_row);
	c cardkeep.business_cards;
begin
	r.id := coalesce(cardkeep_legacy.uuid_of(p_id), gen_random_uuid());
	if cardkeep_legacy.column_type('cardkeep_legacy.business_cards', 'id') <> 'uuid'::regtype then
		insert into cardkeep_legacy.old_ids (kind, id, was) values ('id', r.id, coalesce(p_id, r.id::text))
		on conflict do nothing;
	end if;
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, created_at)
	values (r.id, r.user_id, cardkeep_legacy.clean_name(r.name),
		coalesce(r.slug, cardkeep.generate_unique_slug(r.name)),
		coalesce(r.template_type, 'personal-small'), coalesce(r.fields_config, '{}'),
		coalesce(r.design_config, '{}'), coalesce(r.is_public, true),
		coalesce(cardkeep_legacy.clean_time(r.created_at), clock_timestamp()))
	returning * into c;
	return c;
end
$$;
comment on function cardkeep_legacy.insert_card is 'A card that a program from before Cardkeep makes, under the id that it gives; without a slug it gets a free one. Raises 23505 for a slug that a card has or had. Waits for the slug''s advisory lock.';

create function cardkeep_legacy.write_profile() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
	v_changes jsonb;
	v_row jsonb;
begin
	if tg_op = 'DELETE' then
		raise exception 'a profile is not deleted: clear its fields, or delete the account'
			using errcode = 'feature_not_supported';
	end if;
	v_changes := cardkeep_legacy.written(tg_relid, to_jsonb(new), v_old);
	if tg_op = 'INSERT' then
		perform cardkeep_legacy.admit_user(tg_table_name, (v_changes ->> 'user_id')::uuid,
			to_jsonb(new) ->> 'user_id');
		v_row := cardkeep_legacy.insert_profile(tg_table_name, v_changes);
	else
		v_row := cardkeep_legacy.update_profile(tg_table_name,
			cardkeep_legacy.uuid_of(v_old ->> 'user_id'), (v_old ->> 'version')::integer, v_changes);
	end if;
	if v_row is null then
		return null;
	end if;
	new := jsonb_populate_record(new, cardkeep_legacy.shown(tg_relid, v_row,
		case tg_op when 'UPDATE' then v_changes end));
	return new;
end
$$;
comment on function cardkeep_legacy.write_profile is 'Carries a statement on public.personal_info or public.professional_info out on the profiles, as write_card does on cards. Waits for the profile''s row, and for the advisory lock of a first one.';

create function cardkeep_legacy.insert_profile(p_kind text, p_row jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	-- A time that is none of ours is the moment's.
	v_row jsonb := p_row || jsonb_build_object('version', 1, 'created_at',
		cardkeep_legacy.clean_time((p_row ->> 'created_at')::timestamptz));
begin
	if p_kind = 'personal_info' then
		insert into cardkeep.personal_info as p
		select r.* from jsonb_populate_record(null::cardkeep.personal_info, v_row) r
		returning to_jsonb(p) into v_row;
	else
		insert into cardkeep.professional_info as p
		select r.* from jsonb_populate_record(null::cardkeep.professional_info, v_row) r
		returning to_jsonb(p) into v_row;
	end if;
	return v_row;
end
$$;
comment on function cardkeep_legacy.insert_profile is 'A first profile that a program from before Cardkeep writes. Waits for the advisory lock of the first profile.';

create function cardkeep_legacy.update_profile(p_kind text, p_user uuid, p_version integer,
	p_changes jsonb)
returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_row jsonb;
begin
	if p_kind = 'personal_info' then
		update cardkeep.personal_info p
		set (full_name, primary_email, secondary_email, primary_phone, secondary_phone, website,
			address) = (select r.full_name, r.primary_email, r.secondary_email, r.primary_phone,
			r.secondary_phone, r.website, r.address from jsonb_populate_record(p, p_changes) r)
		where p.user_id = p_user and p.version = p_version
		returning to_jsonb(p) into v_row;
	else
		update cardkeep.professional_info p
		set (job_title, company_name, department, work_email, work_phone, work_address,
			company_website, linkedin_url) = (select r.job_title, r.company_name, r.department,
			r.work_email, r.work_phone, r.work_address, r.company_website, r.linkedin_url
			from jsonb_populate_record(p, p_changes) r)
		where p.user_id = p_user and p.version = p_version
		returning to_jsonb(p) into v_row;
	end if;
	perform cardkeep_legacy.check_fresh(v_row is not null, exists (select
		from cardkeep_api.profiles p where p.kind = p_kind and p.user_id = p_user), 'the profile');
	return v_row;
end
$$;
comment on function cardkeep_legacy.update_profile is 'Changes a profile that is at this version still; else 40001, or null where it is gone. Waits for the profile''s row.';

commit;
