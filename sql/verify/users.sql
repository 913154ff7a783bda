-- Verify cardkeep:users on pg

begin;

select id, email, password_hash, password_write, created_at, updated_at, closed_at
from cardkeep.users where false;

rollback;
