-- Revert cardkeep:patches from pg

begin;

drop function cardkeep_api.patch_card;
drop function cardkeep_api.patch_card_core;
drop function cardkeep_api.patch_repeat;
drop function cardkeep_api.patched;
drop function cardkeep_api.merge_patch;

commit;
