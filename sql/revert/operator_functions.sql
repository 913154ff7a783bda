-- Revert cardkeep:operator_functions from pg

begin;

drop function cardkeep.delete_user;
drop function cardkeep.reset_password;
drop function cardkeep.revoke_user_sessions;
drop function cardkeep.revoke_session;
drop function cardkeep.list_user_sessions;
drop function cardkeep.find_user;
drop function cardkeep.list_users;
drop view cardkeep.user_list;

commit;
