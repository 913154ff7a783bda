-- Deploy cardkeep:legacy_functions to pg
--
-- The mission's own functions, where a database from before Cardkeep has them in schema public: they
-- were made for tables, and would fail on the views, or go round what Cardkeep keeps. Each keeps its
-- name, its arguments, its owner and its grants; what it does is done here, with its caller's rights and
-- through the views, so that a caller can do no more by it than by a statement of his own. That holds for
-- one that acted with its owner's rights too: what it asked of its caller stood in its body, which does not
-- go on, or it asked nothing.

begin;

set local role cardkeep_owner;

create function cardkeep_legacy.column_for(p_view regclass, p_name text, p_fields text[]) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_field name := case
		when cardkeep_legacy.column_type(p_view, p_name) is not null then cardkeep_legacy.field_of(p_view, p_name)
		else coalesce((select s.field from cardkeep_legacy.second_names() s
			join pg_class c on c.oid = p_view and c.relname = s.kind where s.name = p_name), p_name) end;
begin
	return (select cardkeep_legacy.column_of(p_view, v_field) where v_field = any (p_fields));
end
$$;
comment on function cardkeep_legacy.column_for is 'The column of a view of old that an argument of one of the mission''s functions is for: that of its name, where Cardkeep has it, else that of the field which it names, by its own or its second name; null where the view has none. Locks nothing.';

-- This one acts with its owner's rights, but only looks into the catalog.
create function cardkeep_doors.fields_of(p_view regclass, p_args jsonb, p_fields text[], p_known text[])
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
	-- All columns that say whether a card is shown have one say, whichever an argument is called after.
	v_says jsonb := case when 'is_public' = any (p_fields)
		then cardkeep_legacy.says_of('business_cards', p_view) else '{}' end;
	v_shown boolean;
	v_lost text;
	v_fields jsonb;
begin
	select jsonb_object_agg(c.name, a.value) filter (where c.name is not null and not k.says),
		bool_and(coalesce(cardkeep_legacy.said(p_args, a.key, cardkeep_legacy.name_says(k.name)), false))
			filter (where k.says),
		string_agg(a.key, ', ' order by a.key)
			filter (where c.name is null and not k.says and not k.name = any (p_known))
	into v_fields, v_shown, v_lost
	from jsonb_each(p_args) a
	cross join lateral (select n.name, v_says <> '{}' and (n.name in ('is_public', 'is_active')
			or v_says ? n.name) as says
		from (select case when starts_with(a.key, 'p_') then substr(a.key, 3) else a.key end as name) n) k
	cross join lateral (select cardkeep_legacy.column_for(p_view, k.name, p_fields) as name) c
	where a.value <> 'null';
	if v_lost is not null then
		raise exception 'Cardkeep has no place for % in %', v_lost, p_view
			using errcode = 'feature_not_supported', hint = 'Leave it out, or keep it in a table of your own.';
	end if;
	return coalesce(v_fields, '{}') || coalesce((select jsonb_object_agg(s.key,
			s.value -> case when v_shown then 2 else 1 end)
		from jsonb_each(v_says) s where v_shown is not null), '{}');
end
$$;
comment on function cardkeep_doors.fields_of is 'Arguments of a function of the mission''s as columns of a view of old, by their second names too, and one that says whether a card is shown as all columns that say so; null is none. Raises 0A000 where one has no place there. Locks nothing.';

