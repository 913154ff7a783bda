-- Verify cardkeep:account_changes on pg

begin;

select write_id, token_hash, at from cardkeep.closed_accounts where false;
select 'cardkeep_api.account_closed'::regproc;
select 'cardkeep_api.password_replay'::regproc;
select 'cardkeep_api.read_password'::regproc;
select 'cardkeep_api.lock_sessions'::regproc;
select 'cardkeep_api.end_live_sessions'::regproc;
select 'cardkeep_api.end_sessions'::regproc;
select 'cardkeep_api.change_password'::regproc;
select 'cardkeep_api.delete_account'::regproc;

rollback;
