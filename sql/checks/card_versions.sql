-- promise: a card's history has each version from its first to the card's own once
-- By right a history begins later than at version 1 where it was pruned, or where its card came from before
-- Cardkeep with the version that others had counted to, under the write id of cardkeep_legacy.write_of. What a
-- closed account has is being erased, the oldest history first.
select coalesce(b.id, h.card_id)::text, case
	when h.card_id is null then 'has no history'
	when b.id is null and not h.ended then 'is gone, and its history does not end'
	when b.id is not null and h.deletions > 0 then 'is there, and its history ends'
	when h.deletions > 1 then 'is deleted ' || h.deletions || ' times'
	when b.id is not null and h.last <> b.version
		then 'is at version ' || b.version || ', and its history at ' || h.last
	when h.first <> k.first
		then 'begins at version ' || h.first || ', and was pruned to ' || k.first
	else 'has ' || h.kinds || ' of the versions ' || h.first || ' to ' || h.last
		|| ' in ' || h.rows || ' rows' end
from cardkeep.business_cards b
full join (select v.card_id, count(*) as rows, count(distinct v.version) as kinds,
		min(v.version) as first, max(v.version) as last,
		count(*) filter (where v.is_deletion) as deletions,
		coalesce(max(v.version) filter (where v.is_deletion) = max(v.version),
			false) as ended
	from cardkeep.business_card_versions v group by v.card_id) h on h.card_id = b.id
left join cardkeep.pruned_histories k
	on k.kind = 'business_cards' and k.id = coalesce(b.id, h.card_id)
where (h.card_id is null or h.kinds <> h.last - h.first + 1 or h.rows <> h.kinds
	or h.first <> k.first
	or (k.id is null and h.first <> 1
		and not exists (select from cardkeep.business_card_versions o
			where o.card_id = h.card_id and o.version = h.first
			and o.write_id = md5('business_cards:' || o.card_id || ':' || o.version)::uuid))
	or (b.id is not null and (h.deletions > 0 or h.last <> b.version))
	or (b.id is null and (h.deletions <> 1 or not h.ended)))
	and not exists (select from cardkeep.users u
		where u.id = coalesce(b.user_id, (select r.user_id from cardkeep.retired_slugs r
			where r.card_id = h.card_id)) and u.closed_at is not null);
