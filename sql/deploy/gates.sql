-- Deploy cardkeep:gates to pg
--
-- The policies of a guarded table (row level security) cannot guard a view of other rows. So each
-- becomes a part of functions, the gates, that are asked which rows a statement may see and write.
-- They are asked with the caller's own rights, as a policy is: what it looks up, it looks up as he, and
-- whom it is about is he.
--
-- In the place of a guarded table stand two views. The inner shows all rows, and is for those whom the
-- policies never bound, which is where the owner's own views go; the outer asks the gates of each row,
-- and its triggers of each that is written. Gates and inner views are in cardkeep_doors, whose names
-- everybody may use: as their callers do triggers look for them.

begin;

set local role cardkeep_owner;

-- What was just made is closed first: granting only adds, and default privileges may have opened it.

create function cardkeep_legacy.close_all(p_what text, p_granted aclitem[], p_owner oid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_grantee text;
begin
	for v_grantee in
		select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end
		from aclexplode(p_granted) a where a.grantee <> p_owner
	loop
		execute format('revoke all on %s from %s cascade', p_what, v_grantee);
	end loop;
end
$$;
comment on function cardkeep_legacy.close_all is 'Leaves what was just made to its owner alone, whatever default privileges gave to others. Locks nothing.';

create function cardkeep_legacy.close_to_others(p_relation regclass) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select cardkeep_legacy.close_all(c.oid::regclass::text, c.relacl, c.relowner)
	from pg_catalog.pg_class c where c.oid = p_relation;
end;
comment on function cardkeep_legacy.close_to_others is 'close_all for a table or a view. Locks nothing.';

create function cardkeep_legacy.close_function(p_function regprocedure) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select cardkeep_legacy.close_all('function ' || p.oid::regprocedure::text,
		coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)), p.proowner)
	from pg_catalog.pg_proc p where p.oid = p_function;
end;
comment on function cardkeep_legacy.close_function is 'close_all for a function. Locks nothing.';

create function cardkeep_legacy.close_schema(p_schema regnamespace) returns void
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select cardkeep_legacy.close_all('schema ' || n.oid::regnamespace::text, n.nspacl, n.nspowner)
	from pg_catalog.pg_namespace n where n.oid = p_schema;
end;
comment on function cardkeep_legacy.close_schema is 'close_all for a schema. Locks nothing.';

create function cardkeep_doors.is_exempt(p_owner name, p_forced boolean) returns boolean
language sql stable
return coalesce((select r.rolsuper or r.rolbypassrls from pg_catalog.pg_roles r
		where r.rolname = current_user), false)
	or not p_forced and coalesce(pg_catalog.pg_has_role(current_user,
		to_regrole(quote_ident(p_owner::text))::oid, 'usage'), false);
comment on function cardkeep_doors.is_exempt is 'Whether the policies of a table with this owner, forced on him or not, do not bind the caller. Locks nothing.';
grant execute on function cardkeep_doors.is_exempt to public;

-- These act with their caller's rights, on his search path, as policies do, which may need it. So they
-- name the schema of all that they use, and leave no operator to be looked up.
create function cardkeep_doors.ask(p_gate text, p_kind text, p_row record) returns boolean
language plpgsql volatile
as $$
declare
	v_may boolean;
begin
	execute pg_catalog.format('select cardkeep_doors.%I(row(($1).*)::cardkeep_doors.%I)',
		pg_catalog.format('may_%s_%s', p_gate, p_kind), p_kind) into v_may using p_row;
	return v_may is true;
end
$$;
comment on function cardkeep_doors.ask is 'What a gate says of a row. Acts with the caller''s rights. Locks nothing.';

-- A policy is to judge what is kept, which is not always what was typed: 'yes' is kept as true, and 'Premium'
-- as 'premium'. Else one that forbids a value lets its other spellings in.

-- Columns that say whether a card is shown have one say: where one is switched off, all are.
create function cardkeep_legacy.switched(p_new jsonb, p_old jsonb, p_says jsonb) returns jsonb
language sql immutable parallel safe
begin atomic
	select coalesce(jsonb_object_agg(s.key, s.value -> case when s.all_shown then 2 else 1 end)
		-- An update that says nothing of it leaves it; one that switches on by half is refused.
		filter (where p_old = '{}' or s.any_off or s.any_changed and s.all_shown), '{}')
	from (
		select v.key, v.value, bool_and(w.shown) over () as all_shown, bool_or(w.changed) over () as any_changed,
			bool_or(w.changed and not w.shown) over () as any_off
		from jsonb_each(p_says) v
		cross join lateral (select p_new -> v.key is distinct from p_old -> v.key as changed,
			coalesce((lower((p_new ->> v.key) collate "C") in ('t', 'true', '1', 'y', 'yes', 'on'))
				= (v.value ->> 0 = 'shown'), false) as shown) w) s;
