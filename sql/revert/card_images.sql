-- Revert cardkeep:card_images from pg

begin;

drop function cardkeep_api.card_conflict;
drop function cardkeep_api.card_conflicts;
drop function cardkeep_api.card_base;
drop function cardkeep_api.card_reaches;
drop function cardkeep_api.card_kept;
drop function cardkeep_api.card_replay;
drop function cardkeep_api.card_at;
drop function cardkeep_api.card_before;
drop function cardkeep_api.image;
drop function cardkeep_api.written_alike;
drop function cardkeep_api.card_json;
drop function cardkeep_api.content;
drop type cardkeep_api.card_change;
drop type cardkeep_api.card_view;

commit;
