-- Revert cardkeep:card_history from pg

begin;

drop table cardkeep.business_card_versions;
drop function cardkeep.keep_card_history;
drop function cardkeep.keep_history;

commit;
