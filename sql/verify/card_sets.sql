-- Verify cardkeep:card_sets on pg

begin;

select 'cardkeep_api.read_cards'::regproc;
select 'cardkeep_api.try_key_once'::regproc;
select 'cardkeep_api.create_cards'::regproc;
select 'cardkeep_api.update_cards'::regproc;

rollback;
