-- Verify cardkeep:upgrade on pg

begin;

select 'cardkeep_legacy.check_shape'::regproc;
select 'cardkeep_legacy.tables_before'::regproc;
select 'cardkeep_legacy.part_from_sequences'::regproc;
select 'cardkeep_legacy.index_old_rows'::regproc;
select 'cardkeep_legacy.put_aside'::regproc;
select 'cardkeep_legacy.tell_cards_apart'::regproc;
select 'cardkeep_legacy.put_back'::regproc;
select 'cardkeep_legacy.tell_of_users'::regproc;
select 'cardkeep_legacy.carry_all'::regproc;
select 'cardkeep_legacy.place_before'::regproc;
select 'cardkeep_legacy.lock_one'::regproc;
select 'cardkeep_legacy.lock_together'::regproc;
select 'cardkeep_legacy.upgrade'::regproc;
select 'cardkeep_legacy.restore'::regproc;
select 'cardkeep_legacy.open_views'::regproc;
select 'cardkeep_legacy.turn_away'::regproc;
select 'cardkeep_legacy.turn_row_references'::regproc;
select 'cardkeep_legacy.uncover'::regproc;
select 'cardkeep_legacy.take_names_back'::regproc;

rollback;
