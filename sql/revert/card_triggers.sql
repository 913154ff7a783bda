-- Revert cardkeep:card_triggers from pg

begin;

drop trigger bury_business_cards on cardkeep.business_cards;
drop trigger end_business_card on cardkeep.business_cards;
drop trigger note_business_card on cardkeep.business_cards;
drop trigger begin_business_card on cardkeep.business_cards;
drop function cardkeep.bury_business_cards;
drop function cardkeep.end_business_card;
drop function cardkeep_api.note_card_change;
drop function cardkeep.note_business_card;
drop function cardkeep.begin_business_card;
drop function cardkeep_api.retire_slug;
drop function cardkeep_api.claim_slug;
drop function cardkeep_api.await_slug;
drop function cardkeep_api.must_be_open;

commit;
