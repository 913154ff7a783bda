-- Revert cardkeep:legacy_functions from pg

begin;

drop function cardkeep_legacy.turn_functions_back;
drop function cardkeep_legacy.give_function;
drop function cardkeep_legacy.turn_function;
drop function cardkeep_legacy.function_body;
drop function cardkeep_legacy.shows_cards;
drop function cardkeep_legacy.functions_in_the_way;
drop function cardkeep_legacy.arguments_of;
drop function cardkeep_legacy.functions_of;
drop function cardkeep_doors.save_professional_info;
drop function cardkeep_doors.save_personal_info;
drop function cardkeep_doors.save_profile;
drop function cardkeep_doors.update_card;
drop function cardkeep_doors.create_card;
drop function cardkeep_doors.insert_fields;
drop function cardkeep_doors.fields_of;
drop function cardkeep_legacy.column_for;

commit;
