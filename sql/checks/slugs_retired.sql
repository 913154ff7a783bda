-- promise: the slug of a card that is gone, or that a card once had, is retired
select h.card_id::text, 'its slug of before version ' || h.version || ' may be given again'
from cardkeep.business_card_versions h
left join cardkeep.retired_slugs r on r.slug = h.b_slug
where h.b_slug is not null and r.slug is null
union all
select h.card_id::text, 'is deleted, and its id may be given again'
from cardkeep.business_card_versions h
left join cardkeep.retired_slugs r on r.card_id = h.card_id
where h.is_deletion and r.slug is null;
