-- Revert cardkeep:writes from pg

begin;

set local role cardkeep_owner;

drop function cardkeep_api.sweep_writes;
drop function cardkeep_api.try_key;
drop function cardkeep_api.token_write;
drop function cardkeep_api.own_write;
drop table cardkeep.writes;

commit;
