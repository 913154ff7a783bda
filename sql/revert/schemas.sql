-- Revert cardkeep:schemas from pg

begin;

drop schema cardkeep_api;
drop schema cardkeep;

commit;
