-- Verify cardkeep:card_images on pg

begin;

select 'cardkeep_api.card_change'::regtype;
select 'cardkeep_api.change_of'::regproc;
select 'cardkeep_api.content'::regproc;
select 'cardkeep_api.card_json'::regproc;
select 'cardkeep_api.written_alike'::regproc;
select 'cardkeep_api.image'::regproc;
select 'cardkeep_api.card_same'::regproc;
select 'cardkeep_api.new_card'::regproc;
select 'cardkeep_api.change_card'::regproc;
select 'cardkeep_api.card_image'::regproc;
select 'cardkeep_api.last_image'::regproc;
select 'cardkeep_api.card_before'::regproc;
select 'cardkeep_api.card_with'::regproc;
select 'cardkeep_api.card_at'::regproc;
select 'cardkeep_api.card_content'::regproc;
select 'cardkeep_api.card_version_before'::regproc;
select 'cardkeep_api.card_images_after'::regproc;
select 'cardkeep_api.card_replay'::regproc;
select 'cardkeep_api.card_kept'::regproc;
select 'cardkeep_api.card_reaches'::regproc;
select 'cardkeep_api.card_base'::regproc;
select 'cardkeep_api.card_conflicts'::regproc;
select 'cardkeep_api.card_conflict'::regproc;

rollback;
