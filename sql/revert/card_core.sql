-- Revert cardkeep:card_core from pg

begin;

drop function cardkeep_api.deletion_not_applied;
drop function cardkeep_api.delete_card_core;
drop function cardkeep_api.card_refusal;
drop function cardkeep_api.card_not_applied;
drop function cardkeep_api.update_card_core;
drop function cardkeep_api.card_write_version;
drop function cardkeep_api.created_before;
drop function cardkeep_api.create_card_core;
drop function cardkeep_api.change_refused;
drop function cardkeep_api.document_bytes;
drop function cardkeep_api.insert_card;
drop function cardkeep_api.document_fault;
drop function cardkeep_api.document_keys_fit;
drop function cardkeep_api.document_fits;

commit;
