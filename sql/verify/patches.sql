-- Verify cardkeep:patches on pg

begin;

select 'cardkeep_api.merge_patch'::regproc;
select 'cardkeep_api.patched'::regproc;
select 'cardkeep_api.patch_repeat'::regproc;
select 'cardkeep_api.patch_card_core'::regproc;
select 'cardkeep_api.patch_card'::regproc;

rollback;
