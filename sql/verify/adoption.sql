-- Verify cardkeep:adoption on pg

begin;

select id, cards, has_personal_info, has_professional_info, full_name, email
from cardkeep.waiting_users where false;
select 'cardkeep_api.give_profile'::regproc;
select 'cardkeep_api.adopted'::regproc;
select 'cardkeep_api.adopt_into'::regproc;
select 'cardkeep_api.adopt_user'::regproc;

rollback;
