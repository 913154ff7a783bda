-- Revert cardkeep:upgrade from pg
--
-- Where tables were upgraded they come back, with what was written since; see restore().

begin;

set local lock_timeout = '30s';
do $$
begin
	perform cardkeep_legacy.restore();
end
$$;

drop function cardkeep_legacy.restore;
drop function cardkeep_legacy.take_names_back;
drop function cardkeep_legacy.uncover;
drop function cardkeep_legacy.turn_row_references;
drop function cardkeep_legacy.upgrade;
drop function cardkeep_legacy.lock_together;
drop function cardkeep_legacy.lock_one;
drop function cardkeep_legacy.place_before;
drop function cardkeep_legacy.turn_away;
drop function cardkeep_legacy.open_views;
drop function cardkeep_legacy.carry_all;
drop function cardkeep_legacy.tell_of_users;
drop function cardkeep_legacy.put_back;
drop function cardkeep_legacy.tell_cards_apart;
drop function cardkeep_legacy.put_aside;
drop function cardkeep_legacy.index_old_rows;
drop function cardkeep_legacy.part_from_sequences;
drop function cardkeep_legacy.tables_before;
drop function cardkeep_legacy.check_shape;

commit;
