-- Revert cardkeep:merges from pg

begin;

drop function cardkeep_api.merge_own_profile;
drop function cardkeep_api.merge_profile_core;
drop function cardkeep_api.merge_first_profile;
drop function cardkeep_api.profile_merge_repeat;
drop function cardkeep_api.profile_merge_version;
drop function cardkeep_api.profile_merge_replay;
drop function cardkeep_api.hold_profile;
drop function cardkeep_api.merge_card;
drop function cardkeep_api.merge_card_core;
drop function cardkeep_api.card_merged;
drop function cardkeep_api.card_not_held;
drop function cardkeep_api.hold_card;
drop function cardkeep_api.card_merge_repeat;
drop function cardkeep_api.card_merge_replay;
drop function cardkeep_api.card_merge_version;
drop function cardkeep_api.no_base;
drop function cardkeep_api.merged;
drop function cardkeep_api.extended;
drop function cardkeep_api.merge_fields;

commit;
