-- Revert cardkeep:account_changes from pg

begin;

drop function cardkeep_api.delete_account;
drop function cardkeep_api.change_password;
drop function cardkeep_api.end_sessions;
drop function cardkeep_api.end_live_sessions;
drop function cardkeep_api.lock_sessions;
drop function cardkeep_api.read_password;
drop function cardkeep_api.password_replay;
drop function cardkeep_api.account_closed;
drop table cardkeep.closed_accounts;

commit;
