-- Revert cardkeep:card_functions from pg

begin;

drop function cardkeep.update_business_card_optimistic;
drop function cardkeep_api.card_update_told;
drop function cardkeep.create_business_card_atomic;
drop function cardkeep_api.must_be_within;
drop function cardkeep_api.must_fit;
drop function cardkeep_api.clean_name;

commit;
