-- Verify cardkeep:give_back on pg

begin;

select 'cardkeep_before.rows_now'::regclass;
select 'cardkeep_before.rows_then'::regclass;
select 'cardkeep_before.write_as'::regproc;
select 'cardkeep_before.write_back'::regproc;
select 'cardkeep_before.give_rows_back'::regproc;
select 'cardkeep_before.keep'::regproc;
select 'cardkeep_before.forget_row'::regproc;
select 'cardkeep_before.rows_of'::regproc;
select 'cardkeep_before.forget_cards'::regproc;
select 'cardkeep_before.forget_profile'::regproc;
select 'cardkeep_before.forget_rows'::regproc;
select 'cardkeep_before.forget_user'::regproc;
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.users'::regclass and t.tgname = 'forget_before';
select 'cardkeep_before.take_up_table'::regproc;
select 'cardkeep_before.take_up'::regproc;
select 'cardkeep_before.catch_up_cards'::regproc;
select 'cardkeep_before.catch_up_slug'::regproc;
select 'cardkeep_before.catch_up_profiles'::regproc;
select 'cardkeep_before.write_visibility'::regproc;

rollback;
