-- Revert cardkeep:profile_functions from pg

begin;

drop function cardkeep.upsert_professional_info_optimistic;
drop function cardkeep.upsert_personal_info_optimistic;
drop function cardkeep_api.upsert_profile;
drop function cardkeep_api.profile_upsert_told;

commit;
