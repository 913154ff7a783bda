-- Revert cardkeep:before from pg

begin;

drop function cardkeep_before.write_of;
drop view cardkeep_before.carried_profiles;
drop view cardkeep_before.carried_cards;
drop function cardkeep_before.fit_card;
drop function cardkeep_before.is_slug;
drop function cardkeep_before.clean_time;
drop function cardkeep_before.clean_document;
drop function cardkeep_before.fit_template;
drop function cardkeep_before.clean_template;
drop function cardkeep_before.clean_name;
drop function cardkeep_before.blank;
drop view cardkeep_before.old_professional_info;
drop view cardkeep_before.old_personal_info;
drop view cardkeep_before.old_business_cards;
drop function cardkeep_before.define_old;
drop function cardkeep_before.read_as;
drop function cardkeep_before.read_visibility;
drop function cardkeep_before.read_truth;
drop function cardkeep_before.column_of;
drop function cardkeep_before.field_of;
drop function cardkeep_before.second_names;
drop function cardkeep_before.visibility_of;
drop function cardkeep_before.name_says;
drop function cardkeep_before.columns_of;
drop function cardkeep_before.column_type;
drop function cardkeep_before.time_of;
drop function cardkeep_before.json_of;
drop function cardkeep_before.uuid_of;
drop table cardkeep.unreturned_rows;
drop table cardkeep.upgrade_changes;
drop table cardkeep_before.old_ids;
drop table cardkeep.upgraded_functions;
drop table cardkeep.upgraded_tables;
drop schema cardkeep_doors;
drop schema cardkeep_before;

commit;
