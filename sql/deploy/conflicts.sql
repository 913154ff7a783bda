-- Deploy cardkeep:conflicts to pg
--
-- Conflicts are told field by field: the top-level keys of a card's two documents are fields of their
-- own, `fields_config.KEY` and `design_config.KEY`.

begin;

set local role cardkeep_owner;

create function cardkeep_api.reach() returns integer
language sql immutable parallel safe
return 1000;
comment on function cardkeep_api.reach is 'How many versions back a conflict or a merge looks for its base. Locks nothing.';

create function cardkeep_api.conflict_text(p_field text, p_base jsonb, p_mine jsonb, p_theirs jsonb)
returns text
language sql stable parallel safe
return format('{"field":%s,%s"mine":%s,"theirs":%s}', to_json(p_field), '"base":' || p_base::text || ',',
	p_mine, p_theirs);
comment on function cardkeep_api.conflict_text is 'A field in conflict as clients read it; without a base where that is null. Locks nothing.';

create function cardkeep_api.field_conflict(p_field text, p_base jsonb, p_mine jsonb, p_theirs jsonb)
returns text
language sql stable parallel safe
return case when p_mine is not null and p_theirs <> coalesce(p_base, p_mine)
	then cardkeep_api.conflict_text(p_field, p_base, p_mine, p_theirs) end;
comment on function cardkeep_api.field_conflict is 'One field of a request that others changed since the base, as clients read it; null where nobody did, or the request leaves it out. Without a base (null), one that differs. Locks nothing.';

create function cardkeep_api.conflicts(p_prefix text, p_whole boolean, p_base jsonb, p_mine jsonb,
	p_theirs jsonb)
returns text
language plpgsql stable parallel safe
as $$
declare
	c_most constant integer := 100; -- keys that are told of
	-- Each side in one piece: of a stored one every look at a key would fetch and unpack it anew, in
	-- all plans that do not know the arguments.
	v_base jsonb := p_base || '{}';
	v_mine jsonb := p_mine || '{}';
	v_theirs jsonb := p_theirs || '{}';
	v_before jsonb := coalesce(v_base, v_mine);
begin
	if v_mine is null or v_theirs = v_before then
		return null;
	end if;
	return (
		select string_agg(case when f.place <= c_most then cardkeep_api.conflict_text(p_prefix || f.key,
				case when v_base is not null then coalesce(v_base -> f.key, 'null') end,
				coalesce(v_mine -> f.key, 'null'), coalesce(v_theirs -> f.key, 'null')) end,
				',' order by f.place)
			|| case when count(*) > c_most then format(',{"field":%s,"more":%s}',
				to_json(rtrim(p_prefix, '.')), count(*) - c_most) else '' end
		from (
			select k.key, row_number() over (order by k.key) as place
			from jsonb_object_keys(
				case when p_whole then coalesce(v_base, '{}') || v_mine || v_theirs else v_mine end) k(key)
			where case when p_whole then v_theirs -> k.key is distinct from v_before -> k.key
				else coalesce(v_theirs -> k.key, 'null') <> coalesce(v_before -> k.key, 'null')
				end) f);
end
$$;
comment on function cardkeep_api.conflicts is 'As field_conflict, of each key that the request holds and, where it replaces the whole document, each of the base and of what is there now, as it would be gone; separated by commas; null where there is none. A key that a side lacks is shown as null; only in a whole document is it something else than null. Of more than 100 keys the first are told, and then, with the document as the field, how many more there are. Fetches each side once, however many keys it has. Locks nothing.';

create function cardkeep_api.conflict(p_version integer, p_current text, p_conflicts text)
returns cardkeep_api.answer
language sql stable parallel safe
return cardkeep_api.reply(409, p_version, format(
	'{"currentVersion":%s,"current":%s,"conflictingFields":[%s]}', p_version, p_current, p_conflicts));
comment on function cardkeep_api.conflict is 'The refusal of a write that expected an older version: what is there now, and what conflicts (null: nothing). Locks nothing.';

commit;
