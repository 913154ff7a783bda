-- Revert cardkeep:card_sets from pg

begin;

drop function cardkeep_api.update_cards;
drop function cardkeep_api.create_cards;
drop function cardkeep_api.try_key_once;
drop function cardkeep_api.read_cards;

commit;
