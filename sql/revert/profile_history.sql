-- Revert cardkeep:profile_history from pg

begin;

drop table cardkeep.professional_info_versions;
drop table cardkeep.personal_info_versions;
drop function cardkeep.keep_profile_history;

commit;
