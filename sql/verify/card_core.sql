-- Verify cardkeep:card_core on pg

begin;

select 'cardkeep_api.document_fits'::regproc;
select 'cardkeep_api.document_keys_fit'::regproc;
select 'cardkeep_api.document_fault'::regproc;
select 'cardkeep_api.insert_card'::regproc;
select 'cardkeep_api.document_bytes'::regproc;
select 'cardkeep_api.change_refused'::regproc;
select 'cardkeep_api.create_card_core'::regproc;
select 'cardkeep_api.created_before'::regproc;
select 'cardkeep_api.card_write_version'::regproc;
select 'cardkeep_api.update_card_core'::regproc;
select 'cardkeep_api.card_not_applied'::regproc;
select 'cardkeep_api.card_refusal'::regproc;
select 'cardkeep_api.delete_card_core'::regproc;
select 'cardkeep_api.deletion_not_applied'::regproc;

rollback;
