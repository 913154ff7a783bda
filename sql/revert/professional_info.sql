-- Revert cardkeep:professional_info from pg

begin;

drop table cardkeep.professional_info;

commit;
