-- Revert cardkeep:sessions from pg

begin;

drop table cardkeep.sessions;

commit;
