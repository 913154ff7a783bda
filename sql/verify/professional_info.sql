-- Verify cardkeep:professional_info on pg

begin;

select user_id, job_title, company_name, department, work_email, work_phone, work_address, company_website, linkedin_url, version, last_write, created_at, updated_at
from cardkeep.professional_info where false;

rollback;
