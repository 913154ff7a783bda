-- Revert cardkeep:profile_core from pg

begin;

drop function cardkeep_api.profile_not_applied;
drop function cardkeep_api.clear_empty;
drop function cardkeep_api.save_profile_core;
drop function cardkeep_api.change_profile;
drop function cardkeep_api.start_profile;
drop function cardkeep_api.profile_saved;
drop function cardkeep_api.profile_replay;
drop function cardkeep_api.profile_answered;
drop function cardkeep_api.profile_conflict;
drop function cardkeep_api.profile_base;
drop function cardkeep_api.profile_kept;
drop function cardkeep_api.profile_at;
drop function cardkeep_api.profile_images;
drop function cardkeep_api.update_profile;
drop function cardkeep_api.insert_profile;
drop function cardkeep_api.note_profile;
drop function cardkeep_api.profile_before;
drop function cardkeep_api.await_profile;
drop function cardkeep_api.try_profile;
drop function cardkeep_api.read_profile;
drop function cardkeep_api.profile_json;
drop type cardkeep_api.professional_view;
drop type cardkeep_api.personal_view;
drop view cardkeep_api.profile_versions;
drop view cardkeep_api.profiles;
drop function cardkeep_api.profile_members;
drop function cardkeep_api.profile_fields;
drop type cardkeep_api.profile;

commit;
