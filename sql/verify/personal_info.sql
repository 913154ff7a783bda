-- Verify cardkeep:personal_info on pg

begin;

select user_id, full_name, primary_email, secondary_email, primary_phone, secondary_phone, website, address, version, last_write, created_at, updated_at
from cardkeep.personal_info where false;

rollback;
