-- Verify cardkeep:card_functions on pg

begin;

select 'cardkeep_api.clean_name'::regproc;
select 'cardkeep_api.must_fit'::regproc;
select 'cardkeep_api.must_be_within'::regproc;
select 'cardkeep.create_business_card_atomic'::regproc;
select 'cardkeep_api.card_update_told'::regproc;
select 'cardkeep.update_business_card_optimistic'::regproc;

rollback;
