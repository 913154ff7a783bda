-- Verify cardkeep:business_cards on pg

begin;

select id, user_id, name, slug, template_type, fields_config, design_config, is_public, version, last_write, created_at, updated_at
from cardkeep.business_cards where false;

rollback;
