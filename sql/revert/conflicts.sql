-- Revert cardkeep:conflicts from pg

begin;

drop function cardkeep_api.conflict;
drop function cardkeep_api.conflicts;
drop function cardkeep_api.field_conflict;
drop function cardkeep_api.conflict_text;
drop function cardkeep_api.reach;

commit;
