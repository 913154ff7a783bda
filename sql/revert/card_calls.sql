-- Revert cardkeep:card_calls from pg

begin;

drop function cardkeep_api.delete_card;
drop function cardkeep_api.update_card;
drop function cardkeep_api.card_repeat;
drop function cardkeep_api.card_told;
drop function cardkeep_api.create_card;
drop function cardkeep_api.list_cards;
drop function cardkeep_api.card_cursor;
drop function cardkeep_api.read_card;
drop function cardkeep_api.check_card;

commit;
