-- Revert cardkeep:upgrade from pg
--
-- Where tables were upgraded they come back, with what was written since; see give_back.

begin;

set local lock_timeout = '30s';
do $$
begin
	perform cardkeep_before.give_back();
end
$$;

drop function cardkeep_before.give_back;
drop function cardkeep_before.take_names_back;
drop function cardkeep_before.uncover;
drop function cardkeep_before.turn_row_references;
drop function cardkeep_before.upgrade;
drop function cardkeep_before.lock_together;
drop function cardkeep_before.lock_one;
drop function cardkeep_before.turn_away;
drop function cardkeep_before.open_views;
drop function cardkeep_before.carry_all;
drop function cardkeep_before.tell_of_users;
drop function cardkeep_before.put_back;
drop function cardkeep_before.tell_cards_apart;
drop function cardkeep_before.put_aside;
drop function cardkeep_before.index_old_rows;
drop function cardkeep_before.part_from_sequences;
drop function cardkeep_before.tables_before;
drop function cardkeep_before.check_shape;

commit;
