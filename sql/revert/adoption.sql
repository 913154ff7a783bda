-- Revert cardkeep:adoption from pg

begin;

drop function cardkeep_api.adopt_user;
drop function cardkeep_api.adopt_into;
drop function cardkeep_api.adopted;
drop function cardkeep_api.give_profile;
drop view cardkeep.waiting_users;

commit;
