-- Verify cardkeep:legacy_import on pg

begin;

select 'cardkeep_legacy.carry_users'::regproc;
select 'cardkeep_legacy.carry_card_history'::regproc;
select 'cardkeep_legacy.carry_card'::regproc;
select 'cardkeep_legacy.carry_cards_as_they_are'::regproc;
select 'cardkeep_legacy.free_slug'::regproc;
select 'cardkeep_legacy.slug_fault'::regproc;
select 'cardkeep_legacy.carry_other_cards'::regproc;
select 'cardkeep_legacy.list_change'::regproc;
select 'cardkeep_legacy.list_card_changes'::regproc;
select 'cardkeep_legacy.list_card_ids'::regproc;
select 'cardkeep_legacy.carry_cards'::regproc;
select 'cardkeep_legacy.carry_profiles'::regproc;
select 'cardkeep_legacy.list_profile_changes'::regproc;
select 'cardkeep_legacy.note_ids'::regproc;

rollback;
