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
returns json
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
	return coalesce((
		select json_agg(case
			when p_base is null then
				json_build_object('field', f.field, 'mine', f.mine, 'theirs', f.theirs)
			else
				json_build_object('field', f.field, 'base', f.base, 'mine', f.mine,
					'theirs', f.theirs)
			end order by f.field)
		from (
			select u.field, coalesce(p_base -> u.field, 'null') as base,
				coalesce(p_mine -> u.field, 'null') as mine,
				coalesce(p_theirs -> u.field, 'null') as theirs
			from unnest(p_fields) u(field)) f
		where f.theirs <> case when p_base is null then f.mine else f.base end), '[]');
end
$$;
comment on function cardkeep_api.conflicts is 'Of the named fields, those that others changed since the base, each with base, mine and theirs; without a base, those that differ. A field that a side lacks is null there. Locks nothing.';

commit;
