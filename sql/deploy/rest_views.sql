-- Deploy cardkeep:rest_views to pg
--
-- What a REST client asks of rows: some columns, filters, an order, a page. The service reads that
-- from the query string into a document, the view:
--
--   {"select": [column...], "filters": [{"column", "op", "not", "values": [text...]}...],
--    "order": [{"column", "descending", "nulls"}...], "limit", "offset", "count", "single"}
--
-- Without "select" all columns are meant, without "limit" as many rows as there may be.
--
-- The statement is made here, and of nothing but what this file holds: a column's name and type come
-- from rest_columns, operators from rest_condition, and each value of the client's travels as a
-- parameter. A plan is made for each request, which suits both a page of cards and one by its id.
--
-- What a view may ask is bounded before the statement is made (rest_bounds), and documents are neither
-- compared nor ordered by: that would fetch and unpack them for every row. So they are fetched for the
-- rows of the page alone, where they are selected.

begin;

set local role cardkeep_owner;

create function cardkeep_api.rest_columns(p_source text) returns text[]
language sql immutable parallel safe
return case p_source
	when 'business_cards' then array[['id', 'uuid'], ['user_id', 'uuid'], ['name', 'text'],
		['slug', 'text'], ['template_type', 'text'], ['fields_config', 'jsonb'],
		['design_config', 'jsonb'], ['is_public', 'boolean'], ['version', 'integer'],
		['created_at', 'timestamptz'], ['updated_at', 'timestamptz']]
	when 'personal_info' then array[['user_id', 'uuid'], ['full_name', 'text'],
		['primary_email', 'text'], ['secondary_email', 'text'], ['primary_phone', 'text'],
		['secondary_phone', 'text'], ['website', 'text'], ['address', 'text'],
		['version', 'integer'], ['created_at', 'timestamptz'], ['updated_at', 'timestamptz']]
	when 'professional_info' then array[['user_id', 'uuid'], ['job_title', 'text'],
		['company_name', 'text'], ['department', 'text'], ['work_email', 'text'],
		['work_phone', 'text'], ['work_address', 'text'], ['company_website', 'text'],
		['linkedin_url', 'text'], ['version', 'integer'], ['created_at', 'timestamptz'],
		['updated_at', 'timestamptz']]
	when 'create_business_card_atomic' then array[['id', 'uuid'], ['slug', 'text'], ['name', 'text'],
		['created_at', 'timestamptz']]
	when 'update_business_card_optimistic' then array[['success', 'boolean'],
		['new_version', 'integer'], ['message', 'text']]
	when 'upsert_profile' then array[['success', 'boolean'], ['new_version', 'integer'],
		['message', 'text'], ['is_new', 'boolean']]
end;
comment on function cardkeep_api.rest_columns is 'The columns of a table, or of what a function returns, each with its type, in the order in which clients see them. Locks nothing.';

