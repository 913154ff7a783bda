-- Revert cardkeep:last_seen from pg

begin;

drop function cardkeep_api.touch_sessions;

commit;
