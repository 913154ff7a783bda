-- Revert cardkeep:profile_calls from pg

begin;

drop function cardkeep_api.save_professional_info;
drop function cardkeep_api.read_professional_info;
drop function cardkeep_api.save_personal_info;
drop function cardkeep_api.read_personal_info;
drop function cardkeep_api.save_own_profile;
drop function cardkeep_api.profile_repeat;
drop function cardkeep_api.profile_told;
drop function cardkeep_api.read_own_profile;

commit;
