-- Revert cardkeep:profile_calls from pg

begin;

drop function cardkeep_api.save_own_profile;
drop function cardkeep_api.profile_repeat;
drop function cardkeep_api.profile_told;
drop function cardkeep_api.read_own_profile;

commit;
