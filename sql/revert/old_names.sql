-- Revert cardkeep:old_names from pg

begin;

drop function cardkeep_before.update_profile;
drop function cardkeep_before.insert_profile;
drop function cardkeep_before.write_profile;
drop function cardkeep_before.insert_card;
drop function cardkeep_before.write_card;
drop function cardkeep_before.check_fresh;
drop function cardkeep_before.admit_user;
drop function cardkeep_before.shown;
drop function cardkeep_before.written;
drop function cardkeep_before.turn_references;
drop function cardkeep_before.remake_views;
drop function cardkeep_before.dependent_views;
drop function cardkeep_before.open_view;
drop function cardkeep_before.copy_grants;
drop function cardkeep_before.close_to_others;
drop function cardkeep_before.old_row;
drop function cardkeep_before.view_columns;
drop function cardkeep_before.show_as;

commit;