create function cardkeep_api.rest_type(p_source text, p_column text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_type text := jsonb_object(cardkeep_api.rest_columns(p_source)) ->> p_column;
begin
	if v_type is null then
		raise exception 'column %.% does not exist', p_source, p_column
			using errcode = 'undefined_column';
	end if;
	return v_type;
end
$$;
comment on function cardkeep_api.rest_type is 'The type of a column; raises 42703 for one that is not in the list, so that no other name gets into a statement. Locks nothing.';

create function cardkeep_api.rest_comparable(p_source text, p_column text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_type text := cardkeep_api.rest_type(p_source, p_column);
begin
	if v_type = 'jsonb' then
		raise exception 'column %.% holds documents, which are neither compared nor ordered by',
			p_source, p_column
			using errcode = 'datatype_mismatch', hint = 'Ask whether it is null, or not.';
	end if;
	return v_type;
end
$$;
comment on function cardkeep_api.rest_comparable is 'As rest_type, of a column that may be compared and ordered by; raises 42804 for one that holds documents. Locks nothing.';

create function cardkeep_api.rest_is(p_source text, p_column text, p_what text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_type text := cardkeep_api.rest_type(p_source, p_column);
begin
	if p_what in ('true', 'false', 'unknown') and v_type <> 'boolean' then
		raise exception 'argument of IS % must be type boolean, not type %', upper(p_what collate "C"), v_type
			using errcode = 'datatype_mismatch';
	end if;
	return format('b.%I is ', p_column) || case p_what when 'null' then 'null'
		when 'not_null' then 'not null' when 'true' then 'true' when 'false' then 'false'
		when 'unknown' then 'unknown' end;
end
$$;
comment on function cardkeep_api.rest_is is 'A condition by what a column is; raises 42804 where a truth is asked of what is no boolean. Locks nothing.';

create function cardkeep_api.rest_condition(p_source text, p_filter jsonb, p_at integer)
returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_column text := p_filter ->> 'column';
	v_type text := case p_filter ->> 'op' when 'is' then cardkeep_api.rest_type(p_source, v_column)
		else cardkeep_api.rest_comparable(p_source, v_column) end;
	v_end integer := p_at + jsonb_array_length(p_filter -> 'values') - 1;
	v_condition text := case p_filter ->> 'op'
		when 'eq' then format('b.%I = $2[%s]::%s', v_column, p_at, v_type)
		when 'neq' then format('b.%I <> $2[%s]::%s', v_column, p_at, v_type)
		when 'in' then format('b.%I = any ($2[%s:%s]::%s[])', v_column, p_at, v_end, v_type)
		when 'is' then cardkeep_api.rest_is(p_source, v_column, p_filter -> 'values' ->> 0)
	end;
begin
	return case when (p_filter -> 'not')::boolean then ' and not (' else ' and (' end || v_condition
		|| ')';
end
$$;
comment on function cardkeep_api.rest_condition is 'One filter as a condition on b, whose values stand in the array $2 from p_at on. Locks nothing.';

create function cardkeep_api.rest_from(p_source text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_columns text[] := cardkeep_api.rest_columns(p_source);
	v_from text := case p_source
		when 'business_cards' then 'cardkeep.business_cards b where b.user_id = $1'
		when 'personal_info' then 'cardkeep.personal_info b where b.user_id = $1'
		when 'professional_info' then 'cardkeep.professional_info b where b.user_id = $1'
		else 'jsonb_to_record($3) b(' || (select string_agg(format('%I %s', v_columns[i][1],
			v_columns[i][2]), ', ') from generate_subscripts(v_columns, 1) i) || ') where true' end;
	v_at integer := 1;
	v_filter jsonb;
begin
	for v_filter in select f from jsonb_array_elements(p_view -> 'filters') f loop
		v_from := v_from || cardkeep_api.rest_condition(p_source, v_filter, v_at);
		v_at := v_at + jsonb_array_length(v_filter -> 'values');
	end loop;
	return v_from;
end
$$;
comment on function cardkeep_api.rest_from is 'Where rows come from, and which: those of user $1 in a table, or the one $3 that a function returned; each by the filters. Locks nothing.';

create function cardkeep_api.rest_select(p_source text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_columns text[] := cardkeep_api.rest_columns(p_source);
	-- A column that is named again is there already; a row would grow by it without bounds.
	v_wanted text[] := coalesce(
		(select array_agg(w.name order by w.place)
			from (select e.name, min(e.place) as place
				from jsonb_array_elements_text(p_view -> 'select') with ordinality e (name, place)
				group by e.name) w),
		array(select v_columns[i][1] from generate_subscripts(v_columns, 1) i order by i));
begin
	perform cardkeep_api.rest_type(p_source, w) from unnest(v_wanted) w;
	return (select string_agg(format('b.%I', w.name), ', ' order by w.place)
		from unnest(v_wanted) with ordinality w (name, place));
end
$$;
comment on function cardkeep_api.rest_select is 'The columns that were asked for, each once, else all. Locks nothing.';

create function cardkeep_api.rest_order(p_source text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	v_order text := '';
	v_item jsonb;
begin
	for v_item in select o from jsonb_array_elements(p_view -> 'order') o loop
		perform cardkeep_api.rest_comparable(p_source, v_item ->> 'column');
		v_order := v_order || format('b.%I %s nulls %s, ', v_item ->> 'column',
			case when (v_item -> 'descending')::boolean then 'desc' else 'asc' end,
			case v_item ->> 'nulls' when 'first' then 'first' else 'last' end);
	end loop;
	return case when p_source = 'business_cards'
		then ' order by ' || v_order || 'b.created_at desc, b.id desc'
		else coalesce(' order by ' || nullif(rtrim(v_order, ', '), ''), '') end;
end
$$;
comment on function cardkeep_api.rest_order is 'The order that was asked for; cards that are equal in it stand newest first, so that pages by offset neither repeat nor miss one. Locks nothing.';

create function cardkeep_api.rest_bounds(p_view jsonb) returns void
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
	c_filters constant integer := 20;
	c_values constant integer := 100; -- of all filters together
	c_selected constant integer := 1000; -- columns, each of which is there once
	c_ordered constant integer := 20;
begin
	if jsonb_array_length(p_view -> 'filters') > c_filters then
		raise exception 'a request has at most % filters', c_filters
			using errcode = 'invalid_parameter_value';
	elsif (select sum(jsonb_array_length(f -> 'values'))
		from jsonb_array_elements(p_view -> 'filters') f) > c_values
	then
		raise exception 'the filters of a request have at most % values together', c_values
			using errcode = 'invalid_parameter_value';
	elsif jsonb_array_length(p_view -> 'select') > c_selected then
		raise exception 'a request names at most % columns', c_selected
			using errcode = 'invalid_parameter_value';
	elsif jsonb_array_length(p_view -> 'order') > c_ordered then
		raise exception 'a request orders by at most % columns', c_ordered
			using errcode = 'invalid_parameter_value';
	end if;
end
$$;
comment on function cardkeep_api.rest_bounds is 'Raises 22023 where a view asks for more than 20 filters, 100 values, 1,000 columns or 20 to order by: the bounds of the service''s query parser. Locks nothing.';

create function cardkeep_api.rest_check(p_view jsonb, p_rows bigint, p_total bigint) returns void
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	if (p_view -> 'single')::boolean and p_rows <> 1 then
		raise exception using errcode = 'PT406',
			message = 'Cannot coerce the result to a single JSON object',
			detail = format('The result contains %s rows', p_rows);
	end if;
	if (p_view -> 'offset')::bigint > p_total then
		raise exception using errcode = 'PT416', message = 'Requested range not satisfiable',
			detail = format('An offset of %s was requested, but there are only %s rows.',
				p_view -> 'offset', p_total);
	end if;
end
$$;
comment on function cardkeep_api.rest_check is 'Raises PT406 where one row was asked for and there is another number, PT416 where the page begins behind the last row. Locks nothing.';

create function cardkeep_api.rest_whole(p_row text, p_view jsonb) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	if p_view - 'single' <> '{"filters": [], "order": [], "offset": 0, "count": false}' then
		return null;
	end if;
	return E'0 1 *\n' || case when (p_view -> 'single')::boolean then p_row else '[' || p_row || ']' end;
end
$$;
comment on function cardkeep_api.rest_whole is 'The page of a view that leaves the only row as it is, which is what nearly all callers of functions want; null for any other view. Locks nothing.';

create function cardkeep_api.rest_page(p_source text, p_user uuid, p_row text, p_view jsonb)
returns text
language plpgsql volatile set search_path = pg_catalog, pg_temp set timezone = 'UTC'
as $$
declare
	c_page_rows constant integer := 100;
	c_page_bytes constant integer := 1048576 - 1024;
	c_counted constant integer := 10000;
	v_from text;
	v_row jsonb;
	v_values text[];
	v_total bigint;
	v_item text;
	v_items text[] := '{}';
	v_rows integer := 0;
	v_bytes integer := 0;
begin
	perform cardkeep_api.rest_bounds(p_view);
	v_from := cardkeep_api.rest_from(p_source, p_view);
	v_row := p_row;
	v_values := array(select v from jsonb_array_elements(p_view -> 'filters') f,
		jsonb_array_elements_text(f -> 'values') v);
	if (p_view -> 'count')::boolean then
		execute format('select nullif(count(*), %s) from (select from %s limit %1$s) c', c_counted + 1,
			v_from) into v_total using p_user, v_values, v_row;
	end if;
	for v_item in execute 'select row_to_json(r)::text from (select '
		|| cardkeep_api.rest_select(p_source, p_view) || ' from ' || v_from
		|| cardkeep_api.rest_order(p_source, p_view) || ' limit $4 offset $5) r'
		using p_user, v_values, v_row, least((p_view -> 'limit')::bigint, c_page_rows),
			(p_view -> 'offset')::bigint
	loop
		v_bytes := v_bytes + octet_length(v_item) + 1;
		if v_bytes <= c_page_bytes or v_rows = 0 then
			v_items := v_items || v_item;
		elsif not (p_view -> 'single')::boolean then
			exit;
		end if;
		v_rows := v_rows + 1;
	end loop;
	perform cardkeep_api.rest_check(p_view, v_rows, v_total);
	return format(E'%s %s %s\n', p_view -> 'offset', v_rows, coalesce(v_total::text, '*'))
		|| case when (p_view -> 'single')::boolean then v_items[1]
			else '[' || array_to_string(v_items, ',') || ']' end;
end
$$;
comment on function cardkeep_api.rest_page is 'The rows of a view as JSON (of a table, or the one p_row that a function returned), after a line with the offset, how many rows there are, and how many there would be without limit and offset (* where that was not asked, or they are more than 10,000): at most 100 of them and 1 MiB, but at least one. Raises what is wrong with the view or its values. Locks nothing.';

commit;
