-- promise: no version is dated before the one it follows
select h.card_id::text, 'version ' || h.version || ' is dated before the one it follows'
from (select v.card_id, v.version, v.at,
		lag(v.at) over (partition by v.card_id order by v.version) as before
	from cardkeep.business_card_versions v) h
where h.at < h.before;
