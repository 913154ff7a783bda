-- Verify cardkeep:old_functions on pg

begin;

select 'cardkeep_before.column_for'::regproc;
select 'cardkeep_doors.fields_of'::regproc;
select 'cardkeep_doors.insert_fields'::regproc;
select 'cardkeep_doors.create_card'::regproc;
select 'cardkeep_doors.update_card'::regproc;
select 'cardkeep_doors.save_profile'::regproc;
select 'cardkeep_doors.save_personal_info'::regproc;
select 'cardkeep_doors.save_professional_info'::regproc;
select 'cardkeep_before.functions_of'::regproc;
select 'cardkeep_before.arguments_of'::regproc;
select 'cardkeep_before.functions_in_the_way'::regproc;
select 'cardkeep_before.shows_cards'::regproc;
select 'cardkeep_before.function_body'::regproc;
select 'cardkeep_before.turn_function'::regproc;
select 'cardkeep_before.give_function'::regproc;
select 'cardkeep_before.turn_functions_back'::regproc;

rollback;
