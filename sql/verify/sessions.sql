-- Verify cardkeep:sessions on pg

begin;

select id, user_id, token_hash, device_name, user_agent, created_at, last_seen_at, expires_at, idle_limit, ended_at, ended_by
from cardkeep.sessions where false;

rollback;
