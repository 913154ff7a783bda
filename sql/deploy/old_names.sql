-- Deploy cardkeep:old_names to pg
--
-- Programs from before Cardkeep go on under the names they know: where a table was put aside, a view
-- in schema public has its name, its columns in their order and types, and the version. It shows
-- Cardkeep's rows. Columns that Cardkeep does not have come from the table that was put aside and
-- can only be read.
--
-- Writing through it is direct SQL on Cardkeep's tables, with their triggers, so versions and
-- history are kept. A view's row is of the statement's snapshot, which a table's is not after a wait:
-- so an update or a deletion of a row that somebody changed meanwhile is refused (40001): neither
-- ever hits what the statement has not seen.
--
-- The policies of a guarded table (row level security) cannot guard a view of other rows. Such a
-- view is open to the table's owner alone, whom they did not bind either.

begin;

set local role cardkeep_owner;

create function cardkeep_before.show_as(p_table regclass, p_column name) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_target text;
	v_kind "char";
begin
	select format_type(a.atttypid, a.atttypmod), t.typtype into v_target, v_kind
	from pg_attribute a join pg_type t on t.oid = a.atttypid
	where a.attrelid = p_table and a.attname = p_column and not a.attisdropped;
	if v_target like 'timestamp% without time zone' then
		return format('(c.%I at time zone ''UTC'')::%s', p_column, v_target);
	elsif v_kind = 'e' then
		return format('case when c.%1$I::text = any (enum_range(null::%2$s)::text[]) then c.%1$I::text::%2$s end',
			p_column, v_target);
	elsif p_column in ('id', 'user_id') and v_target <> 'uuid' then
		return format('case when cardkeep_before.uuid_of(o.%1$I::text) = c.%1$I then o.%1$I %2$send',
			p_column, case when v_target = 'text' or v_target like 'character%' then
			format('else c.%I::text::%s ', p_column, v_target) end);
	elsif p_column = 'is_public' and v_target not in ('boolean', 'text') then
		return format('c.is_public::integer::%s', v_target);
	end if;
	return format('c.%I::%s', p_column, v_target);
end
$$;
comment on function cardkeep_before.show_as is 'SQL that shows one of Cardkeep''s columns in the type that the old table has for it; a word that is not in an enumeration there is null, an id that is no uuid there reads as it did. Locks nothing.';

create function cardkeep_before.view_columns(p_kind text, p_table regclass) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_ours regclass := format('cardkeep.%I', p_kind);
	v_old text;
	v_new text;
begin
	select string_agg(case when cardkeep_before.column_type(v_ours, c.name) is null
			then format('o.%I', c.name)
			else format('%s as %I', cardkeep_before.show_as(p_table, c.name), c.name) end,
		', ' order by c.number) into v_old
	from cardkeep_before.columns_of(p_table) c;
	select string_agg(format('c.%I', c.name), ', ' order by c.number) into v_new
	from cardkeep_before.columns_of(v_ours) c
	where cardkeep_before.column_type(p_table, c.name) is null;
	return concat_ws(', ', v_old, v_new);
end
$$;
comment on function cardkeep_before.view_columns is 'The columns of the view in an old table''s place: its own in their order, then those that it did not have. Locks nothing.';

create function cardkeep_before.old_row(p_kind text, p_table regclass) returns text
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
	from cardkeep_before.columns_of(p_table) c where c.name in ('created_at', 'updated_at');
	return format('(select o.* from %s o where %s in (%s) order by %s limit 1)', p_table,
		cardkeep_before.read_as(p_table, v_key, 'uuid'), v_ids, v_order);
end
$$;
comment on function cardkeep_before.old_row is 'SQL that finds the old row of one of Cardkeep''s, adopted ones too; the newest where there are several. Locks nothing.';

