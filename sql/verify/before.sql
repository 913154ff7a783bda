-- Verify cardkeep:before on pg

begin;

select 'cardkeep.upgraded_tables'::regclass;
select 'cardkeep.upgrade_changes'::regclass;
select 'cardkeep.unreturned_rows'::regclass;
select 'cardkeep_before.uuid_of'::regproc;
select 'cardkeep_before.json_of'::regproc;
select 'cardkeep_before.time_of'::regproc;
select 'cardkeep_before.column_type'::regproc;
select 'cardkeep_before.columns_of'::regproc;
select 'cardkeep_before.read_as'::regproc;
select 'cardkeep_before.define_old'::regproc;
select 'cardkeep_before.clean_name'::regproc;
select 'cardkeep_before.clean_template'::regproc;
select 'cardkeep_before.clean_document'::regproc;
select 'cardkeep_before.clean_time'::regproc;
select 'cardkeep_before.is_slug'::regproc;
select 'cardkeep_before.fit_card'::regproc;
select 'cardkeep_before.carried_cards'::regclass;
select 'cardkeep_before.carried_profiles'::regclass;
select 'cardkeep_before.write_of'::regproc;
select from cardkeep_before.old_business_cards where false;
select from cardkeep_before.old_personal_info where false;
select from cardkeep_before.old_professional_info where false;
select 'cardkeep.upgraded_functions'::regclass;
select 'cardkeep_before.old_ids'::regclass;
select 'cardkeep_before.visibility_of'::regproc;
select 'cardkeep_before.name_says'::regproc;
select 'cardkeep_before.second_names'::regproc;
select 'cardkeep_before.field_of'::regproc;
select 'cardkeep_before.column_of'::regproc;
select 'cardkeep_before.read_truth'::regproc;
select 'cardkeep_before.read_visibility'::regproc;
select 'cardkeep_before.blank'::regproc;
select 'cardkeep_before.fit_template'::regproc;

rollback;
