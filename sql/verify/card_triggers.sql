-- Verify cardkeep:card_triggers on pg

begin;

select 'cardkeep_api.must_be_open'::regproc;
select 'cardkeep_api.await_slug'::regproc;
select 'cardkeep_api.claim_slug'::regproc;
select 'cardkeep_api.retire_slug'::regproc;
select 'cardkeep.begin_business_card'::regproc;
select 'cardkeep.note_business_card'::regproc;
select 'cardkeep_api.note_card_change'::regproc;
select 'cardkeep.end_business_card'::regproc;
select 'cardkeep.bury_business_cards'::regproc;
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_cards'::regclass and t.tgname = 'begin_business_card';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_cards'::regclass and t.tgname = 'note_business_card';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_cards'::regclass and t.tgname = 'end_business_card';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_cards'::regclass and t.tgname = 'bury_business_cards';

rollback;
