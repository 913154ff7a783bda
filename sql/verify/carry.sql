-- Verify cardkeep:carry on pg

begin;

select 'cardkeep_before.carry_users'::regproc;
select 'cardkeep_before.carry_card_history'::regproc;
select 'cardkeep_before.carry_card'::regproc;
select 'cardkeep_before.carry_cards_as_they_are'::regproc;
select 'cardkeep_before.free_slug'::regproc;
select 'cardkeep_before.slug_fault'::regproc;
select 'cardkeep_before.carry_other_cards'::regproc;
select 'cardkeep_before.list_change'::regproc;
select 'cardkeep_before.list_card_changes'::regproc;
select 'cardkeep_before.list_card_ids'::regproc;
select 'cardkeep_before.carry_cards'::regproc;
select 'cardkeep_before.carry_profiles'::regproc;
select 'cardkeep_before.list_profile_changes'::regproc;
select 'cardkeep_before.note_ids'::regproc;

rollback;
