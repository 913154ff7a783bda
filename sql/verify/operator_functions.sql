-- Verify cardkeep:operator_functions on pg

begin;

select id, email, created_at, sessions, last_seen_at, cards from cardkeep.user_list where false;
select 'cardkeep.list_users'::regproc;
select 'cardkeep.find_user'::regproc;
select 'cardkeep.list_user_sessions'::regproc;
select 'cardkeep.revoke_session'::regproc;
select 'cardkeep.revoke_user_sessions'::regproc;
select 'cardkeep.reset_password'::regproc;
select 'cardkeep.delete_user'::regproc;

rollback;