end;
comment on function cardkeep_legacy.switched is 'The columns that say whether a card is shown as they are kept after a statement on its view; p_says has for each what it says, and what it is when off and when on. Locks nothing.';

create function cardkeep_legacy.kept_card(p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_kept jsonb;
	v_field text;
	v_document jsonb;
begin
	select coalesce(jsonb_object_agg(n.key, n.value), '{}') into v_kept from jsonb_each(p_new) n
	where n.key in ('name', 'slug', 'template_type') and n.value is distinct from p_old -> n.key;
	v_kept := cardkeep_legacy.fit_card(v_kept, p_old ->> 'slug');
	if p_old = '{}' then
		v_kept := v_kept || jsonb_build_object('name', cardkeep_legacy.clean_name(v_kept ->> 'name'));
		-- Of a name the card gets a slug, maybe with six characters more.
		v_kept := v_kept || jsonb_build_object('slug',
			coalesce(v_kept ->> 'slug', cardkeep_api.slugify(v_kept ->> 'name')));
	end if;
	foreach v_field in array array['fields_config', 'design_config']
	loop
		v_document := case jsonb_typeof(p_new -> v_field) when 'string'
			then cardkeep_legacy.json_of(p_new ->> v_field) else p_new -> v_field end;
		v_kept := v_kept || jsonb_build_object(v_field, case when p_old = '{}'
			then coalesce(nullif(v_document, 'null'), '{}') else v_document end);
	end loop;
	return v_kept;
end
$$;
comment on function cardkeep_legacy.kept_card is 'What write_card makes of a card''s own values: cleaned as it cleans them, documents in their one spelling. A slug that is taken gets a suffix there, which nobody knows yet. Locks nothing.';

create function cardkeep_legacy.kept_row(p_view regclass, p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_kept jsonb;
begin
	if p_old = '{}' then
		v_kept := jsonb_build_object('version', 1, 'created_at', coalesce(cardkeep_legacy.clean_time(
			(p_new ->> 'created_at')::timestamptz), clock_timestamp())::text);
		-- An id of two spellings reads as the first that came.
		if cardkeep_legacy.column_type(p_view, 'user_id') <> 'uuid'::regtype then
			v_kept := v_kept || jsonb_build_object('user_id', coalesce((select i.was
				from cardkeep_legacy.old_ids i where i.kind = 'user_id'
					and i.id = cardkeep_legacy.uuid_of(p_new ->> 'user_id')), p_new ->> 'user_id'));
		end if;
	else
		v_kept := jsonb_build_object('version', (p_old ->> 'version')::integer + 1,
			'created_at', p_old -> 'created_at');
	end if;
	v_kept := v_kept || jsonb_build_object('updated_at', clock_timestamp()::text)
		|| case when p_view = to_regclass('public.business_cards')
			then cardkeep_legacy.kept_card(p_new, p_old) else '{}' end;
	-- A word that an enumeration does not have reads as null.
	return (select jsonb_object_agg(k.key, case when t.typtype = 'e' and not exists (select from pg_enum e
			where e.enumtypid = t.oid and e.enumlabel = k.value #>> '{}') then 'null' else k.value end)
		from jsonb_each(v_kept) k
		join cardkeep_legacy.columns_of(p_view) c on c.name = k.key
		join pg_type t on t.oid = c.type);
end
$$;
comment on function cardkeep_legacy.kept_row is 'What a row will read as after a statement on a view in an old table''s place, where that is not as it was typed, but for whether a card is shown. Locks nothing.';

-- This one acts with its owner's rights, but only reckons: what a user is called is all it looks up.
create function cardkeep_doors.as_kept(p_view regclass, p_new jsonb, p_old jsonb, p_says jsonb) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC'
return cardkeep_legacy.kept_row(p_view, p_new, p_old) || cardkeep_legacy.switched(p_new, p_old, p_says);
comment on function cardkeep_doors.as_kept is 'What a row will read as after a statement on a view in an old table''s place, where that may not be as it was typed. Locks nothing.';

create function cardkeep_doors.guard_insert() returns trigger
language plpgsql volatile
as $$
begin
	if cardkeep_doors.is_exempt(tg_argv[0]::pg_catalog.name, tg_argv[1]::pg_catalog.bool)
		or cardkeep_doors.ask('insert', tg_table_name, pg_catalog.jsonb_populate_record(new,
			cardkeep_doors.as_kept(tg_relid, pg_catalog.to_jsonb(new), '{}', tg_argv[2]::pg_catalog.jsonb)))
	then
		return new;
	end if;
	raise exception 'new row violates row-level security policy for table "%"', tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep_doors.guard_insert is 'Refuses a row that the policies of a guarded table let nobody make, with 42501. Acts with the caller''s rights. Locks nothing.';

create function cardkeep_doors.guard_update() returns trigger
language plpgsql volatile
as $$
declare
	v_left record; -- the row as it will be
begin
	if cardkeep_doors.is_exempt(tg_argv[0]::pg_catalog.name, tg_argv[1]::pg_catalog.bool) then
		return new;
	elsif not cardkeep_doors.ask('update', tg_table_name, old) then
		return null;
	end if;
	v_left := pg_catalog.jsonb_populate_record(new, cardkeep_doors.as_kept(tg_relid,
		pg_catalog.to_jsonb(new), pg_catalog.to_jsonb(old), tg_argv[2]::pg_catalog.jsonb));
	if cardkeep_doors.ask('leave', tg_table_name, v_left)
		and cardkeep_doors.ask('select', tg_table_name, v_left)
	then
		return new;
	end if;
	raise exception 'new row violates row-level security policy for table "%"', tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep_doors.guard_update is 'Passes over a row that the policies of a guarded table do not let an update find, and refuses one that they do not let it leave so, or that the caller would not see any more, with 42501. Acts with the caller''s rights. Locks nothing.';

create function cardkeep_doors.guard_delete() returns trigger
language plpgsql volatile
as $$
begin
	if cardkeep_doors.is_exempt(tg_argv[0]::pg_catalog.name, tg_argv[1]::pg_catalog.bool)
		or cardkeep_doors.ask('delete', tg_table_name, old)
	then
		return old;
	end if;
	return null;
end
$$;
comment on function cardkeep_doors.guard_delete is 'Passes over a row that the policies of a guarded table do not let a deletion find. Acts with the caller''s rights. Locks nothing.';

grant execute on function cardkeep_doors.ask, cardkeep_doors.as_kept, cardkeep_doors.guard_insert,
	cardkeep_doors.guard_update, cardkeep_doors.guard_delete to public;

create function cardkeep_legacy.policy_roles(p_roles oid[]) returns text
language sql stable
return case when 0 = any (p_roles) then 'true' else (select '(' || string_agg(format(
		'pg_catalog.pg_has_role(current_user, %L::name, ''usage'')', r.rolname), ' or ') || ')'
	from pg_catalog.pg_roles r where r.oid = any (p_roles)) end;
comment on function cardkeep_legacy.policy_roles is 'SQL that asks whether a policy for these roles is about the caller. Locks nothing.';

create function cardkeep_legacy.policy_text(p_table regclass, p_command "char", p_checks boolean)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return (select format('(%s)%s',
			coalesce(string_agg(format('%s and (%s)', p.roles, p.expression), ' or ' order by p.name)
				filter (where p.permissive), 'false'),
			coalesce(' and ' || string_agg(format('(not %s or (%s))', p.roles, p.expression), ' and '
				order by p.name) filter (where not p.permissive), ''))
		from (select q.polname as name, q.polpermissive as permissive,
				cardkeep_legacy.policy_roles(q.polroles) as roles,
				coalesce(case when p_checks then pg_get_expr(q.polwithcheck, q.polrelid) end,
					pg_get_expr(q.polqual, q.polrelid)) as expression
			from pg_policy q where q.polrelid = p_table and q.polcmd in ('*', p_command)) p
		where p.expression is not null);
end
$$;
comment on function cardkeep_legacy.policy_text is 'The policies of a table for one command as SQL: any that lets, and each that restricts. Locks nothing.';

create function cardkeep_legacy.gates_of(p_kind text, p_table regclass)
returns table (name text, body text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select format('may_%s_%s', g.name, p_kind), cardkeep_legacy.policy_text(p_table, g.command, g.checks)
	from (values ('select', 'r'::"char", false), ('insert', 'a', true), ('update', 'w', false),
		('leave', 'w', true), ('delete', 'd', false)) g (name, command, checks);
end
$$;
comment on function cardkeep_legacy.gates_of is 'The gates that a guarded table needs, read while it has its name: what may be seen, made, changed, left so, and deleted. Locks nothing.';

create function cardkeep_legacy.make_gate(p_kind text, p_name text, p_body text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_gate text := format('cardkeep_doors.%I(cardkeep_doors.%I)', p_name, p_kind);
begin
	-- Names in it are bound now, as a policy's are, whatever its caller's path.
	execute format('create function cardkeep_doors.%I(p_row cardkeep_doors.%I) returns boolean
		language sql stable return (select %s from (select (p_row).*) %2$I)', p_name, p_kind, p_body);
	execute format('comment on function %s is %L', v_gate,
		'What the policies of a table from before Cardkeep say of a row. Acts with the caller''s rights. Locks nothing.');
	perform cardkeep_legacy.close_function(v_gate::regprocedure);
	execute format('alter function %s owner to cardkeep_owner', v_gate);
	execute format('grant execute on function %s to public', v_gate);
end
$$;
comment on function cardkeep_legacy.make_gate is 'Makes a gate, which everybody may ask: it does with a caller''s rights what a policy did. Locks nothing.';

create function cardkeep_legacy.define_outer(p_kind text, p_gates text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- A barrier: no condition of the caller's sees a row before the gate was asked.
	execute format('create or replace view public.%1$I with (security_barrier) as
		select i.* from cardkeep_doors.%1$I i where %2$s', p_kind, p_gates);
end
$$;
comment on function cardkeep_legacy.define_outer is 'Defines the outer view of a guarded table. Locks it.';

create function cardkeep_legacy.open_outer(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- A view keeps the owner's right to its rows wherever it is.
	execute format('alter view public.%I set schema cardkeep_doors', p_kind);
	perform cardkeep_legacy.define_outer(p_kind, 'true');
	execute format('comment on view public.%I is %L', p_kind, format(
		'cardkeep.%s as its policies of before let it be seen, for programs from before Cardkeep', p_kind));
end
$$;
comment on function cardkeep_legacy.open_outer is 'Moves the inner view of a guarded table out of the way and puts the outer in its place, whose gates are to come: they may ask other such views. Locks both.';

create function cardkeep_legacy.as_type(p_is boolean, p_type regtype) returns jsonb
language sql immutable parallel safe
return case when p_type = 'boolean'::regtype then to_jsonb(p_is)
	when p_type in ('text'::regtype, 'character varying'::regtype) then to_jsonb(p_is::text)
	else to_jsonb(p_is::integer) end;
comment on function cardkeep_legacy.as_type is 'Yes or no as a column of this type has it. Locks nothing.';

create function cardkeep_legacy.says_of(p_kind text, p_table regclass) returns jsonb
language sql stable
return (select coalesce(jsonb_object_agg(v.name, jsonb_build_array(v.says,
		cardkeep_legacy.as_type(v.says = 'hidden', v.type), cardkeep_legacy.as_type(v.says = 'shown', v.type))), '{}')
	from cardkeep_legacy.visibility_of(p_table) v where p_kind = 'business_cards' and v.says <> 'since');
comment on function cardkeep_legacy.says_of is 'The columns of an old table that say whether a card is shown: what each says, what it is where the card is not, and where it is. Locks nothing.';

create function cardkeep_legacy.shut_gates(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_view regclass := format('public.%I', p_kind);
	v_command text;
	t cardkeep.upgraded_tables;
begin
	select u.* into t from cardkeep.upgraded_tables u where u.kind = p_kind;
	perform cardkeep_legacy.define_outer(p_kind, format(
		'(select cardkeep_doors.is_exempt(%L::name, %L::boolean)) or cardkeep_doors.%I(i.*)',
		t.owner, t.is_forced, 'may_select_' || p_kind));
	foreach v_command in array array['insert', 'update', 'delete']
	loop
		execute format('create trigger guard_%4$s_%1$s instead of %4$s on public.%1$I
			for each row execute function cardkeep_doors.guard_%4$s(%2$L, %3$L, %5$L)', p_kind, t.owner,
			t.is_forced, v_command, cardkeep_legacy.says_of(p_kind, v_table));
	end loop;
	perform cardkeep_legacy.let_write(p_kind);
	perform cardkeep_legacy.copy_defaults(p_kind, v_table, v_view);
	perform cardkeep_legacy.make_ours(v_view);
	perform cardkeep_legacy.copy_grants(v_view, v_table, t.owner, false);
end
$$;
comment on function cardkeep_legacy.shut_gates is 'Has the outer view of a guarded table ask its gates, whose triggers are the first to fire (guard comes before write), and opens it to whom the table was open. Locks it.';

create function cardkeep_legacy.open_gates(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_gate regprocedure;
begin
	for v_gate in
		select p.oid from pg_proc p where p.pronamespace = 'cardkeep_doors'::regnamespace
			and p.proname in (select g.name from cardkeep_legacy.gates_of(p_kind,
				format('cardkeep_legacy.%I', p_kind)) g)
	loop
		execute format('drop function %s', v_gate);
	end loop;
end
$$;
comment on function cardkeep_legacy.open_gates is 'Drops the gates of a guarded table, which no view asks any more. Locks nothing.';

commit;
