-- Revert cardkeep:reverts from pg

begin;

drop function cardkeep_api.revert_own_profile;
drop function cardkeep_api.profile_revert_not_applied;
drop function cardkeep_api.revert_profile_core;
drop function cardkeep_api.profile_was;
drop function cardkeep_api.revert_card;
drop function cardkeep_api.card_revert_not_applied;
drop function cardkeep_api.revert_card_core;
drop function cardkeep_api.card_was;
drop function cardkeep_api.base_unavailable;

commit;
