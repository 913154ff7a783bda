-- Verify cardkeep:erasure on pg

begin;

select 'cardkeep.forget_cards'::regproc;
select 'cardkeep.forget_profiles'::regproc;
select 'cardkeep.forget_keys'::regproc;
select 1 / (count(*) = 3)::integer from pg_trigger t
where t.tgrelid = 'cardkeep.users'::regclass and t.tgname in ('forget_cards', 'forget_profiles',
	'forget_keys');

rollback;
