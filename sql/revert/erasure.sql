-- Revert cardkeep:erasure from pg

begin;

drop trigger forget_keys on cardkeep.users;
drop trigger forget_profiles on cardkeep.users;
drop trigger forget_cards on cardkeep.users;
drop function cardkeep_api.erase_step;
drop function cardkeep_api.erase_account;
drop function cardkeep_api.erase_entries;
drop function cardkeep_api.erase_profile;
drop function cardkeep_api.erase_graves;
drop function cardkeep_api.erase_cards;
drop function cardkeep_api.erasable_cards;
drop function cardkeep_api.forget_pruned;
drop function cardkeep_api.cards_without_history;
drop function cardkeep_api.erase_card_versions;
drop function cardkeep_api.erasure_cost;
drop function cardkeep_api.close_account;
drop function cardkeep.forget_keys;
drop function cardkeep.forget_profiles;
drop function cardkeep.forget_cards;

commit;
