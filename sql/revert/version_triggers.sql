-- Revert cardkeep:version_triggers from pg

begin;

drop trigger increment_professional_info_version on cardkeep.professional_info;
drop trigger note_professional_info on cardkeep.professional_info;
drop trigger begin_professional_info on cardkeep.professional_info;
drop trigger increment_personal_info_version on cardkeep.personal_info;
drop trigger note_personal_info on cardkeep.personal_info;
drop trigger begin_personal_info on cardkeep.personal_info;
drop trigger increment_business_cards_version on cardkeep.business_cards;
drop function cardkeep.note_profile_start;
drop function cardkeep.begin_profile;
drop function cardkeep.increment_version;
drop function cardkeep_api.is_waiting;

commit;
