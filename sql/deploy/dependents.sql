-- Deploy cardkeep:dependents to pg
--
-- What others made for the tables from before Cardkeep: views, policies, functions, foreign keys. By
-- their numbers they stay with the table that is put aside, and would go on with what was there then,
-- without a word. So each is turned to where the rows are now; and where that cannot be done, the
-- upgrade says so before it does anything.

begin;

set local role cardkeep_owner;

create function cardkeep_legacy.is_ours(p_schema oid) returns boolean
language sql stable
return exists (select from pg_catalog.pg_namespace n where n.oid = p_schema and n.nspname in ('cardkeep',
	'cardkeep_api', 'cardkeep_legacy', 'cardkeep_doors', 'cardkeep_kept', 'cardkeep_console'));
comment on function cardkeep_legacy.is_ours is 'Whether a schema is Cardkeep''s, and not one of somebody else''s that is called alike. Locks nothing.';

create function cardkeep_legacy.readers_of(p_relation regclass)
returns table (view regclass, owner oid, as_caller boolean, definition text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select v.oid::regclass, v.relowner,
		coalesce(v.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1,security_invoker=yes}',
			false),
		format('create or replace view %I.%I %s as %s', n.nspname, v.relname,
			'with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))
	from pg_catalog.pg_class v join pg_catalog.pg_namespace n on n.oid = v.relnamespace
	where v.relkind = 'v' and not cardkeep_legacy.is_ours(n.oid)
		and v.oid in (select r.ev_class from pg_catalog.pg_rewrite r
			join pg_catalog.pg_depend d on d.objid = r.oid and d.classid = 'pg_catalog.pg_rewrite'::regclass
			where d.refobjid = p_relation and r.ev_class <> p_relation and r.rulename = '_RETURN')
		and v.relname not in ('business_cards_of_cardkeep', 'personal_info_of_cardkeep',
			'professional_info_of_cardkeep');
end;
comment on function cardkeep_legacy.readers_of is 'The views that read a table or view, whether with their callers'' rights or their owners'', and the statement that makes each again, bound to whatever has its name then. Locks nothing.';

create function cardkeep_legacy.is_bound(p_role oid, p_table regclass) returns boolean
language sql stable
return (select c.relrowsecurity and not (r.rolsuper or r.rolbypassrls)
		and (c.relforcerowsecurity or not pg_has_role(p_role, c.relowner, 'usage'))
	from pg_catalog.pg_class c, pg_catalog.pg_roles r where c.oid = p_table and r.oid = p_role);
comment on function cardkeep_legacy.is_bound is 'Whether the policies of a table bind a role. Locks nothing.';

create function cardkeep_legacy.dependent_views(p_relation regclass, p_as_caller boolean) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(r.definition), '{}') from cardkeep_legacy.readers_of(p_relation) r
	where r.as_caller = p_as_caller);
comment on function cardkeep_legacy.dependent_views is 'The statements that make again each view that reads a table or view with its caller''s rights, or with its owner''s. Locks nothing.';

create function cardkeep_legacy.dependent_policies(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(format('alter policy %I on %s %s %s', p.polname, p.polrelid::regclass,
		'using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
		'with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')), '{}')
	from pg_catalog.pg_policy p
	join pg_catalog.pg_class c on c.oid = p.polrelid and c.relnamespace <> 'cardkeep_legacy'::regnamespace
		and c.oid::regclass::text not in ('public.business_cards', 'public.personal_info',
			'public.professional_info')
	where p.oid in (select d.objid from pg_catalog.pg_depend d
		where d.classid = 'pg_catalog.pg_policy'::regclass and d.refobjid = p_relation));
comment on function cardkeep_legacy.dependent_policies is 'The statements that bind the policies of other tables that ask a table or view to whatever has its name then. Locks nothing.';

