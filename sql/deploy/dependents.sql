-- Deploy cardkeep:dependents to pg
--
-- What others made for the tables from before Cardkeep: views, policies, functions, foreign keys. By
-- their numbers they stay with the table that is put aside, and would go on with what was there then,
-- without a word. So each is turned to where the rows are now; and where that cannot be done, the
-- upgrade says so before it does anything.

begin;

set local role cardkeep_owner;

create function cardkeep_before.readers_of(p_relation regclass)
returns table (view regclass, owner oid, as_caller boolean, definition text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select v.oid::regclass, v.relowner,
		coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}',
			false),
		format('create or replace view %I.%I %s as %s', n.nspname, v.relname,
			'with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
	from pg_catalog.pg_class v join pg_catalog.pg_namespace n on n.oid = v.relnamespace
	where v.relkind = 'v' and n.nspname not like 'cardkeep%'
		and v.oid in (select r.ev_class from pg_catalog.pg_rewrite r
			join pg_catalog.pg_depend d on d.objid = r.oid and d.classid = 'pg_catalog.pg_rewrite'::regclass
			where d.refobjid = p_relation and r.ev_class <> p_relation and r.rulename = '_RETURN')
		and v.relname not in ('business_cards_of_cardkeep', 'personal_info_of_cardkeep',
			'professional_info_of_cardkeep');
end;
comment on function cardkeep_before.readers_of is 'The views that read a table or view, whether with their callers'' rights or their owners'', and the statement that makes each again, bound to whatever has its name then. Locks nothing.';

create function cardkeep_before.is_bound(p_role oid, p_table regclass) returns boolean
language sql stable
return (select c.relrowsecurity and not (r.rolsuper or r.rolbypassrls)
		and (c.relforcerowsecurity or not pg_has_role(p_role, c.relowner, 'usage'))
	from pg_catalog.pg_class c, pg_catalog.pg_roles r where c.oid = p_table and r.oid = p_role);
comment on function cardkeep_before.is_bound is 'Whether the policies of a table bind a role. Locks nothing.';

create function cardkeep_before.dependent_views(p_relation regclass, p_as_caller boolean) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(r.definition), '{}') from cardkeep_before.readers_of(p_relation) r
	where r.as_caller = p_as_caller);
comment on function cardkeep_before.dependent_views is 'The statements that make again each view that reads a table or view with its caller''s rights, or with its owner''s. Locks nothing.';

create function cardkeep_before.dependent_policies(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(format('alter policy %I on %s %s %s', p.polname, p.polrelid::regclass,
		'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
		'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')), '{}')
	from pg_catalog.pg_policy p
	join pg_catalog.pg_class c on c.oid = p.polrelid and c.relnamespace <> 'cardkeep_before'::regnamespace
		and c.oid::regclass::text not in ('public.business_cards', 'public.personal_info',
			'public.professional_info')
	where p.oid in (select d.objid from pg_catalog.pg_depend d
		where d.classid = 'pg_catalog.pg_policy'::regclass and d.refobjid = p_relation));
comment on function cardkeep_before.dependent_policies is 'The statements that bind the policies of other tables that ask a table or view to whatever has its name then. Locks nothing.';

create function cardkeep_before.dependent_functions(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(pg_get_functiondef(p.oid)), '{}') from pg_catalog.pg_proc p
	where p.prosqlbody is not null and p.pronamespace::regnamespace::text not like 'cardkeep%'
		and p.oid in (select d.objid from pg_catalog.pg_depend d
			where d.classid = 'pg_catalog.pg_proc'::regclass and d.refobjid = p_relation));
comment on function cardkeep_before.dependent_functions is 'The statements that make again each function in SQL-standard form that reads or writes a table or view, bound to whatever has its name then. Locks nothing.';

