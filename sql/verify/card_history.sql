-- Verify cardkeep:card_history on pg

begin;

select card_id, version, session_id, write_id, at, is_deletion, b_name, b_slug, b_template_type, b_fields_config, b_design_config, b_is_public
from cardkeep.business_card_versions where false;
select 'cardkeep.keep_history'::regproc;
select 'cardkeep.keep_card_history'::regproc;
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_card_versions'::regclass and t.tgname = 'keep_business_card_versions';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_card_versions'::regclass
	and t.tgname = 'keep_business_card_versions_of_accounts';

rollback;
