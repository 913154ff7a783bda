-- Verify cardkeep:profile_history on pg

begin;

select user_id, version, session_id, write_id, at, before
from cardkeep.personal_info_versions where false;
select user_id, version, session_id, write_id, at, before
from cardkeep.professional_info_versions where false;
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.personal_info_versions'::regclass and t.tgname = 'keep_personal_info_versions';
select 1 / count(*) from pg_trigger t
where t.tgrelid = 'cardkeep.professional_info_versions'::regclass and t.tgname = 'keep_professional_info_versions';
select 'cardkeep.keep_profile_history'::regproc;
select 1 / (count(*) = 2)::integer from pg_trigger t
where (t.tgrelid, t.tgname) in (
	('cardkeep.personal_info_versions'::regclass, 'keep_personal_info_versions_of_accounts'),
	('cardkeep.professional_info_versions'::regclass, 'keep_professional_info_versions_of_accounts'));

rollback;
