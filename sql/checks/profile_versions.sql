-- promise: a profile's history has each version from its first to its own once
-- By right a history begins later than at version 1 where it was pruned, or where its profile came from before
-- Cardkeep, as in card_versions; one that was adopted came under the id of whoever waited. What a closed account
-- has is being erased, the oldest history first.
select p.user_id::text, case when h.user_id is null then 'has no history'
	when h.last <> p.version
		then 'is at version ' || p.version || ', and its history at ' || h.last
	when h.first <> k.first
		then 'begins at version ' || h.first || ', and was pruned to ' || k.first
	else 'has ' || h.kinds || ' of the versions ' || h.first || ' to ' || h.last
		|| ' in ' || h.rows || ' rows' end
from cardkeep.:profile p
left join (select v.user_id, count(*) as rows, count(distinct v.version) as kinds,
		min(v.version) as first, max(v.version) as last
	from cardkeep.:profile_versions v group by v.user_id) h on h.user_id = p.user_id
left join cardkeep.pruned_histories k on k.kind = :'profile' and k.id = p.user_id
where (h.user_id is null or h.kinds <> h.last - h.first + 1 or h.rows <> h.kinds or h.last <> p.version
	or h.first <> k.first
	or (k.id is null and h.first <> 1
		and not exists (select from cardkeep.:profile_versions o
			left join cardkeep.upgrade_changes c on c.kind = :'profile' and c.entity_id = o.user_id
				and c.field = 'user_id' and c.reason = 'adopted'
			where o.user_id = h.user_id and o.version = h.first
				and (o.write_id = md5(:'profile' || ':' || o.user_id || ':' || o.version)::uuid
					or o.write_id = md5(:'profile' || ':' || (c.was #>> '{}') || ':'
						|| o.version)::uuid))))
	and not exists (select from cardkeep.users u where u.id = p.user_id and u.closed_at is not null);
