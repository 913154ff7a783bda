-- promise: what a version says was before it differs from what came after
select h.user_id::text, 'version ' || h.version || ', ' || e.key || ': what was before is what came after'
from cardkeep.:profile_versions h cross join jsonb_each(h.before) e
join cardkeep.:profile p on p.user_id = h.user_id
where e.value = coalesce((select n.before -> e.key
	from cardkeep.:profile_versions n where n.user_id = h.user_id
		and n.version > h.version and n.before ? e.key
	order by n.version limit 1), to_jsonb(p) -> e.key);
