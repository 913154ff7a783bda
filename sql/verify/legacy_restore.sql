-- Verify cardkeep:legacy_restore on pg

begin;

select 'cardkeep_legacy.rows_now'::regclass;
select 'cardkeep_legacy.rows_then'::regclass;
select 'cardkeep_legacy.write_as'::regproc;
select 'cardkeep_legacy.write_back'::regproc;
select 'cardkeep_legacy.give_rows_back'::regproc;
select 'cardkeep_legacy.keep'::regproc;
select 'cardkeep_legacy.forget_row'::regproc;
select 'cardkeep_legacy.rows_of'::regproc;
select 'cardkeep_legacy.forget_cards'::regproc;
select 'cardkeep_legacy.forget_profile'::regproc;
select 'cardkeep_legacy.forget_rows'::regproc;
select 'cardkeep_legacy.forget_user'::regproc;
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.users'::regclass and t.tgname = 'forget_before';
select 'cardkeep_legacy.take_up_table'::regproc;
select 'cardkeep_legacy.take_up'::regproc;
select 'cardkeep_legacy.catch_up_cards'::regproc;
select 'cardkeep_legacy.catch_up_slug'::regproc;
select 'cardkeep_legacy.catch_up_profiles'::regproc;
select 'cardkeep_legacy.write_visibility'::regproc;

rollback;
