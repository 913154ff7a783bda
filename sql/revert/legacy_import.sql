-- Revert cardkeep:legacy_import from pg

begin;

drop function cardkeep_legacy.list_profile_changes;
drop function cardkeep_legacy.carry_profiles;
drop function cardkeep_legacy.carry_cards;
drop function cardkeep_legacy.note_ids;
drop function cardkeep_legacy.list_card_ids;
drop function cardkeep_legacy.list_card_changes;
drop function cardkeep_legacy.list_change;
drop function cardkeep_legacy.carry_other_cards;
drop function cardkeep_legacy.slug_fault;
drop function cardkeep_legacy.free_slug;
drop function cardkeep_legacy.carry_cards_as_they_are;
drop function cardkeep_legacy.carry_card;
drop function cardkeep_legacy.carry_card_history;
drop function cardkeep_legacy.carry_users;

commit;
