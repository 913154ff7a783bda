-- Revert cardkeep:retired_slugs from pg

begin;

drop table cardkeep.retired_slugs;

commit;
