-- Verify cardkeep:profile_core on pg

begin;

select from cardkeep_api.profiles where false;
select from cardkeep_api.profile_versions where false;
select 'cardkeep_api.profile'::regtype;
select 'cardkeep_api.profile_fields'::regproc;
select 'cardkeep_api.profile_members'::regproc;
select 'cardkeep_api.profile_json'::regproc;
select 'cardkeep_api.read_profile'::regproc;
select 'cardkeep_api.try_profile'::regproc;
select 'cardkeep_api.await_profile'::regproc;
select 'cardkeep_api.profile_before'::regproc;
select 'cardkeep_api.note_profile'::regproc;
select 'cardkeep_api.insert_profile'::regproc;
select 'cardkeep_api.update_profile'::regproc;
select 'cardkeep_api.profile_images'::regproc;
select 'cardkeep_api.profile_at'::regproc;
select 'cardkeep_api.profile_kept'::regproc;
select 'cardkeep_api.profile_base'::regproc;
select 'cardkeep_api.profile_conflict'::regproc;
select 'cardkeep_api.profile_answered'::regproc;
select 'cardkeep_api.profile_replay'::regproc;
select 'cardkeep_api.profile_saved'::regproc;
select 'cardkeep_api.start_profile'::regproc;
select 'cardkeep_api.change_profile'::regproc;
select 'cardkeep_api.save_profile_core'::regproc;
select 'cardkeep_api.clear_empty'::regproc;
select 'cardkeep_api.profile_not_applied'::regproc;

rollback;