create function cardkeep_before.close_to_others(p_relation regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_grantee text;
begin
	for v_grantee in
		select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end
		from pg_class c, aclexplode(c.relacl) a
		where c.oid = p_relation and a.grantee <> c.relowner
	loop
		execute format('revoke all on %s from %s cascade', p_relation, v_grantee);
	end loop;
end
$$;
comment on function cardkeep_before.close_to_others is 'Leaves what was just made to its owner alone, whatever default privileges gave to others. Locks nothing.';

create function cardkeep_before.copy_grants(p_kind text, p_table regclass, p_owner name, p_guarded boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_grantee text;
	v_right text;
begin
	-- Granting only adds: on Supabase, default privileges open every new view in public to `anon`.
	perform cardkeep_before.close_to_others(format('public.%I', p_kind)::regclass);
	execute format('grant select, insert, update, delete on public.%I to %I', p_kind, p_owner);
	if p_guarded then
		raise notice 'upgrade: public.% is open to % alone: its row level security cannot guard the view in its place',
			p_kind, p_owner;
		return;
	end if;
	for v_grantee, v_right in
		select case a.grantee when 0 then 'public' else a.grantee::regrole::text end, a.privilege_type
		from pg_class c, aclexplode(c.relacl) a
		where c.oid = p_table and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
			and a.grantee <> c.relowner
	loop
		execute format('grant %s on public.%I to %s', v_right, p_kind, v_grantee);
	end loop;
end
$$;
comment on function cardkeep_before.copy_grants is 'Opens the view in an old table''s place to whom the table was open and to nobody else, or to its owner alone where row level security guarded it. Locks nothing but the view.';

create function cardkeep_before.open_view(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_before.%I', p_kind);
	v_columns text := cardkeep_before.view_columns(p_kind, v_table);
	t cardkeep.upgraded_tables;
begin
	select u.* into t from cardkeep.upgraded_tables u where u.kind = p_kind;
	-- What a closed account has is being erased, and nobody's.
	execute format('create view public.%I as select %s from cardkeep.%I c %s
		where not exists (select from cardkeep.users u
			where u.id = c.user_id and u.closed_at is not null)', p_kind, v_columns, p_kind,
		case when v_columns ~ '\mo\.' then format('left join lateral %s o on true',
			cardkeep_before.old_row(p_kind, v_table)) end);
	execute format('comment on view public.%I is %L', p_kind, format('cardkeep.%s, for programs from before Cardkeep', p_kind));
	execute format('create trigger write_%1$s instead of insert or update or delete on public.%1$I
		for each row execute function cardkeep_before.write_%2$s()', p_kind,
		case p_kind when 'business_cards' then 'card' else 'profile' end);
	perform cardkeep_before.copy_grants(p_kind, v_table, t.owner, t.is_guarded);
	execute format('grant create on schema public to cardkeep_owner');
	execute format('alter view public.%I owner to cardkeep_owner', p_kind);
	execute format('revoke create on schema public from cardkeep_owner');
end
$$;
comment on function cardkeep_before.open_view is 'Puts the view in an old table''s place. Locks nothing but the view.';

-- What was made for the old table

create function cardkeep_before.dependent_views(p_relation regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
	select coalesce(array_agg(format('create or replace view %I.%I %s as %s', n.nspname, v.relname,
		'with (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid))), '{}')
	from pg_catalog.pg_class v join pg_catalog.pg_namespace n on n.oid = v.relnamespace
	where v.relkind = 'v' and n.nspname not in ('cardkeep', 'cardkeep_api', 'cardkeep_before')
		and v.oid in (select r.ev_class from pg_catalog.pg_rewrite r
			join pg_catalog.pg_depend d on d.objid = r.oid and d.classid = 'pg_catalog.pg_rewrite'::regclass
			where d.refobjid = p_relation and r.ev_class <> p_relation);
end;
comment on function cardkeep_before.dependent_views is 'The statements that make again each view that reads a table or view, bound to whatever has its name then. Locks nothing.';

create function cardkeep_before.remake_views(p_statements text[]) returns void
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
			raise warning 'upgrade: still bound to what was there before (%): %', sqlerrm,
				split_part(v_statement, ' as ', 1);
		end;
	end loop;
end
$$;
comment on function cardkeep_before.remake_views is 'Binds views to what has the old table''s name now, and names those that cannot be. Locks those views.';

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
		where c.contype = 'f' and c.confrelid = p_from and c.conrelid <> p_from and c.conparentid = 0
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
comment on function cardkeep_before.turn_references is 'Makes the foreign keys of other tables refer to where the cards are now. Locks those tables until the transaction ends.';

-- Writing

create function cardkeep_before.written(p_view regclass, p_new jsonb, p_old jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_ours name[] := array(select c.name
		from cardkeep_before.columns_of(format('cardkeep.%I', (parse_ident(p_view::text))[2])) c);
	v_field text;
	v_changes jsonb := '{}';
begin
	for v_field in select n.key from jsonb_each(p_new) n
		where n.value is distinct from coalesce(p_old -> n.key, 'null')
	loop
		if not v_field = any (v_ours) then
			raise exception 'column "%" of % can only be read since the upgrade to Cardkeep', v_field, p_view
				using errcode = 'feature_not_supported';
		elsif v_field in ('id', 'user_id') and p_old ? v_field then
			raise exception 'column "%" of % cannot be changed since the upgrade to Cardkeep', v_field, p_view
				using errcode = 'feature_not_supported',
					hint = 'A row keeps its id and its owner; see "cardkeep user adopt".';
		end if;
		v_changes := v_changes || jsonb_build_object(v_field, case
			when v_field in ('id', 'user_id') then to_jsonb(cardkeep_before.uuid_of(p_new ->> v_field))
			when v_field in ('fields_config', 'design_config') and jsonb_typeof(p_new -> v_field) = 'string'
			then (p_new ->> v_field)::jsonb else p_new -> v_field end);
	end loop;
	return v_changes;
end
$$;
comment on function cardkeep_before.written is 'The columns that a statement on a view in public changes; a column that Cardkeep does not have, and another id or owner of a row that is there, are refused with 0A000. Locks nothing.';

create function cardkeep_before.shown(p_view regclass, p_row jsonb, p_given jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return (select jsonb_object_agg(v.name, p_row -> v.name)
		from cardkeep_before.columns_of(p_view) v
		join cardkeep_before.columns_of(format('cardkeep.%I', (parse_ident(p_view::text))[2])) c
			on c.name = v.name and (c.type = v.type or v.type in ('timestamp'::regtype,
				'json'::regtype, 'bigint'::regtype, 'text'::regtype, 'character varying'::regtype))
		where p_given is null or p_given ? v.name or v.name in ('version', 'updated_at'));
end
$$;
comment on function cardkeep_before.shown is 'What a statement on a view in public can return of the row that it wrote: all of a new one, what it changed of another. Locks nothing.';

create function cardkeep_before.admit_user(p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if p_user is null then
		raise exception 'user_id must be given' using errcode = 'not_null_violation';
	end if;
	insert into cardkeep.users (id) values (p_user) on conflict do nothing;
end
$$;
comment on function cardkeep_before.admit_user is 'A waiting user for an id that no account has: programs from before Cardkeep have people of their own. Waits for somebody who makes the same.';

create function cardkeep_before.check_fresh(p_found boolean, p_exists boolean, p_what text)
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
comment on function cardkeep_before.check_fresh is 'Refuses an update or a deletion that would hit what the statement has not seen, with 40001. Locks nothing.';

create function cardkeep_before.write_card() returns trigger
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
	v_changes jsonb;
	c cardkeep.business_cards;
begin
	if tg_op = 'DELETE' then
		delete from cardkeep.business_cards b where b.id = cardkeep_before.uuid_of(v_old ->> 'id')
			and b.version = (v_old ->> 'version')::integer
		returning b.* into c;
		perform cardkeep_before.check_fresh(c.id is not null, exists (select
			from cardkeep.business_cards b where b.id = cardkeep_before.uuid_of(v_old ->> 'id')), 'the card');
		return case when c.id is not null then old end;
	end if;
	v_changes := cardkeep_before.written(tg_relid, to_jsonb(new), v_old);
	if tg_op = 'INSERT' then
		c := cardkeep_before.insert_card(v_changes);
	else
		update cardkeep.business_cards b
		set (name, slug, template_type, fields_config, design_config, is_public) =
			(select r.name, r.slug, r.template_type, r.fields_config, r.design_config, r.is_public
			from jsonb_populate_record(b, v_changes) r)
		where b.id = cardkeep_before.uuid_of(v_old ->> 'id')
			and b.version = (v_old ->> 'version')::integer
		returning b.* into c;
		perform cardkeep_before.check_fresh(c.id is not null, exists (select
			from cardkeep.business_cards b where b.id = cardkeep_before.uuid_of(v_old ->> 'id')), 'the card');
		if c.id is null then
			return null;
		end if;
	end if;
	new := jsonb_populate_record(new, cardkeep_before.shown(tg_relid, to_jsonb(c),
		case tg_op when 'UPDATE' then v_changes end));
	return new;
end
$$;
comment on function cardkeep_before.write_card is 'Carries a statement on public.business_cards out on the cards, as direct SQL: the version rises, history is kept, a deleted slug is retired. An update changes only what the statement changes; it and a deletion are refused with 40001 where somebody changed the card meanwhile; id, owner and times stay. Waits for the card''s row, then as the triggers of the cards.';

create function cardkeep_before.insert_card(p_row jsonb) returns cardkeep.business_cards
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	r cardkeep.business_cards := jsonb_populate_record(null::cardkeep.business_cards, p_row);
	c cardkeep.business_cards;
begin
	perform cardkeep_before.admit_user(r.user_id);
	insert into cardkeep.business_cards (id, user_id, name, slug, template_type, fields_config,
		design_config, is_public, created_at)
	values (coalesce(r.id, gen_random_uuid()), r.user_id, cardkeep_before.clean_name(r.name),
		coalesce(r.slug, cardkeep.generate_unique_slug(r.name)),
		coalesce(r.template_type, 'personal-small'), coalesce(r.fields_config, '{}'),
		coalesce(r.design_config, '{}'), coalesce(r.is_public, true),
		coalesce(r.created_at, clock_timestamp()))
	returning * into c;
	return c;
end
$$;
comment on function cardkeep_before.insert_card is 'A card that a program from before Cardkeep makes; without a slug it gets a free one. Raises 23505 for a slug that a card has or had. Waits for the slug''s advisory lock.';

create function cardkeep_before.write_profile() returns trigger
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
	v_changes := cardkeep_before.written(tg_relid, to_jsonb(new), v_old);
	if tg_op = 'INSERT' then
		perform cardkeep_before.admit_user((v_changes ->> 'user_id')::uuid);
		v_row := cardkeep_before.insert_profile(tg_table_name, v_changes);
	else
		v_row := cardkeep_before.update_profile(tg_table_name,
			cardkeep_before.uuid_of(v_old ->> 'user_id'), (v_old ->> 'version')::integer, v_changes);
	end if;
	if v_row is null then
		return null;
	end if;
	new := jsonb_populate_record(new, cardkeep_before.shown(tg_relid, v_row,
		case tg_op when 'UPDATE' then v_changes end));
	return new;
end
$$;
comment on function cardkeep_before.write_profile is 'Carries a statement on public.personal_info or public.professional_info out on the profiles, as write_card does on cards. Waits for the profile''s row, and for the advisory lock of a first one.';

create function cardkeep_before.insert_profile(p_kind text, p_row jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_row jsonb := p_row || '{"version": 1}';
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
comment on function cardkeep_before.insert_profile is 'A first profile that a program from before Cardkeep writes. Waits for the advisory lock of the first profile.';

create function cardkeep_before.update_profile(p_kind text, p_user uuid, p_version integer,
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
	perform cardkeep_before.check_fresh(v_row is not null, exists (select
		from cardkeep_api.profiles p where p.kind = p_kind and p.user_id = p_user), 'the profile');
	return v_row;
end
$$;
comment on function cardkeep_before.update_profile is 'Changes a profile that is at this version still; else 40001, or null where it is gone. Waits for the profile''s row.';

commit;
