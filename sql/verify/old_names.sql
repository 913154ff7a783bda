-- Verify cardkeep:old_names on pg

begin;

select 'cardkeep_before.show_as'::regproc;
select 'cardkeep_before.view_columns'::regproc;
select 'cardkeep_before.old_row'::regproc;
select 'cardkeep_before.close_to_others'::regproc;
select 'cardkeep_before.copy_grants'::regproc;
select 'cardkeep_before.open_view'::regproc;
select 'cardkeep_before.dependent_views'::regproc;
select 'cardkeep_before.remake_views'::regproc;
select 'cardkeep_before.turn_references'::regproc;
select 'cardkeep_before.written'::regproc;
select 'cardkeep_before.shown'::regproc;
select 'cardkeep_before.admit_user'::regproc;
select 'cardkeep_before.check_fresh'::regproc;
select 'cardkeep_before.write_card'::regproc;
select 'cardkeep_before.insert_card'::regproc;
select 'cardkeep_before.write_profile'::regproc;
select 'cardkeep_before.insert_profile'::regproc;
select 'cardkeep_before.update_profile'::regproc;

rollback;
