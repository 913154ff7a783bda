-- Revert cardkeep:account_calls from pg

begin;

drop function cardkeep_api.read_user;
drop function cardkeep_api.end_session;
drop function cardkeep_api.list_sessions;
drop function cardkeep_api.open_session;
drop function cardkeep_api.register;
drop function cardkeep_api.forget_sessions;
drop function cardkeep_api.make_room;
drop function cardkeep_api.signed_in;
drop function cardkeep_api.insert_session;
drop function cardkeep_api.find_account;
drop function cardkeep_api.check_session;
drop function cardkeep_api.session_json;
drop type cardkeep_api.session_view;
drop function cardkeep_api.user_json;
drop type cardkeep_api.user_view;

commit;
