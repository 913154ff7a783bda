-- Revert cardkeep:old_names from pg

begin;

drop function cardkeep_before.update_profile;
drop function cardkeep_before.insert_profile;
drop function cardkeep_before.write_profile;
drop function cardkeep_before.insert_card;
drop function cardkeep_before.next_id;
drop function cardkeep_before.write_card;
drop function cardkeep_before.check_fresh;
drop function cardkeep_before.admit_user;
drop function cardkeep_before.shown;
drop function cardkeep_before.fitted;
drop function cardkeep_before.with_one_visibility;
drop function cardkeep_before.is_shown;
drop function cardkeep_before.said;
drop function cardkeep_before.written;
drop function cardkeep_before.let_write;
drop function cardkeep_before.open_view;
drop function cardkeep_before.make_ours;
drop function cardkeep_before.copy_defaults;
drop function cardkeep_before.copy_grants;
drop function cardkeep_before.grants_of;
drop function cardkeep_before.old_row;
drop function cardkeep_before.view_columns;
drop function cardkeep_before.view_column;
drop function cardkeep_before.show_visibility;
drop function cardkeep_before.show_as;

commit;
