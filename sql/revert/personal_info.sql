-- Revert cardkeep:personal_info from pg

begin;

drop table cardkeep.personal_info;

commit;