create function cardkeep_doors.insert_fields(p_view regclass, p_fields jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	v_names text := (select string_agg(quote_ident(k), ', ' order by k) from jsonb_object_keys(p_fields) k);
	v_row jsonb;
begin
	execute format('insert into %s as t (%s) select %2$s from jsonb_populate_record(null::%1$s, $1)
		returning to_jsonb(t)', p_view, v_names) into v_row using p_fields;
	return v_row;
end
$$;
comment on function cardkeep_doors.insert_fields is 'Inserts a row into a view of old, with its defaults for what is not given. Acts with the caller''s rights. Waits as that insertion.';

create function cardkeep_doors.create_card(p_args jsonb, p_shows boolean) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	c_attempts constant integer := 10;
	v_fields jsonb := case when p_shows then cardkeep_doors.fields_of('public.business_cards',
			'{"is_public": true}', '{is_public}', '{}') else '{}' end
		|| cardkeep_doors.fields_of('public.business_cards', p_args,
			'{user_id,name,template_type,fields_config,design_config,is_public}', '{base_slug}');
	v_base text := coalesce(nullif(p_args ->> 'p_base_slug', ''), p_args ->> 'p_name');
	v_slug text := v_base;
begin
	for v_attempt in 1..c_attempts loop
		begin
			return cardkeep_doors.insert_fields('public.business_cards',
				v_fields || jsonb_build_object('slug', v_slug));
		exception when unique_violation then
			v_slug := left(v_base, 80) || '-' || left(md5(random()::text), 6);
		end;
	end loop;
	raise exception 'Unable to generate unique slug after % attempts', c_attempts
		using errcode = 'unique_violation';
end
$$;
comment on function cardkeep_doors.create_card is 'create_business_card_atomic by the view in the old table''s place: the row, with a slug of its own, and shown where p_shows says that the function of old did so and no argument says otherwise, else as the columns'' defaults have it. Raises 23505 where ten slugs were taken. Acts with the caller''s rights. Waits for the slug''s advisory lock.';

create function cardkeep_doors.update_card(p_args jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	v_fields jsonb := cardkeep_doors.fields_of('public.business_cards', p_args,
		'{name,template_type,fields_config,design_config,is_public}', '{card_id,user_id,expected_version}');
	v_names text := (select string_agg(quote_ident(k), ', ' order by k) from jsonb_object_keys(v_fields) k);
	v_version integer;
	k record;
begin
	select r.id, r.user_id into k from jsonb_populate_record(null::public.business_cards,
		jsonb_build_object('id', p_args -> 'p_card_id', 'user_id', p_args -> 'p_user_id')) r;
	begin
		execute format('update public.business_cards b
			set (%1$s) = (select %1$s from jsonb_populate_record(b, $1))
			where b.id = $2 and b.user_id = $3 and b.version = $4 returning b.version',
			coalesce(v_names, 'name'))
		into v_version using v_fields, k.id, k.user_id, (p_args ->> 'p_expected_version')::integer;
	exception when serialization_failure then
		-- Somebody was quicker: that is a conflict.
		v_version := null;
	end;
	if v_version is not null then
		return jsonb_build_object('success', true, 'new_version', v_version, 'message', 'Card updated');
	end if;
	select b.version into v_version from public.business_cards b
	where b.id = k.id and b.user_id = k.user_id;
	return jsonb_build_object('success', false, 'new_version', v_version, 'message',
		case when v_version is null then 'Card not found' else 'Version conflict' end);
end
$$;
comment on function cardkeep_doors.update_card is 'update_business_card_optimistic by the view in the old table''s place; null keeps a field. Acts with the caller''s rights. Waits for the card''s row.';

create function cardkeep_doors.save_profile(p_kind text, p_fields text[], p_args jsonb) returns jsonb
language plpgsql volatile set search_path = pg_catalog, public, pg_temp
as $$
declare
	v_fields jsonb := cardkeep_doors.fields_of(format('public.%I', p_kind), p_args, p_fields,
		'{user_id,expected_version}');
	v_names text := (select string_agg(quote_ident(k), ', ' order by k) from jsonb_object_keys(v_fields) k);
	v_user jsonb := jsonb_build_object('user_id', p_args -> 'p_user_id');
	v_expected integer := coalesce((p_args ->> 'p_expected_version')::integer, 0);
	v_version integer;
begin
	begin
		if v_expected = 0 then
			v_version := cardkeep_doors.insert_fields(format('public.%I', p_kind), v_fields || v_user) -> 'version';
		else
			execute format('update public.%1$I t set (%2$s) = (select %2$s from jsonb_populate_record(t, $1))
				where t.user_id = (jsonb_populate_record(null::public.%1$I, $2)).user_id and t.version = $3
				returning t.version', p_kind, coalesce(v_names || ', user_id', 'user_id, version'))
			into v_version using v_fields, v_user, v_expected;
		end if;
	exception when unique_violation or serialization_failure then
		v_version := null;
	end;
	if v_version is not null then
		return jsonb_build_object('success', true, 'new_version', v_version, 'is_new', v_expected = 0,
			'message', case v_expected when 0 then 'Profile created' else 'Profile updated' end);
	end if;
	execute format('select t.version from public.%1$I t
		where t.user_id = (jsonb_populate_record(null::public.%1$I, $1)).user_id', p_kind)
	into v_version using v_user;
	return jsonb_build_object('success', false, 'new_version', coalesce(v_version, 0), 'is_new', false,
		'message', 'Version conflict');
end
$$;
comment on function cardkeep_doors.save_profile is 'Either profile''s upsert by the view in the old table''s place; null keeps a field. Acts with the caller''s rights. Waits for the profile''s row, or for another first write.';

create function cardkeep_doors.save_personal_info(p_args jsonb) returns jsonb
language sql volatile
return cardkeep_doors.save_profile('personal_info', '{full_name,primary_email,secondary_email,primary_phone,secondary_phone,website,address}', p_args);
comment on function cardkeep_doors.save_personal_info is 'upsert_personal_info_optimistic, as save_profile. Waits as that.';

create function cardkeep_doors.save_professional_info(p_args jsonb) returns jsonb
language sql volatile
return cardkeep_doors.save_profile('professional_info', '{job_title,company_name,department,work_email,work_phone,work_address,company_website,linkedin_url}', p_args);
comment on function cardkeep_doors.save_professional_info is 'upsert_professional_info_optimistic, as save_profile. Waits as that.';

grant execute on function cardkeep_doors.fields_of, cardkeep_doors.insert_fields, cardkeep_doors.create_card,
	 cardkeep_doors.update_card, cardkeep_doors.save_profile,
	cardkeep_doors.save_personal_info, cardkeep_doors.save_professional_info to public;

-- Turning them, and back

create function cardkeep_legacy.functions_of(p_kind text)
returns table (function regprocedure, goes_to text)
language sql stable
begin atomic
	select p.oid::regprocedure, f.goes_to from pg_catalog.pg_proc p
	join (values ('business_cards', 'generate_unique_slug', 'slug'),
		('business_cards', 'create_business_card_atomic', 'create_card'),
		('business_cards', 'update_business_card_optimistic', 'update_card'),
		('personal_info', 'upsert_personal_info_optimistic', 'save_personal_info'),
		('professional_info', 'upsert_professional_info_optimistic', 'save_professional_info'))
		f (kind, name, goes_to) on f.name = p.proname
	where f.kind = p_kind and p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
	order by 1;
end;
comment on function cardkeep_legacy.functions_of is 'The functions of the mission''s names in schema public that are about an old table, and what does their work now. Locks nothing.';

create function cardkeep_legacy.arguments_of(p_function regprocedure, p_out boolean)
returns table (name text, type text, number bigint)
language sql stable
begin atomic
	select coalesce(p.proargnames[a.n], ''), format_type(a.type, null), row_number() over (order by a.n)
	from pg_catalog.pg_proc p
	cross join lateral unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
		with ordinality a (type, n)
	where p.oid = p_function
		and case when p_out then coalesce(p.proargmodes[a.n], 'i') in ('o', 't')
			else coalesce(p.proargmodes[a.n], 'i') = 'i' end;
end;
comment on function cardkeep_legacy.arguments_of is 'What a function takes, or by name gives, in its order. Locks nothing.';

create function cardkeep_legacy.functions_in_the_way(p_kind text)
returns table (what text, way_out text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return query
	select format('function %s has another form than Cardkeep''s', f.function),
		'give it another name, or drop it'
	from cardkeep_legacy.functions_of(p_kind) f join pg_proc p on p.oid = f.function
	where exists (select from unnest(p.proargmodes) m (mode) where m.mode in ('b', 'v'))
		or f.goes_to <> 'slug' and exists (select from cardkeep_legacy.arguments_of(f.function, false) a
			where a.name = '')
		or case when exists (select from cardkeep_legacy.arguments_of(f.function, true))
			then f.goes_to = 'slug'
			else p.proretset or p.prorettype <> all (case f.goes_to
				when 'slug' then array['text'::regtype, 'character varying'::regtype]
				else array['json'::regtype, 'jsonb'::regtype] end) end
		or f.goes_to = 'slug' and (select string_agg(a.type, ' ' order by a.number)
			from cardkeep_legacy.arguments_of(f.function, false) a) not in ('text', 'text integer');
	return query
	select format('function %s gives %s, which Cardkeep''s does not', f.function, string_agg(a.name, ', ')),
		'give it another name, or drop it'
	from cardkeep_legacy.functions_of(p_kind) f
	cross join lateral cardkeep_legacy.arguments_of(f.function, true) a
	where case f.goes_to when 'slug' then false when 'create_card' then a.name <> 'version'
			and cardkeep_legacy.column_type(format('public.%I', p_kind), a.name) is null
		when 'update_card' then a.name not in ('success', 'new_version', 'message')
		else a.name not in ('success', 'new_version', 'message', 'is_new') end
	group by f.function;
	return query
	select format('function %s is not %s''s', f.function, current_user),
		format('sign in as %s, or as a member of that role', p.proowner::regrole)
	from cardkeep_legacy.functions_of(p_kind) f join pg_proc p on p.oid = f.function
	where not pg_has_role(p.proowner, 'usage');
end
$$;
comment on function cardkeep_legacy.functions_in_the_way is 'The functions of the mission''s names that are of another form than ours, or are somebody else''s. Locks nothing.';

create function cardkeep_legacy.shows_cards(p_function regprocedure) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_source text := (select coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) from pg_proc p
		where p.oid = p_function);
	v_says text[];
begin
	if octet_length(v_source) > 100000 then
		return null;
	end if;
	-- One after the other: alternatives would be greedy, up to the end of the last comment.
	v_source := regexp_replace(regexp_replace(v_source, '--[^\n]*', ' ', 'g'), '/\*.*?\*/', ' ', 'g');
	v_says := array(select s.value ->> 0
		from jsonb_each(cardkeep_legacy.says_of('business_cards', 'public.business_cards')) s
		where v_source ~* format('\m%s\M', s.key));
	-- By the words alone: who would show a card that was to be hidden does worse than who hides one.
	return case when v_says = '{}' then false
		when v_says <@ '{shown}' and v_source !~* '\mfalse\M' then v_source ~* '\mtrue\M'
		when v_says <@ '{hidden}' and v_source !~* '\mtrue\M' then v_source ~* '\mfalse\M' end;
end
$$;
comment on function cardkeep_legacy.shows_cards is 'Whether a function of old that makes cards set what says that they are shown, or left it to the columns'' defaults; null where its words do not tell. Locks nothing.';

create function cardkeep_legacy.function_body(p_function regprocedure, p_goes_to text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_call text;
	v_values text;
	v_names text;
	v_set boolean := (select p.proretset from pg_proc p where p.oid = p_function);
begin
	if p_goes_to = 'slug' then
		select format('cardkeep.generate_unique_slug(%s)', string_agg(format(case a.number when 1 then '$%s'
			else 'coalesce($%s, 10)' end, a.number), ', ')) into v_call
		from cardkeep_legacy.arguments_of(p_function, false) a;
		return format('begin return %s; end', v_call);
	end if;
	select format('cardkeep_doors.%I(jsonb_build_object(%s)%s) r(v)', p_goes_to,
		string_agg(format('%L, $%s', a.name, a.number), ', ' order by a.number), case p_goes_to
			when 'create_card' then format(', %s', coalesce(cardkeep_legacy.shows_cards(p_function), false)::text) end)
	into v_call
	from cardkeep_legacy.arguments_of(p_function, false) a;
	select string_agg(format(case when a.type in ('json', 'jsonb') then '(r.v -> %L)::%s'
		else '(r.v ->> %L)::%s' end, a.name, a.type), ', ' order by a.number),
		string_agg(quote_ident(a.name), ', ' order by a.number)
	into v_values, v_names
	from cardkeep_legacy.arguments_of(p_function, true) a;
	return format(case when v_set then 'begin return query select %s from %s; end'
		when v_values is not null then 'begin select %s into %3$s from %2$s; end'
		else 'begin return (select r.v from %2$s); end' end, v_values, v_call, v_names);
end
$$;
comment on function cardkeep_legacy.function_body is 'What a function of the mission''s name does now: hands its arguments on by their names, and takes from the answer what it gives by name. Locks nothing.';

create function cardkeep_legacy.turn_function(p_function regprocedure, p_goes_to text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	p pg_proc;
begin
	select o.* into p from pg_proc o where o.oid = p_function;
	if p_goes_to = 'create_card' and cardkeep_legacy.shows_cards(p_function) is null then
		raise warning 'upgrade: function % sets whether a card is shown, and its words do not tell how: a card that it makes is as the columns'' defaults have it, unless an argument says so',
			p_function;
	end if;
	insert into cardkeep.upgraded_functions (signature, owner, definition)
	values (p_function, pg_get_userbyid(p.proowner), pg_get_functiondef(p_function));
	execute format('create or replace function public.%I(%s) returns %s language plpgsql volatile %s
		set search_path = pg_catalog, public, pg_temp as %L', p.proname,
		pg_get_function_arguments(p_function), pg_get_function_result(p_function),
		case when p_goes_to = 'slug' then 'security definer' end,
		cardkeep_legacy.function_body(p_function, p_goes_to));
	-- A slug is looked for among all cards, by the owner of all.
	if p_goes_to = 'slug' then
		execute 'grant create on schema public to cardkeep_owner';
		execute format('alter function %s owner to cardkeep_owner', p_function);
		execute 'revoke create on schema public from cardkeep_owner';
		-- With the owner his own right went too.
		if exists (select from aclexplode(p.proacl) a where a.grantee = p.proowner) then
			execute format('grant execute on function %s to %s', p_function, p.proowner::regrole);
		end if;
	end if;
	raise notice 'upgrade: function % goes to Cardkeep''s rows now, for whom it was for', p_function;
	if p.prosecdef and p_goes_to <> 'slug' then
		raise warning 'upgrade: function % acted with its owner''s rights, and acts with its caller''s now: who could write by it alone is to be granted the table, or a policy, that lets him',
			p_function;
	end if;
end
$$;
comment on function cardkeep_legacy.turn_function is 'Makes a function of the mission''s name do what it did on Cardkeep''s rows, in its place: owner and grants stay, and it acts with its caller''s rights, but that the look for a free slug is Cardkeep''s own. Locks nothing.';

create function cardkeep_legacy.give_function(p_function regprocedure, p_owner name) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_may boolean := has_schema_privilege(p_owner, 'public', 'create');
begin
	perform from pg_proc p where p.oid = p_function and pg_get_userbyid(p.proowner) = p_owner;
	if found then
		return;
	end if;
	-- An owner must be allowed to make functions where his function is.
	if not v_may then
		execute format('grant create on schema public to %I', p_owner);
	end if;
	execute format('alter function %s owner to %I', p_function, p_owner);
	if not v_may then
		execute format('revoke create on schema public from %I', p_owner);
	end if;
end
$$;
comment on function cardkeep_legacy.give_function is 'Gives a function in schema public to its owner of before. Locks nothing.';

create function cardkeep_legacy.turn_functions_back() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	f cardkeep.upgraded_functions;
begin
	for f in delete from cardkeep.upgraded_functions returning *
	loop
		-- One that was dropped since is not brought back.
		if to_regprocedure(f.signature) is not null then
			execute f.definition;
			perform cardkeep_legacy.give_function(f.signature::regprocedure, f.owner);
		end if;
	end loop;
end
$$;
comment on function cardkeep_legacy.turn_functions_back is 'Puts back the functions of the mission''s names as they were. Locks nothing.';

commit;
