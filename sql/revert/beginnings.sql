-- Revert cardkeep:beginnings from pg

begin;

drop function cardkeep_api.or_unknown;
drop function cardkeep_api.end_write;
drop function cardkeep_api.keep_key;
drop function cardkeep_api.begin_write;
drop function cardkeep_api.find_keyed;
drop function cardkeep_api.keyed_write;
drop function cardkeep_api.claim_key;
drop type cardkeep_api.write;
drop function cardkeep_api.begin_read;
drop function cardkeep_api.begin_call;
drop type cardkeep_api.caller;
drop function cardkeep_api.is_live;

commit;
