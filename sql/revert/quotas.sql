-- Revert cardkeep:quotas from pg

begin;

drop function cardkeep_api.quota_refusal;
drop function cardkeep_api.quota_told;
drop function cardkeep_api.note_history;
drop function cardkeep_api.history_bytes;
drop function cardkeep_api.note_change;
drop function cardkeep_api.note_creation;
drop function cardkeep_api.note_use;
drop function cardkeep_api.judge_quota;
drop function cardkeep_api.quota_free_at;
drop function cardkeep_api.quota_used;
drop function cardkeep_api.quota_limit;
drop function cardkeep_api.quota_window;
drop table cardkeep.over_quota;
drop table cardkeep.ledger;
drop table cardkeep.limits;

commit;
