-- Verify cardkeep:beginnings on pg

begin;

select 'cardkeep_api.is_live'::regproc;
select 'cardkeep_api.caller'::regtype;
select 'cardkeep_api.begin_call'::regproc;
select 'cardkeep_api.begin_read'::regproc;
select 'cardkeep_api.write'::regtype;
select 'cardkeep_api.claim_key'::regproc;
select 'cardkeep_api.keyed_write'::regproc;
select 'cardkeep_api.find_keyed'::regproc;
select 'cardkeep_api.begin_write'::regproc;
select 'cardkeep_api.keep_key'::regproc;
select 'cardkeep_api.end_write'::regproc;
select 'cardkeep_api.or_unknown'::regproc;

rollback;
