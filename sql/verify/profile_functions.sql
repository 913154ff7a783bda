-- Verify cardkeep:profile_functions on pg

begin;

select 'cardkeep_api.profile_upsert_told'::regproc;
select 'cardkeep_api.upsert_profile'::regproc;
select 'cardkeep.upsert_personal_info_optimistic'::regproc;
select 'cardkeep.upsert_professional_info_optimistic'::regproc;

rollback;