create function cardkeep_legacy.dependent_functions(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return (select coalesce(array_agg(pg_get_functiondef(p.oid)), '{}') from pg_catalog.pg_proc p
	where p.prosqlbody is not null and not cardkeep_legacy.is_ours(p.pronamespace)
		and p.oid in (select d.objid from pg_catalog.pg_depend d
			where d.classid = 'pg_catalog.pg_proc'::regclass and d.refobjid = p_relation));
comment on function cardkeep_legacy.dependent_functions is 'The statements that make again each function in SQL-standard form that reads or writes a table or view, bound to whatever has its name then. Locks nothing.';

create function cardkeep_legacy.relations_beside(p_relations regclass[], p_drops boolean)
returns table (relation regclass, mode text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select r.view, 'access exclusive' from unnest(p_relations) p (relation)
	cross join lateral cardkeep_legacy.readers_of(p.relation) r
	union
	select p.polrelid, 'access exclusive' from pg_catalog.pg_policy p
	join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
	where d.refobjid = any (p_relations) and not p.polrelid = any (p_relations)
	union
	select c.conrelid, 'access exclusive' from pg_catalog.pg_constraint c
	join pg_catalog.pg_class o on o.oid = c.conrelid and not cardkeep_legacy.is_ours(o.relnamespace)
	where c.contype = 'f' and c.confrelid = any (p_relations) and not c.conrelid = any (p_relations)
	union
	select c.confrelid, case when p_drops then 'access exclusive' else 'share row exclusive' end
	from pg_catalog.pg_constraint c
	join pg_catalog.pg_class o on o.oid = c.confrelid and not cardkeep_legacy.is_ours(o.relnamespace)
	where c.contype = 'f' and c.conrelid = any (p_relations) and not c.confrelid = any (p_relations);
end;
comment on function cardkeep_legacy.relations_beside is 'The relations of others that are changed with these, and the lock that this takes: the views that read them, the tables whose policies ask them, those that refer to them, and those that they refer to, whose keys are made, or dropped. Locks nothing.';

create function cardkeep_legacy.turn(p_statements text[], p_what text) returns void
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
			raise exception '%: nothing was done, for this cannot be turned to where the rows would be (%): %',
				p_what, sqlerrm,
				split_part(split_part(split_part(v_statement, ' as ', 1), ' using (', 1), E'\n', 1)
				using hint = 'Drop it, and make it again afterwards.';
		end;
	end loop;
end
$$;
comment on function cardkeep_legacy.turn is 'Binds views, policies and functions to what has the old table''s name now. One that cannot be is named, and ends the upgrade, or the way back, so that nothing is done. Locks those views, and the tables of those policies.';

-- A profile's user_id changes where an account adopts it. The way back leads where it was.

create function cardkeep_legacy.reference_as(p_constraint oid, p_to regclass, p_follows boolean) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_text text := pg_get_constraintdef(p_constraint);
	v_head text;
	v_keys text;
	v_from regclass;
begin
	select format('FOREIGN KEY (%s) REFERENCES ', k.own), format('(%s)', k.others), c.confrelid
	into v_head, v_keys, v_from
	from pg_constraint c
	cross join lateral (select
		string_agg(quote_ident(o.attname), ', ' order by n.n) as own,
		string_agg(quote_ident(f.attname), ', ' order by n.n) as others
		from unnest(c.conkey, c.confkey) with ordinality n (own, other, n)
		join pg_attribute o on o.attrelid = c.conrelid and o.attnum = n.own
		join pg_attribute f on f.attrelid = c.confrelid and f.attnum = n.other) k
	where c.oid = p_constraint;
	-- What is left of it are words of SQL's, and names in brackets at the end.
	v_text := substr(left(v_text, 20000), length(v_head || v_from || v_keys) + 1);
	v_text := regexp_replace(v_text, ' NOT VALID$', '');
	if p_follows then
		v_text := regexp_replace(v_text,
			'^( MATCH FULL)?( ON UPDATE (CASCADE|RESTRICT|SET NULL|SET DEFAULT))?', ' ON UPDATE CASCADE');
	end if;
	return v_head || p_to || v_keys || v_text;
end
$$;
comment on function cardkeep_legacy.reference_as is 'A foreign key as one to another table, whose rows need not be there; to a profile as one that follows its user_id, which an adoption changes. Locks nothing.';

create function cardkeep_legacy.references_to(p_from regclass, p_to regclass)
returns table (of regclass, name name, column_name name, was text, becomes text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select c.conrelid::regclass, c.conname, a.attname,
		cardkeep_legacy.reference_as(c.oid, p_from, false), case
		when t.relnamespace = 'cardkeep'::regnamespace then cardkeep_legacy.reference_as(c.oid, p_to,
			p_to <> 'cardkeep.business_cards'::regclass)
		else coalesce((select u.foreign_keys ->> format('%s.%I', c.conrelid::regclass, c.conname)
			from cardkeep.upgraded_tables u where u.kind = t.relname),
			cardkeep_legacy.reference_as(c.oid, p_to, false)) end
	from pg_catalog.pg_constraint c
	join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
	join pg_catalog.pg_class o on o.oid = c.conrelid and not cardkeep_legacy.is_ours(o.relnamespace)
	join pg_catalog.pg_class t on t.oid = p_to
	where c.contype = 'f' and c.confrelid = p_from and c.conparentid = 0;
end;
comment on function cardkeep_legacy.references_to is 'The foreign keys of others to one table, as they are and as they have to be to another: to Cardkeep''s profiles so that they follow, to an old table as they were. Locks nothing.';

create function cardkeep_legacy.follow_adopted(p_of regclass, p_column name, p_to regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind name := (select c.relname from pg_class c where c.oid = p_to);
	v_back boolean := p_to <> format('cardkeep.%I', v_kind)::regclass;
begin
	if exists (select from cardkeep.upgrade_changes a where a.kind = v_kind and a.field = 'user_id'
		and a.reason = 'adopted')
	then
		execute format('update %1$s t set %2$I = %3$s
			from (select (c.was #>> ''{}'')::uuid as old, c.entity_id as new from cardkeep.upgrade_changes c
				where c.kind = %4$L and c.field = ''user_id'' and c.reason = ''adopted'') a
			where t.%2$I = %5$s', p_of, p_column, case when v_back then 'a.old' else 'a.new' end, v_kind,
			case when v_back then 'a.new' else 'a.old' end);
	end if;
end
$$;
comment on function cardkeep_legacy.follow_adopted is 'Has what refers to adopted profiles refer to them under the user ids that they have in the other table. Waits for those rows.';

create function cardkeep_legacy.turn_references(p_from regclass, p_to regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	r record;
begin
	for r in select f.* from cardkeep_legacy.references_to(p_from, p_to) f
	loop
		execute format('alter table %s drop constraint %I', r.of, r.name);
		perform cardkeep_legacy.follow_adopted(r.of, r.column_name, p_to);
		begin
			execute format('alter table %s add constraint %I %s', r.of, r.name, r.becomes);
		exception when foreign_key_violation then
			execute format('alter table %s add constraint %I %s not valid', r.of, r.name, r.becomes);
			raise warning 'upgrade: % on % holds for new rows only: some refer to rows that did not come along',
				r.name, r.of;
		end;
		update cardkeep.upgraded_tables u
		set foreign_keys = u.foreign_keys || jsonb_build_object(format('%s.%I', r.of, r.name), r.was)
		where format('cardkeep.%I', u.kind)::regclass = p_to and p_to <> 'cardkeep.business_cards'::regclass;
	end loop;
end
$$;
comment on function cardkeep_legacy.turn_references is 'Makes the foreign keys of other tables refer to where the rows are now. Locks those tables until the transaction ends.';

-- Whose a user id has to be: the foreign keys of the old tables' own

create function cardkeep_legacy.user_references(p_table regclass)
returns table (name name, definition text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	-- One that refers to another of the old tables refers to where its rows are.
	select c.conname, case when o.relnamespace = 'cardkeep_legacy'::regnamespace
		then cardkeep_legacy.reference_as(c.oid, format('cardkeep.%I', o.relname)::regclass,
			o.relname <> 'business_cards') || case when c.convalidated then '' else ' NOT VALID' end
		else pg_get_constraintdef(c.oid) end
	from pg_catalog.pg_constraint c
	join pg_catalog.pg_class o on o.oid = c.confrelid
	where c.contype = 'f' and c.conrelid = p_table and c.conkey = array[(select a.attnum
		from pg_catalog.pg_attribute a where a.attrelid = p_table and a.attname = 'user_id')];
end;
comment on function cardkeep_legacy.user_references is 'The foreign keys of an old table that say whose a user id has to be. Locks nothing.';

create function cardkeep_legacy.forget_people() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	-- Where an account was made of them, the rows are its own.
	if cardkeep_api.is_waiting(old.id) then
		perform cardkeep_legacy.forget_rows(tg_argv[0], old.id);
	end if;
	return null;
end
$$;
comment on function cardkeep_legacy.forget_people is 'After somebody is gone from where the old table''s foreign key says that its people are: their cards, or their profile, go as the table''s rows would, unless an account has taken them over. Waits as forget_rows.';

create function cardkeep_legacy.keep_people(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_people text := format('cardkeep_legacy.people_of_%s', p_kind);
	v_name name;
	v_definition text;
begin
	if not exists (select from cardkeep_legacy.user_references(v_table)) then
		return;
	end if;
	execute format('create table %s (id uuid primary key references cardkeep.users on delete cascade,
		user_id %s not null)', v_people, (select format_type(a.atttypid, a.atttypmod)
		from pg_attribute a where a.attrelid = v_table and a.attname = 'user_id'));
	execute format('comment on table %s is %L', v_people,
		'Whose rows came from before Cardkeep, for as long as the foreign keys of then know them');
	perform cardkeep_legacy.close_to_others(v_people::regclass);
	-- Whose rows were adopted before the way back is asked for no more.
	execute format('insert into %s select u.id, o.user_id from (select distinct user_id from %s) o
		join cardkeep.users u on u.id = cardkeep_legacy.uuid_of(o.user_id::text)
		where exists (select from cardkeep.%I c where c.user_id = u.id)', v_people, v_table, p_kind);
	for v_name, v_definition in select r.name, r.definition from cardkeep_legacy.user_references(v_table) r
	loop
		execute format('alter table %s add constraint %I %s', v_people, v_name, v_definition);
	end loop;
	execute format('create trigger forget_people after delete on %s for each row
		execute function cardkeep_legacy.forget_people(%L)', v_people, p_kind);
	execute format('alter table %s owner to cardkeep_owner', v_people);
end
$$;
comment on function cardkeep_legacy.keep_people is 'Keeps the foreign keys of an old table that say whose a user id has to be, on a table of its people. Locks the tables that they refer to until the transaction ends.';

-- What cannot be turned

create function cardkeep_legacy.references_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_key name := case when p_table = to_regclass('public.business_cards') then 'id' else 'user_id' end;
	v_tables regclass[] := array(select format('public.%I', k)::regclass from cardkeep_legacy.tables_before() k);
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
	-- The service deletes cards, and accounts with all they have, whatever refers to them.
	return query
	select format('foreign key %I of %s would keep the service from deleting what it refers to in %s',
			c.conname, c.conrelid::regclass, p_table),
		'let it cascade, or set null, where that is deleted, or drop it'
	from pg_constraint c
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0 and c.confdeltype in ('a', 'r')
		and c.conrelid <> all (v_tables);
	-- What refers to a profile follows it, and must be free to.
	return query
	select format('foreign key %I of %s refers to %s, whose ids change where an account adopts them, beside %I',
			c.conname, c.conrelid::regclass, p_table, o.conname),
		format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname)
	from pg_constraint c
	join pg_constraint o on o.conrelid = c.conrelid and o.contype = 'f' and o.conkey && c.conkey
		and o.oid <> c.oid and (o.confrelid <> p_table or o.conkey <> c.conkey)
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0 and v_key = 'user_id';
	return query
	select format('foreign key %I of %s would not follow where an account adopts what %s refers to in %s',
			o.conname, o.conrelid::regclass, c.conrelid::regclass, p_table),
		'let it cascade on updates, or drop it'
	from pg_constraint c
	join pg_constraint o on o.contype = 'f' and o.confrelid = c.conrelid and o.confkey && c.conkey
		and o.conparentid = 0 and o.confupdtype <> 'c'
	where c.contype = 'f' and c.confrelid = p_table and c.conparentid = 0 and v_key = 'user_id'
		and c.conrelid <> all (v_tables);
	return query
	select format('foreign key %I of %s is about %s', c.conname, p_table, array_to_string(k.names, ', ')),
		case when k.names = array['user_id'::name] then 'let it cascade where somebody is deleted, or drop it'
			when k.ours then 'drop it' else 'let it set null, or drop it' end
	from pg_constraint c
	cross join lateral (select array_agg(a.attname order by f.place) as names,
			bool_or(cardkeep_legacy.column_type(format('cardkeep.%I', (parse_ident(p_table::text))[2]),
				cardkeep_legacy.field_of(p_table, a.attname)) is not null) as ours
		from unnest(c.conkey) with ordinality f (number, place)
		join pg_attribute a on a.attrelid = p_table and a.attnum = f.number) k
	where c.contype = 'f' and c.conrelid = p_table
		and case when k.names = array['user_id'::name] then c.confdeltype <> 'c'
			else k.ours or c.confdeltype not in ('n', 'd') end;
end
$$;
comment on function cardkeep_legacy.references_in_the_way is 'The foreign keys to an old table, and of it, that the upgrade cannot keep: those to another key than ours, those of columns that the service writes without asking them, those that would keep a profile from being adopted, and those that would let nobody be deleted any more, for what is put aside stays. Locks nothing.';

create function cardkeep_legacy.only_touches(p_source text) returns boolean
language sql immutable parallel safe
-- Comments go one kind after the other: alternatives would be greedy, up to the end of the last one.
return octet_length(p_source) <= 2000
	and regexp_replace(regexp_replace(p_source, '--[^\n]*', ' ', 'g'), '/\*.*?\*/', ' ', 'g')
	~* '^\s*begin\s+(new\.(updated_at|version)\s*:?=[^;]*;\s*)+return\s+new\s*;\s*end\s*;?\s*$';
comment on function cardkeep_legacy.only_touches is 'Whether a trigger''s function does no more than to set updated_at or version, which Cardkeep does by itself. Locks nothing.';

create function cardkeep_legacy.own_in_the_way(p_table regclass)
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
			and (p.proname = 'moddatetime' or cardkeep_legacy.only_touches(p.prosrc)));
	return query
	select format('column %I of %s is generated', a.attname, p_table),
		format('alter table %s alter column %I drop expression', p_table, a.attname)
	from pg_attribute a where a.attrelid = p_table and a.attgenerated <> '' and not a.attisdropped;
	return query
	select format('rule %I of %s would do nothing more', r.rulename, p_table),
		format('drop rule %I on %s', r.rulename, p_table)
	from pg_rewrite r where r.ev_class = p_table;
	-- One of all tables would have the service's own as well, with what nobody else may know.
	return query
	select format('publication %I has %s, and would hear of no change', p.pubname, p_table), case
		when p.puballtables then format('drop publication %I, and make it again with the tables that it is for',
			p.pubname)
		when exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = p_table)
		then format('alter publication %I drop table %s', p.pubname, p_table)
		else format('alter publication %I drop tables in schema public, and add the tables that it is for',
			p.pubname) end
	from pg_publication p
	-- By name: a cast would ask for each table whether its schema is open to the caller.
	where exists (select from pg_publication_tables t
		join pg_namespace n on n.nspname = t.schemaname
		join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
		where t.pubname = p.pubname and c.oid = p_table);
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
comment on function cardkeep_legacy.own_in_the_way is 'What an old table has of its own that neither the view in its place nor Cardkeep''s table would do. Locks nothing.';

create function cardkeep_legacy.can_show(p_old regtype, p_ours regtype) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return exists (select from pg_catalog.pg_type t where t.oid = p_old and case
	when t.typtype = 'e' then p_ours = 'text'::regtype
	when t.typtype <> 'b' then false
	-- Numbers are compared as numbers, and a text of any length may cut them.
	when t.typcategory = 'S' then p_ours not in ('boolean'::regtype, 'integer'::regtype)
	else p_old = any (case p_ours when 'jsonb'::regtype then array['json'::regtype, 'jsonb'::regtype]
		when 'timestamptz'::regtype then array['timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype]
		when 'integer'::regtype then array['integer'::regtype, 'bigint'::regtype]
		else array[p_ours] end) end);
comment on function cardkeep_legacy.can_show is 'Whether a column of an old table, by its type, can show every value that the service may write there: else one of them would end each statement that reads it. Locks nothing.';

create function cardkeep_legacy.columns_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_ours regclass := format('cardkeep.%I', (parse_ident(p_table::text))[2]);
begin
	return query
	select format('column %I of %s is %s, which cannot show every %s of Cardkeep''s', o.name, p_table, o.type,
			c.type),
		format('alter table %s alter column %I type %s using ...', p_table, o.name, c.type)
	from cardkeep_legacy.columns_of(p_table) o
	join cardkeep_legacy.columns_of(v_ours) c on c.name = cardkeep_legacy.field_of(p_table, o.name)
	where c.name not in ('id', 'user_id', 'is_public') and not cardkeep_legacy.can_show(o.type, c.type);
	-- Whoever hid a card by it would find the card shown.
	return query
	select format('column %I of %s says whether a card is shown, and nobody can tell what by %s', o.name,
			p_table, o.type),
		format('alter table %s alter column %I type %s using ..., or give it another name', p_table, o.name,
			case cardkeep_legacy.name_says(o.name) when 'since' then 'timestamptz' else 'boolean' end)
	from cardkeep_legacy.columns_of(p_table) o
	where v_ours = 'cardkeep.business_cards'::regclass and (o.name like 'is\_%' or o.name like '%\_at')
		and cardkeep_legacy.name_says(o.name) is not null
		and not exists (select from cardkeep_legacy.visibility_of(p_table) v where v.name = o.name);
end
$$;
comment on function cardkeep_legacy.columns_in_the_way is 'The columns of an old table whose type the view in its place could not have, and those that say whether a card is shown in a type that is not understood. Locks nothing.';

create function cardkeep_legacy.readers_in_the_way(p_table regclass)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	c_again constant text := 'drop it, and make it again afterwards';
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
	from cardkeep_legacy.readers_of(p_table) r
	where not r.as_caller and cardkeep_legacy.is_bound(r.owner, p_table);
	return query
	select format('%s is not %s''s, who therefore cannot turn it', o.what, current_user),
		format('sign in as %s, or as a member of that role', o.owner::regrole)
	from (
		select 'view ' || r.view, r.owner from cardkeep_legacy.readers_of(p_table) r
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
comment on function cardkeep_legacy.readers_in_the_way is 'What others made for an old table that cannot be turned to where its rows will be. Locks nothing.';

create function cardkeep_legacy.check_the_way(p_kinds text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_faults text := (select string_agg(format('%s (%s)', f.what, f.way_out), '; ')
		from (
			select w.* from unnest(p_kinds) with ordinality k (kind, nth)
			cross join lateral (select format('public.%I', k.kind)::regclass as id) t
			cross join lateral (
				select * from cardkeep_legacy.own_in_the_way(t.id)
				union all select * from cardkeep_legacy.columns_in_the_way(t.id)
				union all select * from cardkeep_legacy.references_in_the_way(t.id)
				union all select * from cardkeep_legacy.readers_in_the_way(t.id)
				union all select * from cardkeep_legacy.functions_in_the_way(k.kind)) w) f);
begin
	if v_faults is not null then
		raise exception 'upgrade: nothing was done, for this would not go on as it does: %', v_faults
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'The way out of each is in brackets; see doc/migration.md.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_the_way is 'Refuses to upgrade where something that programs rely on could neither be kept nor turned, and names all of it with the way out. The caller has locked the tables. Locks nothing.';

create function cardkeep_legacy.check_the_way_back(p_kinds text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_faults text := (select string_agg(format('%s (%s)', f.what, f.way_out), '; ')
		from unnest(p_kinds) with ordinality k (kind, nth)
		cross join lateral cardkeep_legacy.readers_in_the_way(format('public.%I', k.kind)::regclass) f);
begin
	if v_faults is not null then
		raise exception 'rollback: nothing was done, for this was made for what goes: %', v_faults
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'The way out of each is in brackets; see doc/migration.md.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_the_way_back is 'Refuses to go back where something was made for the views in the old tables'' places that cannot be turned to the tables, and names all of it with the way out. Locks nothing.';

commit;
