-- Revert cardkeep:legacy_views from pg

begin;

drop function cardkeep_legacy.update_profile;
drop function cardkeep_legacy.insert_profile;
drop function cardkeep_legacy.write_profile;
drop function cardkeep_legacy.insert_card;
drop function cardkeep_legacy.next_id;
drop function cardkeep_legacy.write_card;
drop function cardkeep_legacy.check_fresh;
drop function cardkeep_legacy.admit_user;
drop function cardkeep_legacy.shown;
drop function cardkeep_legacy.fitted;
drop function cardkeep_legacy.with_one_visibility;
drop function cardkeep_legacy.is_shown;
drop function cardkeep_legacy.said;
drop function cardkeep_legacy.written;
drop function cardkeep_legacy.let_write;
drop function cardkeep_legacy.open_view;
drop function cardkeep_legacy.make_ours;
drop function cardkeep_legacy.copy_defaults;
drop function cardkeep_legacy.copy_grants;
drop function cardkeep_legacy.grants_of;
drop function cardkeep_legacy.old_row;
drop function cardkeep_legacy.view_columns;
drop function cardkeep_legacy.view_column;
drop function cardkeep_legacy.show_visibility;
drop function cardkeep_legacy.show_as;

commit;
