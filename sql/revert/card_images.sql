-- Revert cardkeep:card_images from pg

begin;

drop function cardkeep_api.card_conflict;
drop function cardkeep_api.card_conflicts;
drop function cardkeep_api.card_base;
drop function cardkeep_api.card_reaches;
drop function cardkeep_api.card_kept;
drop function cardkeep_api.card_replay;
drop function cardkeep_api.card_images_after;
drop function cardkeep_api.card_version_before;
drop function cardkeep_api.card_content;
drop function cardkeep_api.card_at;
drop function cardkeep_api.card_with;
drop function cardkeep_api.card_before;
drop function cardkeep_api.last_image;
drop function cardkeep_api.card_image;
drop function cardkeep_api.change_card;
drop function cardkeep_api.new_card;
drop function cardkeep_api.card_same;
drop function cardkeep_api.image;
drop function cardkeep_api.written_alike;
drop function cardkeep_api.card_json;
drop function cardkeep_api.content;
drop function cardkeep_api.change_of;
drop type cardkeep_api.card_change;
drop type cardkeep_api.card_view;

commit;
