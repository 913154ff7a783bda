-- promise: every function is there, the owner's, called from outside with a pinned path
select f.name, case when p.oid is null then 'is missing'
	when p.proowner <> 'cardkeep_owner'::regrole then 'belongs to ' || p.proowner::regrole
	else 'has no pinned search path' end
from unnest(string_to_array(:'functions', '|')) f(name)
left join pg_proc p on p.pronamespace::regnamespace || '.' || p.proname = f.name
where p.oid is null or p.proowner <> 'cardkeep_owner'::regrole
	or (p.prosqlbody is null and (p.prosecdef or (p.prorettype = 'trigger'::regtype
				and p.pronamespace::regnamespace::text <> 'cardkeep_doors')
			or p.pronamespace = 'cardkeep'::regnamespace)
		and not coalesce(
			p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false));
