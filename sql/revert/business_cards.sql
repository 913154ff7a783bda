-- Revert cardkeep:business_cards from pg

begin;

drop table cardkeep.business_cards;

commit;
