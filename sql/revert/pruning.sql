-- Revert cardkeep:pruning from pg

begin;

drop function cardkeep.prune_histories;
drop function cardkeep_api.next_history;
drop function cardkeep_api.prune_profile;
drop function cardkeep_api.prune_card;
drop function cardkeep_api.note_pruned;
drop function cardkeep_api.first_kept;
drop function cardkeep_api.prune_rows;

commit;
