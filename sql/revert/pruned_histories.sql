-- Revert cardkeep:pruned_histories from pg

begin;

drop table cardkeep.pruned_histories;

commit;
