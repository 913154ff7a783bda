-- Verify cardkeep:writes on pg

begin;

select user_id, key, write_id, at, version, status from cardkeep.writes where false;
select 'cardkeep_api.own_write'::regproc;
select 'cardkeep_api.token_write'::regproc;
select 'cardkeep_api.try_key'::regproc;
select 'cardkeep_api.sweep_writes'::regproc;

rollback;
