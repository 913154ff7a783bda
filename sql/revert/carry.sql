-- Revert cardkeep:carry from pg

begin;

drop function cardkeep_before.list_profile_changes;
drop function cardkeep_before.carry_profiles;
drop function cardkeep_before.carry_cards;
drop function cardkeep_before.note_ids;
drop function cardkeep_before.list_card_ids;
drop function cardkeep_before.list_card_changes;
drop function cardkeep_before.list_change;
drop function cardkeep_before.carry_other_cards;
drop function cardkeep_before.slug_fault;
drop function cardkeep_before.free_slug;
drop function cardkeep_before.carry_cards_as_they_are;
drop function cardkeep_before.carry_card;
drop function cardkeep_before.carry_card_history;
drop function cardkeep_before.carry_users;

commit;
