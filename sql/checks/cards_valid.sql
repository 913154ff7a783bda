-- promise: a card's fields keep their rules
select b.id::text, concat_ws(', ',
	case when b.name is null or char_length(b.name) not between 1 and 200 then 'name' end,
	case when b.template_type is null or b.template_type !~ '^[a-z0-9-]{1,64}$'
		then 'template_type' end,
	case when jsonb_typeof(b.fields_config) is distinct from 'object'
		then 'fields_config' end,
	case when jsonb_typeof(b.design_config) is distinct from 'object'
		then 'design_config' end,
	case when b.version is null or b.version < 1 then 'version' end,
	case when b.updated_at < b.created_at then 'updated_at' end) || ' out of bounds'
from cardkeep.business_cards b
where b.name is null or char_length(b.name) not between 1 and 200
	or b.template_type is null or b.template_type !~ '^[a-z0-9-]{1,64}$'
	or jsonb_typeof(b.fields_config) is distinct from 'object'
	or jsonb_typeof(b.design_config) is distinct from 'object'
	or b.version is null or b.version < 1 or b.updated_at < b.created_at;
