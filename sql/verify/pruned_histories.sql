-- Verify cardkeep:pruned_histories on pg

begin;

select kind, id, first, began_at from cardkeep.pruned_histories where false;

rollback;
