-- Verify cardkeep:reverts on pg

begin;

select 'cardkeep_api.base_unavailable'::regproc;
select 'cardkeep_api.card_was'::regproc;
select 'cardkeep_api.revert_card_core'::regproc;
select 'cardkeep_api.card_revert_not_applied'::regproc;
select 'cardkeep_api.revert_card'::regproc;
select 'cardkeep_api.profile_was'::regproc;
select 'cardkeep_api.revert_profile_core'::regproc;
select 'cardkeep_api.profile_revert_not_applied'::regproc;
select 'cardkeep_api.revert_own_profile'::regproc;

rollback;
