-- Revert cardkeep:answers from pg

begin;

drop function cardkeep_api.stamp;
drop function cardkeep_api.lock_key;
drop function cardkeep_api.reply_kept;
drop function cardkeep_api.await_standby;
drop function cardkeep_api.reply;
drop type cardkeep_api.answer;

commit;
