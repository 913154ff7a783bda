-- Revert cardkeep:legacy_tables from pg

begin;

drop function cardkeep_legacy.write_of;
drop view cardkeep_legacy.carried_profiles;
drop view cardkeep_legacy.carried_cards;
drop function cardkeep_legacy.fit_card;
drop function cardkeep_legacy.is_slug;
drop function cardkeep_legacy.clean_time;
drop function cardkeep_legacy.clean_document;
drop function cardkeep_legacy.fit_template;
drop function cardkeep_legacy.clean_template;
drop function cardkeep_legacy.clean_name;
drop function cardkeep_legacy.blank;
drop view cardkeep_legacy.old_professional_info;
drop view cardkeep_legacy.old_personal_info;
drop view cardkeep_legacy.old_business_cards;
drop function cardkeep_legacy.define_old;
drop function cardkeep_legacy.read_as;
drop function cardkeep_legacy.read_visibility;
drop function cardkeep_legacy.read_truth;
drop function cardkeep_legacy.column_of;
drop function cardkeep_legacy.field_of;
drop function cardkeep_legacy.second_names;
drop function cardkeep_legacy.visibility_of;
drop function cardkeep_legacy.name_says;
drop function cardkeep_legacy.columns_of;
drop function cardkeep_legacy.column_type;
drop function cardkeep_legacy.time_of;
drop function cardkeep_legacy.json_of;
drop function cardkeep_legacy.uuid_of;
drop table cardkeep.unreturned_rows;
drop table cardkeep.upgrade_changes;
drop table cardkeep_legacy.old_ids;
drop table cardkeep.upgraded_functions;
drop table cardkeep.upgraded_tables;
drop schema cardkeep_doors;
drop schema cardkeep_legacy;

commit;
