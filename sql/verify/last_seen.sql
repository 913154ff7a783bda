-- Verify cardkeep:last_seen on pg

begin;

select 'cardkeep_api.touch_sessions'::regproc;

rollback;
