-- Verify cardkeep:history_calls on pg

begin;

select 'cardkeep_api.history_json'::regproc;
select 'cardkeep_api.history_page'::regproc;
select 'cardkeep_api.card_later'::regproc;
select 'cardkeep_api.read_card_history'::regproc;
select 'cardkeep_api.profile_later'::regproc;
select 'cardkeep_api.read_own_history'::regproc;

rollback;
