-- Revert cardkeep:legacy_restore from pg

begin;

drop function cardkeep_legacy.catch_up_profiles;
drop function cardkeep_legacy.catch_up_slug;
drop function cardkeep_legacy.catch_up_cards;
drop function cardkeep_legacy.take_up;
drop function cardkeep_legacy.take_up_table;
drop trigger forget_before on cardkeep.users;
drop function cardkeep_legacy.forget_user;
drop function cardkeep_legacy.forget_rows;
drop function cardkeep_legacy.forget_profile;
drop function cardkeep_legacy.forget_cards;
drop function cardkeep_legacy.rows_of;
drop function cardkeep_legacy.forget_row;
drop function cardkeep_legacy.keep;
drop function cardkeep_legacy.give_rows_back;
drop function cardkeep_legacy.write_back;
drop function cardkeep_legacy.write_visibility;
drop function cardkeep_legacy.write_as;
drop view cardkeep_legacy.rows_then;
drop view cardkeep_legacy.rows_now;

commit;
