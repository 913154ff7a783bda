-- Revert cardkeep:users from pg

begin;

drop table cardkeep.users;

commit;
