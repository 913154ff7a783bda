-- Verify cardkeep:legacy_views on pg

begin;

select 'cardkeep_legacy.show_as'::regproc;
select 'cardkeep_legacy.view_columns'::regproc;
select 'cardkeep_legacy.old_row'::regproc;
select 'cardkeep_legacy.copy_grants'::regproc;
select 'cardkeep_legacy.open_view'::regproc;
select 'cardkeep_legacy.written'::regproc;
select 'cardkeep_legacy.shown'::regproc;
select 'cardkeep_legacy.admit_user'::regproc;
select 'cardkeep_legacy.check_fresh'::regproc;
select 'cardkeep_legacy.write_card'::regproc;
select 'cardkeep_legacy.insert_card'::regproc;
select 'cardkeep_legacy.write_profile'::regproc;
select 'cardkeep_legacy.insert_profile'::regproc;
select 'cardkeep_legacy.update_profile'::regproc;
select 'cardkeep_legacy.show_visibility'::regproc;
select 'cardkeep_legacy.view_column'::regproc;
select 'cardkeep_legacy.grants_of'::regproc;
select 'cardkeep_legacy.copy_defaults'::regproc;
select 'cardkeep_legacy.make_ours'::regproc;
select 'cardkeep_legacy.let_write'::regproc;
select 'cardkeep_legacy.said'::regproc;
select 'cardkeep_legacy.is_shown'::regproc;
select 'cardkeep_legacy.with_one_visibility'::regproc;
select 'cardkeep_legacy.fitted'::regproc;
select 'cardkeep_legacy.next_id'::regproc;

rollback;
