-- Verify cardkeep:upgrade on pg

begin;

select 'cardkeep_before.check_shape'::regproc;
select 'cardkeep_before.tables_before'::regproc;
select 'cardkeep_before.part_from_sequences'::regproc;
select 'cardkeep_before.index_old_rows'::regproc;
select 'cardkeep_before.put_aside'::regproc;
select 'cardkeep_before.tell_cards_apart'::regproc;
select 'cardkeep_before.put_back'::regproc;
select 'cardkeep_before.tell_of_users'::regproc;
select 'cardkeep_before.carry_all'::regproc;
select 'cardkeep_before.lock_one'::regproc;
select 'cardkeep_before.lock_together'::regproc;
select 'cardkeep_before.upgrade'::regproc;
select 'cardkeep_before.give_back'::regproc;
select 'cardkeep_before.open_views'::regproc;
select 'cardkeep_before.turn_away'::regproc;
select 'cardkeep_before.turn_row_references'::regproc;
select 'cardkeep_before.uncover'::regproc;
select 'cardkeep_before.take_names_back'::regproc;

rollback;
