-- promise: a slug is one card's, and was never another's
select b.slug, count(*) || ' cards have it' from cardkeep.business_cards b
group by b.slug having count(*) > 1
union all
select b.slug, 'is retired, and card ' || b.id || ' has it'
from cardkeep.business_cards b join cardkeep.retired_slugs r on r.slug = b.slug;
