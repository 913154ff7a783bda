-- Verify cardkeep:card_calls on pg

begin;

select 'cardkeep_api.check_card'::regproc;
select 'cardkeep_api.read_card'::regproc;
select 'cardkeep_api.card_cursor'::regproc;
select 'cardkeep_api.list_cards'::regproc;
select 'cardkeep_api.create_card'::regproc;
select 'cardkeep_api.card_told'::regproc;
select 'cardkeep_api.card_repeat'::regproc;
select 'cardkeep_api.update_card'::regproc;
select 'cardkeep_api.delete_card'::regproc;

rollback;
