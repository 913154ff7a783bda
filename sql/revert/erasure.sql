-- Revert cardkeep:erasure from pg

begin;

drop trigger forget_keys on cardkeep.users;
drop trigger forget_profiles on cardkeep.users;
drop trigger forget_cards on cardkeep.users;
drop function cardkeep.forget_keys;
drop function cardkeep.forget_profiles;
drop function cardkeep.forget_cards;

commit;
