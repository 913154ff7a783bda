-- Verify cardkeep:erasure on pg

begin;

select 'cardkeep.forget_cards'::regproc;
select 'cardkeep.forget_profiles'::regproc;
select 'cardkeep.forget_keys'::regproc;
select 'cardkeep_api.close_account'::regproc;
select 'cardkeep_api.erasure_cost'::regproc;
select 'cardkeep_api.erase_card_versions'::regproc;
select 'cardkeep_api.cards_without_history'::regproc;
select 'cardkeep_api.forget_pruned'::regproc;
select 'cardkeep_api.erasable_cards'::regproc;
select 'cardkeep_api.erase_cards'::regproc;
select 'cardkeep_api.erase_graves'::regproc;
select 'cardkeep_api.erase_profile'::regproc;
select 'cardkeep_api.erase_entries'::regproc;
select 'cardkeep_api.erase_account'::regproc;
select 'cardkeep_api.erase_step'::regproc;
select 1 / (count(*) = 3)::integer from pg_trigger t
where t.tgrelid = 'cardkeep.users'::regclass and t.tgname in ('forget_cards', 'forget_profiles',
	'forget_keys');

rollback;
