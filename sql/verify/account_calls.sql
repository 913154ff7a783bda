-- Verify cardkeep:account_calls on pg

begin;

select 'cardkeep_api.user_json'::regproc;
select 'cardkeep_api.session_json'::regproc;
select 'cardkeep_api.check_session'::regproc;
select 'cardkeep_api.find_account'::regproc;
select 'cardkeep_api.insert_session'::regproc;
select 'cardkeep_api.signed_in'::regproc;
select 'cardkeep_api.make_room'::regproc;
select 'cardkeep_api.forget_sessions'::regproc;
select 'cardkeep_api.register'::regproc;
select 'cardkeep_api.open_session'::regproc;
select 'cardkeep_api.list_sessions'::regproc;
select 'cardkeep_api.end_session'::regproc;
select 'cardkeep_api.read_user'::regproc;

rollback;
