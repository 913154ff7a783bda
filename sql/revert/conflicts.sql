-- Revert cardkeep:conflicts from pg

begin;

drop function cardkeep_api.conflict;
drop function cardkeep_api.conflicts;
drop function cardkeep_api.field_conflict;

commit;
