-- Verify cardkeep:profile_calls on pg

begin;

select 'cardkeep_api.read_own_profile'::regproc;
select 'cardkeep_api.profile_told'::regproc;
select 'cardkeep_api.profile_repeat'::regproc;
select 'cardkeep_api.save_own_profile'::regproc;

rollback;
