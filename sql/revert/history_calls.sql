-- Revert cardkeep:history_calls from pg

begin;

drop function cardkeep_api.read_own_history;
drop function cardkeep_api.profile_later;
drop function cardkeep_api.read_card_history;
drop function cardkeep_api.card_later;
drop function cardkeep_api.history_page;
drop function cardkeep_api.history_json;
drop type cardkeep_api.history_view;

commit;
