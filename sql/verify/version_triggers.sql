-- Verify cardkeep:version_triggers on pg

begin;

select 'cardkeep_api.is_waiting'::regproc;
select 'cardkeep.increment_version'::regproc;
select 'cardkeep.begin_profile'::regproc;
select 'cardkeep.note_profile_start'::regproc;
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.business_cards'::regclass and t.tgname = 'increment_business_cards_version';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.personal_info'::regclass and t.tgname = 'begin_personal_info';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.personal_info'::regclass and t.tgname = 'note_personal_info';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.personal_info'::regclass and t.tgname = 'increment_personal_info_version';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.professional_info'::regclass and t.tgname = 'begin_professional_info';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.professional_info'::regclass and t.tgname = 'note_professional_info';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.professional_info'::regclass and t.tgname = 'increment_professional_info_version';

rollback;
