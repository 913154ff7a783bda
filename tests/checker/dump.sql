-- What the database holds after a run, one JSON line a row, the rows of an entity together and in
-- the order of their versions. tests/checker/check.mjs reads it; no database is needed then.

select json_build_object('row', 'card', 'entity', 'card/' || b.id, 'version', b.version,
	'slug', b.slug, 'content', json_build_object('name', b.name, 'template_type', b.template_type,
	'fields_config', b.fields_config, 'design_config', b.design_config, 'is_public', b.is_public))
from cardkeep.business_cards b order by b.id;

select json_build_object('row', 'profile', 'entity', 'personal/' || p.user_id, 'version', p.version,
	'content', to_jsonb(p) - array['user_id', 'version', 'last_write', 'created_at', 'updated_at'])
from cardkeep.personal_info p order by p.user_id;

select json_build_object('row', 'profile', 'entity', 'professional/' || p.user_id,
	'version', p.version,
	'content', to_jsonb(p) - array['user_id', 'version', 'last_write', 'created_at', 'updated_at'])
from cardkeep.professional_info p order by p.user_id;

select json_build_object('row', 'retired', 'entity', 'card/' || r.card_id, 'slug', r.slug)
from cardkeep.retired_slugs r order by r.slug;

-- Of a card's history null means that the field stayed.
select json_build_object('row', 'version', 'entity', 'card/' || v.card_id, 'version', v.version,
	'write', v.write_id, 'deletion', v.is_deletion, 'before', jsonb_strip_nulls(jsonb_build_object(
	'name', v.b_name, 'template_type', v.b_template_type, 'is_public', v.b_is_public))
	|| case when v.b_fields_config is null then '{}' else
		jsonb_build_object('fields_config', v.b_fields_config) end
	|| case when v.b_design_config is null then '{}' else
		jsonb_build_object('design_config', v.b_design_config) end)
from cardkeep.business_card_versions v order by v.card_id, v.version;

select json_build_object('row', 'version', 'entity', 'personal/' || v.user_id, 'version', v.version,
	'write', v.write_id, 'deletion', false, 'before', v.before)
from cardkeep.personal_info_versions v order by v.user_id, v.version;

select json_build_object('row', 'version', 'entity', 'professional/' || v.user_id,
	'version', v.version, 'write', v.write_id, 'deletion', false, 'before', v.before)
from cardkeep.professional_info_versions v order by v.user_id, v.version;
