-- Verify cardkeep:old_names on pg

begin;

select 'cardkeep_before.show_as'::regproc;
select 'cardkeep_before.view_columns'::regproc;
select 'cardkeep_before.old_row'::regproc;
select 'cardkeep_before.copy_grants'::regproc;
select 'cardkeep_before.open_view'::regproc;
select 'cardkeep_before.written'::regproc;
select 'cardkeep_before.shown'::regproc;
select 'cardkeep_before.admit_user'::regproc;
select 'cardkeep_before.check_fresh'::regproc;
select 'cardkeep_before.write_card'::regproc;
select 'cardkeep_before.insert_card'::regproc;
select 'cardkeep_before.write_profile'::regproc;
select 'cardkeep_before.insert_profile'::regproc;
select 'cardkeep_before.update_profile'::regproc;
select 'cardkeep_before.show_visibility'::regproc;
select 'cardkeep_before.view_column'::regproc;
select 'cardkeep_before.grants_of'::regproc;
select 'cardkeep_before.copy_defaults'::regproc;
select 'cardkeep_before.make_ours'::regproc;
select 'cardkeep_before.let_write'::regproc;
select 'cardkeep_before.said'::regproc;
select 'cardkeep_before.is_shown'::regproc;
select 'cardkeep_before.with_one_visibility'::regproc;
select 'cardkeep_before.fitted'::regproc;
select 'cardkeep_before.next_id'::regproc;

rollback;
