-- Verify cardkeep:legacy_functions on pg

begin;

select 'cardkeep_legacy.column_for'::regproc;
select 'cardkeep_doors.fields_of'::regproc;
select 'cardkeep_doors.insert_fields'::regproc;
select 'cardkeep_doors.create_card'::regproc;
select 'cardkeep_doors.update_card'::regproc;
select 'cardkeep_doors.save_profile'::regproc;
select 'cardkeep_doors.save_personal_info'::regproc;
select 'cardkeep_doors.save_professional_info'::regproc;
select 'cardkeep_legacy.functions_of'::regproc;
select 'cardkeep_legacy.arguments_of'::regproc;
select 'cardkeep_legacy.functions_in_the_way'::regproc;
select 'cardkeep_legacy.shows_cards'::regproc;
select 'cardkeep_legacy.function_body'::regproc;
select 'cardkeep_legacy.turn_function'::regproc;
select 'cardkeep_legacy.give_function'::regproc;
select 'cardkeep_legacy.turn_functions_back'::regproc;

rollback;
