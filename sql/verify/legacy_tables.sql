-- Verify cardkeep:legacy_tables on pg

begin;

select 'cardkeep.upgraded_tables'::regclass;
select 'cardkeep.upgrade_changes'::regclass;
select 'cardkeep.unreturned_rows'::regclass;
select 'cardkeep_legacy.uuid_of'::regproc;
select 'cardkeep_legacy.json_of'::regproc;
select 'cardkeep_legacy.time_of'::regproc;
select 'cardkeep_legacy.column_type'::regproc;
select 'cardkeep_legacy.columns_of'::regproc;
select 'cardkeep_legacy.read_as'::regproc;
select 'cardkeep_legacy.define_old'::regproc;
select 'cardkeep_legacy.clean_name'::regproc;
select 'cardkeep_legacy.clean_template'::regproc;
select 'cardkeep_legacy.clean_document'::regproc;
select 'cardkeep_legacy.clean_time'::regproc;
select 'cardkeep_legacy.is_slug'::regproc;
select 'cardkeep_legacy.fit_card'::regproc;
select 'cardkeep_legacy.carried_cards'::regclass;
select 'cardkeep_legacy.carried_profiles'::regclass;
select 'cardkeep_legacy.write_of'::regproc;
select from cardkeep_legacy.old_business_cards where false;
select from cardkeep_legacy.old_personal_info where false;
select from cardkeep_legacy.old_professional_info where false;
select 'cardkeep.upgraded_functions'::regclass;
select 'cardkeep_legacy.old_ids'::regclass;
select 'cardkeep_legacy.visibility_of'::regproc;
select 'cardkeep_legacy.name_says'::regproc;
select 'cardkeep_legacy.second_names'::regproc;
select 'cardkeep_legacy.field_of'::regproc;
select 'cardkeep_legacy.column_of'::regproc;
select 'cardkeep_legacy.read_truth'::regproc;
select 'cardkeep_legacy.read_visibility'::regproc;
select 'cardkeep_legacy.blank'::regproc;
select 'cardkeep_legacy.fit_template'::regproc;

rollback;
