-- Deploy cardkeep:conflicts to pg
--
-- Conflicts are told field by field on flat images: a document of field name and value, in which
-- the two documents of a card are taken apart into `fields_config.KEY` and `design_config.KEY`.

begin;

set local role cardkeep_owner;

create function cardkeep_api.flat(p_name text, p_document jsonb) returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	if p_document is null then
		return '{}';
	end if;
	return coalesce((select jsonb_object_agg(p_name || '.' || e.key, e.value)
		from jsonb_each(p_document) e), '{}');
end
$$;
comment on function cardkeep_api.flat is 'The top-level keys of a document as fields NAME.KEY; nothing for null. Locks nothing.';

create function cardkeep_api.conflicts(p_fields text[], p_base jsonb, p_mine jsonb, p_theirs jsonb)
returns text
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	return format('[%s]', (
		select string_agg(format('{"field":%s,%s"mine":%s,"theirs":%s}', to_json(f.field),
			case when p_base is not null then format('"base":%s,', f.base) end, f.mine, f.theirs),
			',' order by f.field)
		from (
			select u.field, coalesce(p_base -> u.field, 'null') as base,
				coalesce(p_mine -> u.field, 'null') as mine,
				coalesce(p_theirs -> u.field, 'null') as theirs
			from unnest(p_fields) u(field)) f
		where f.theirs <> case when p_base is null then f.mine else f.base end));
end
$$;
comment on function cardkeep_api.conflicts is 'Of the named fields, those that others changed since the base, each with base, mine and theirs; without a base, those that differ. A field that a side lacks is null there. Locks nothing.';

create function cardkeep_api.conflict(p_version integer, p_current text, p_conflicts text)
returns cardkeep_api.answer
language sql immutable parallel safe
return cardkeep_api.reply(409, p_version, format(
	'{"currentVersion":%s,"current":%s,"conflictingFields":%s}', p_version, p_current, p_conflicts));
comment on function cardkeep_api.conflict is 'The refusal of a write that expected an older version: what is there now, and what conflicts. Locks nothing.';

commit;
