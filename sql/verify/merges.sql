-- Verify cardkeep:merges on pg

begin;

select 'cardkeep_api.merge_fields'::regproc;
select 'cardkeep_api.extended'::regproc;
select 'cardkeep_api.merged'::regproc;
select 'cardkeep_api.no_base'::regproc;
select 'cardkeep_api.card_merge_version'::regproc;
select 'cardkeep_api.card_merge_replay'::regproc;
select 'cardkeep_api.card_merge_repeat'::regproc;
select 'cardkeep_api.hold_card'::regproc;
select 'cardkeep_api.card_not_held'::regproc;
select 'cardkeep_api.card_merged'::regproc;
select 'cardkeep_api.merge_card_core'::regproc;
select 'cardkeep_api.merge_card'::regproc;
select 'cardkeep_api.hold_profile'::regproc;
select 'cardkeep_api.profile_merge_replay'::regproc;
select 'cardkeep_api.profile_merge_version'::regproc;
select 'cardkeep_api.profile_merge_repeat'::regproc;
select 'cardkeep_api.merge_first_profile'::regproc;
select 'cardkeep_api.merge_profile_core'::regproc;
select 'cardkeep_api.merge_own_profile'::regproc;

rollback;
