-- Revert cardkeep:give_back from pg

begin;

drop function cardkeep_before.catch_up_profiles;
drop function cardkeep_before.catch_up_slug;
drop function cardkeep_before.catch_up_cards;
drop function cardkeep_before.take_up;
drop function cardkeep_before.take_up_table;
drop trigger forget_before on cardkeep.users;
drop function cardkeep_before.forget_user;
drop function cardkeep_before.forget_rows;
drop function cardkeep_before.forget_profile;
drop function cardkeep_before.forget_cards;
drop function cardkeep_before.rows_of;
drop function cardkeep_before.forget_row;
drop function cardkeep_before.keep;
drop function cardkeep_before.give_rows_back;
drop function cardkeep_before.write_back;
drop function cardkeep_before.write_visibility;
drop function cardkeep_before.write_as;
drop view cardkeep_before.rows_then;
drop view cardkeep_before.rows_now;

commit;
