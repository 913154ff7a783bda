-- Verify cardkeep:quotas on pg

begin;

select 1 / count(*) from cardkeep.limits;
select user_id, kind, at, amount from cardkeep.ledger where false;
select user_id, kind, until from cardkeep.over_quota where false;
select 'cardkeep_api.quota_window'::regproc;
select 'cardkeep_api.quota_limit'::regproc;
select 'cardkeep_api.quota_used'::regproc;
select 'cardkeep_api.quota_free_at'::regproc;
select 'cardkeep_api.judge_quota'::regproc;
select 'cardkeep_api.note_use'::regproc;
select 'cardkeep_api.note_creation'::regproc;
select 'cardkeep_api.note_change'::regproc;
select 'cardkeep_api.history_bytes'::regproc;
select 'cardkeep_api.note_history'::regproc;
select 'cardkeep_api.quota_told'::regproc;
select 'cardkeep_api.quota_refusal'::regproc;

rollback;
