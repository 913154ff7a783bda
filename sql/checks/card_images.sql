-- promise: what a version says was before it differs from what came after
-- What came after a version's image of a field is the next image of it, or what the card holds now. Documents are
-- compared as they are written: 1.5 and 1.50 are equal, and are two versions.
select h.card_id::text, 'version ' || h.version || ': ' || case
	when h.version = 1 then 'something was before the first'
	when h.is_deletion then 'a deletion without the whole card'
	else 'what was before is what came after' end
from cardkeep.business_card_versions h
left join cardkeep.business_cards b on b.id = h.card_id
where (h.version = 1 and num_nonnulls(h.b_name, h.b_slug, h.b_template_type,
		h.b_fields_config, h.b_design_config, h.b_is_public) > 0)
	or (h.is_deletion and num_nulls(h.b_name, h.b_slug, h.b_template_type,
		h.b_fields_config, h.b_design_config, h.b_is_public) > 0)
	or (h.version > 1 and not h.is_deletion and (
		(h.b_name is not null and h.b_name = coalesce((select n.b_name
			from cardkeep.business_card_versions n where n.card_id = h.card_id
				and n.version > h.version and n.b_name is not null
			order by n.version limit 1), b.name))
		or (h.b_slug is not null and h.b_slug = coalesce((select n.b_slug
			from cardkeep.business_card_versions n where n.card_id = h.card_id
				and n.version > h.version and n.b_slug is not null
			order by n.version limit 1), b.slug))
		or (h.b_template_type is not null and h.b_template_type = coalesce((select n.b_template_type
			from cardkeep.business_card_versions n where n.card_id = h.card_id
				and n.version > h.version and n.b_template_type is not null
			order by n.version limit 1), b.template_type))
		or (h.b_fields_config is not null and h.b_fields_config::text = coalesce((select n.b_fields_config::text
			from cardkeep.business_card_versions n where n.card_id = h.card_id
				and n.version > h.version and n.b_fields_config is not null
			order by n.version limit 1), b.fields_config::text))
		or (h.b_design_config is not null and h.b_design_config::text = coalesce((select n.b_design_config::text
			from cardkeep.business_card_versions n where n.card_id = h.card_id
				and n.version > h.version and n.b_design_config is not null
			order by n.version limit 1), b.design_config::text))
		or (h.b_is_public is not null and h.b_is_public = coalesce((select n.b_is_public
			from cardkeep.business_card_versions n where n.card_id = h.card_id
				and n.version > h.version and n.b_is_public is not null
			order by n.version limit 1), b.is_public))));
