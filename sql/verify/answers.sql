-- Verify cardkeep:answers on pg

begin;

select 'cardkeep_api.answer'::regtype;
select 'cardkeep_api.reply'::regproc;
select 'cardkeep_api.await_standby'::regproc;
select 'cardkeep_api.reply_kept'::regproc;
select 'cardkeep_api.lock_key'::regproc;
select 'cardkeep_api.stamp'::regproc;

rollback;