create function cardkeep_before.turn(p_statements text[], p_must boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_statement text;
begin
	foreach v_statement in array p_statements
	loop
		begin
			execute v_statement;
		exception when syntax_error_or_access_rule_violation or feature_not_supported then
			if p_must then
				raise exception 'upgrade: nothing was done, for this cannot be turned to where the rows would be (%): %',
					sqlerrm, split_part(split_part(split_part(v_statement, ' as ', 1), ' using (', 1), E'\n', 1)
					using hint = 'Drop it, and make it again after the upgrade.';
			end if;
			raise warning 'upgrade: still bound to what was there before (%): %', sqlerrm,
				split_part(split_part(v_statement, ' as ', 1), E'\n', 1);
		end;
	end loop;
end
$$;
comment on function cardkeep_before.turn is 'Binds views, policies and functions to what has the old table''s name now. One that cannot be is named: it ends the upgrade, so that nothing is done; on the way back it is a warning. Locks those views, and the tables of those policies.';

create function cardkeep_before.turn_references(p_from regclass, p_to regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass;
	v_name name;
	v_definition text;
begin
	for v_table, v_name, v_definition in
		select c.conrelid::regclass, c.conname, replace(replace(pg_get_constraintdef(c.oid),
			format('REFERENCES %s(', p_from), format('REFERENCES %s(', p_to)), ' NOT VALID', '')
		from pg_constraint c
		where c.contype = 'f' and c.confrelid = p_from and c.conparentid = 0 and not exists (
			select from pg_class t where t.oid = c.conrelid and t.relnamespace::regnamespace::text like 'cardkeep%')
	loop
		execute format('alter table %s drop constraint %I', v_table, v_name);
		begin
			execute format('alter table %s add constraint %I %s', v_table, v_name, v_definition);
		exception when foreign_key_violation then
			execute format('alter table %s add constraint %I %s not valid', v_table, v_name, v_definition);
			raise warning 'upgrade: % on % holds for new rows only: some refer to rows that did not come along',
				v_name, v_table;
		end;
	end loop;
end
$$;
comment on function cardkeep_before.turn_references is 'Makes the foreign keys of other tables refer to where the rows are now. Locks those tables until the transaction ends.';

-- Whose a user id has to be: the foreign keys of the old tables' own

create function cardkeep_before.user_references(p_table regclass)
returns table (name name, definition text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	-- One that refers to another of the old tables refers to where its rows are.
	select c.conname, replace(pg_get_constraintdef(c.oid), 'REFERENCES cardkeep_before.', 'REFERENCES cardkeep.')
	from pg_catalog.pg_constraint c
	where c.contype = 'f' and c.conrelid = p_table and c.conkey = array[(select a.attnum
		from pg_catalog.pg_attribute a where a.attrelid = p_table and a.attname = 'user_id')];
end;
comment on function cardkeep_before.user_references is 'The foreign keys of an old table that say whose a user id has to be. Locks nothing.';

create function cardkeep_before.forget_people() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	-- Where an account was made of them, the rows are its own.
	if cardkeep_api.is_waiting(old.id) then
		execute format('delete from cardkeep.%I where user_id = $1', tg_argv[0]) using old.id;
	end if;
	return null;
end
$$;
comment on function cardkeep_before.forget_people is 'After somebody is gone from where the old table''s foreign key says that its people are: their cards, or their profile, go as the table''s rows would, unless an account has taken them over. Waits for those rows.';

create function cardkeep_before.keep_people(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_before.%I', p_kind);
	v_people text := format('cardkeep_before.people_of_%s', p_kind);
	v_name name;
	v_definition text;
begin
	if not exists (select from cardkeep_before.user_references(v_table)) then
		return;
	end if;
	execute format('create table %s (id uuid primary key references cardkeep.users on delete cascade,
		user_id %s not null)', v_people, (select format_type(a.atttypid, a.atttypmod)
		from pg_attribute a where a.attrelid = v_table and a.attname = 'user_id'));
	execute format('comment on table %s is %L', v_people,
		'Whose rows came from before Cardkeep, for as long as the foreign keys of then know them');
	perform cardkeep_before.close_to_others(v_people::regclass);
	execute format('insert into %s select u.id, o.user_id from (select distinct user_id from %s) o
		join cardkeep.users u on u.id = cardkeep_before.uuid_of(o.user_id::text)', v_people, v_table);
	for v_name, v_definition in select r.name, r.definition from cardkeep_before.user_references(v_table) r
	loop
		execute format('alter table %s add constraint %I %s', v_people, v_name, v_definition);
	end loop;
	execute format('create trigger forget_people after delete on %s for each row
		execute function cardkeep_before.forget_people(%L)', v_people, p_kind);
	execute format('alter table %s owner to cardkeep_owner', v_people);
end
$$;
comment on function cardkeep_before.keep_people is 'Keeps the foreign keys of an old table that say whose a user id has to be, on a table of its people. Locks the tables that they refer to until the transaction ends.';

-- What cannot be turned

create function cardkeep_before.references_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_key name := case when p_table = to_regclass('public.business_cards') then 'id' else 'user_id' end;
begin
	return query
	select format('foreign key %I of %s refers to %s, of which Cardkeep has %s', c.conname, c.conrelid::regclass,
			p_table, case when k.names <> array[v_key] then format('no key (%s)',
				array_to_string(k.names, ', ')) else 'uuids alone' end),
		format('let it refer to %s (%s), a uuid, or drop it', p_table, v_key)
	from pg_constraint c
	cross join lateral (select array_agg(a.attname order by f.place) as names,
			bool_and(a.atttypid = 'uuid'::regtype) as uuids
		from unnest(c.confkey) with ordinality f (number, place)
		join pg_attribute a on a.attrelid = p_table and a.attnum = f.number) k
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0
		and (k.names <> array[v_key] or not k.uuids)
		and not (k.names = array['slug'::name] and v_key = 'id');
	return query
	select format('foreign key %I of %s is about %s', c.conname, p_table, array_to_string(k.names, ', ')),
		case when k.names = array['user_id'::name] then 'let it cascade where somebody is deleted, or drop it'
			else 'drop it' end
	from pg_constraint c
	cross join lateral (select array_agg(a.attname order by f.place) as names,
			bool_or(cardkeep_before.column_type(format('cardkeep.%I',
				(parse_ident(p_table::text))[2]), a.attname) is not null) as ours
		from unnest(c.conkey) with ordinality f (number, place)
		join pg_attribute a on a.attrelid = p_table and a.attnum = f.number) k
	where c.contype = 'f' and c.conrelid = p_table
		and case when k.names = array['user_id'::name] then c.confdeltype in ('n', 'd')
			else k.ours or c.confdeltype = 'c' end;
end
$$;
comment on function cardkeep_before.references_in_the_way is 'The foreign keys to an old table, and of it, that the upgrade cannot keep: those to another key than ours, and those of columns that the service writes without asking them. Locks nothing.';

create function cardkeep_before.only_touches(p_source text) returns boolean
language sql immutable parallel safe
return octet_length(p_source) <= 2000 and regexp_replace(p_source, '--[^\n]*|/\*.*?\*/', ' ', 'g')
	~* '^\s*begin\s+(new\.(updated_at|version)\s*:?=[^;]*;\s*)+return\s+new\s*;\s*end\s*;?\s*$';
comment on function cardkeep_before.only_touches is 'Whether a trigger''s function does no more than to set updated_at or version, which Cardkeep does by itself. Locks nothing.';

create function cardkeep_before.own_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select format('trigger %I of %s would fire no more', t.tgname, p_table),
		format('alter table %s disable trigger %I; what it does can be done after the upgrade by a trigger on cardkeep.%I',
			p_table, t.tgname, (parse_ident(p_table::text))[2])
	from pg_trigger t
	where t.tgrelid = p_table and not t.tgisinternal and t.tgenabled <> 'D'
		and not exists (select from pg_proc p where p.oid = t.tgfoid
			and (p.proname = 'moddatetime' or cardkeep_before.only_touches(p.prosrc)));
	return query
	select format('column %I of %s is generated', a.attname, p_table),
		format('alter table %s alter column %I drop expression', p_table, a.attname)
	from pg_attribute a where a.attrelid = p_table and a.attgenerated <> '' and not a.attisdropped;
	return query
	select format('rule %I of %s would do nothing more', r.rulename, p_table),
		format('drop rule %I on %s', r.rulename, p_table)
	from pg_rewrite r where r.ev_class = p_table;
	return query
	select format('publication %I has %s, and would hear of no change', p.pubname, p_table),
		format('alter publication %I drop table %s', p.pubname, p_table)
	from pg_publication p join pg_publication_rel r on r.prpubid = p.oid
	where r.prrelid = p_table;
	return query
	select format('%s has ids that are numbers, and no key that tells them apart', p_table),
		format('alter table %s add primary key (id)', p_table)
	from pg_attribute a
	where a.attrelid = p_table and a.attname = 'id' and (parse_ident(p_table::text))[2] = 'business_cards'
		and a.atttypid not in ('uuid'::regtype, 'text'::regtype, 'character varying'::regtype)
		and not exists (select from pg_index i where i.indrelid = p_table and i.indisunique
			and i.indpred is null and i.indkey::text = a.attnum::text and a.attnotnull);
end
$$;
comment on function cardkeep_before.own_in_the_way is 'What an old table has of its own that neither the view in its place nor Cardkeep''s table would do. Locks nothing.';

create function cardkeep_before.readers_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	c_again constant text := 'drop it, and make it again after the upgrade';
begin
	return query
	select format('%s %s reads %s', case c.relkind when 'm' then 'materialized view' else 'rule on' end,
		c.oid::regclass, p_table), c_again
	from pg_class c where c.oid in (select r.ev_class from pg_rewrite r
		join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
		where d.refobjid = p_table and r.ev_class <> p_table
			and (c.relkind <> 'v' or r.rulename <> '_RETURN'));
	return query
	select format('view %s reads %s as %s, whom its policies bind', r.view, p_table, r.owner::regrole),
		format('alter view %s set (security_invoker = true), or give it to the owner of the table', r.view)
	from cardkeep_before.readers_of(p_table) r
	where not r.as_caller and cardkeep_before.is_bound(r.owner, p_table);
	return query
	select format('%s is not %s''s, who therefore cannot turn it', o.what, current_user),
		format('sign in as %s, or as a member of that role', o.owner::regrole)
	from (
		select 'view ' || r.view, r.owner from cardkeep_before.readers_of(p_table) r
		union all
		select format('policy %I of %s', p.polname, c.oid::regclass), c.relowner from pg_policy p
		join pg_class c on c.oid = p.polrelid
		where p.oid in (select d.objid from pg_depend d where d.classid = 'pg_policy'::regclass
			and d.refobjid = p_table)
		union all
		select format('foreign key %I of %s', k.conname, c.oid::regclass), c.relowner
		from pg_constraint k join pg_class c on c.oid = k.conrelid
		where k.contype = 'f' and k.confrelid = p_table
		union all
		select 'function ' || p.oid::regprocedure, p.proowner from pg_proc p
		where p.oid in (select d.objid from pg_depend d where d.classid = 'pg_proc'::regclass
			and d.refobjid = p_table)) o (what, owner)
	where not pg_has_role(o.owner, 'usage');
	return query
	select format('%s has rows of %s in it', o.what, p_table), c_again
	from pg_class t
	join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid in (t.reltype,
		(select y.typarray from pg_type y where y.oid = t.reltype))
	cross join lateral (select case d.classid
		when 'pg_proc'::regclass then 'function ' || d.objid::regprocedure
		when 'pg_class'::regclass then case when d.objid <> t.oid then 'relation ' || d.objid::regclass end
		end as what) o
	where t.oid = p_table and o.what is not null;
	return query
	select format('constraint trigger %I of %s looks at %s', t.tgname, t.tgrelid::regclass, p_table), c_again
	from pg_trigger t where t.tgconstrrelid = p_table and not t.tgisinternal;
end
$$;
comment on function cardkeep_before.readers_in_the_way is 'What others made for an old table that cannot be turned to where its rows will be. Locks nothing.';

create function cardkeep_before.check_the_way(p_kinds text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_faults text := (select string_agg(format('%s (%s)', f.what, f.way_out), '; ')
		from (
			select w.* from unnest(p_kinds) with ordinality k (kind, nth)
			cross join lateral (select format('public.%I', k.kind)::regclass as id) t
			cross join lateral (
				select * from cardkeep_before.own_in_the_way(t.id)
				union all select * from cardkeep_before.references_in_the_way(t.id)
				union all select * from cardkeep_before.readers_in_the_way(t.id)
				union all select * from cardkeep_before.functions_in_the_way(k.kind)) w) f);
begin
	if v_faults is not null then
		raise exception 'upgrade: nothing was done, for this would not go on as it does: %', v_faults
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'The way out of each is in brackets; see doc/migration.md.';
	end if;
end
$$;
comment on function cardkeep_before.check_the_way is 'Refuses to upgrade where something that programs rely on could neither be kept nor turned, and names all of it with the way out. The caller has locked the tables. Locks nothing.';

commit;
