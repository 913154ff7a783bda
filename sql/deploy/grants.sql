-- Deploy cardkeep:grants to pg
--
-- The whole of what the runtime role may do, printed by scripts/gen-grants from src/catalog/calls.def.
-- A test holds it against the catalogue.

begin;

set local role cardkeep_owner;

grant execute on function
	cardkeep.generate_unique_slug,
	cardkeep.create_business_card_atomic,
	cardkeep.update_business_card_optimistic,
	cardkeep.upsert_personal_info_optimistic,
	cardkeep.upsert_professional_info_optimistic,
	cardkeep_api.check_session,
	cardkeep_api.check_card,
	cardkeep_api.register,
	cardkeep_api.find_account,
	cardkeep_api.open_session,
	cardkeep_api.list_sessions,
	cardkeep_api.end_session,
	cardkeep_api.end_sessions,
	cardkeep_api.touch_sessions,
	cardkeep_api.read_user,
	cardkeep_api.read_password,
	cardkeep_api.change_password,
	cardkeep_api.delete_account,
	cardkeep_api.create_card,
	cardkeep_api.list_cards,
	cardkeep_api.read_card,
	cardkeep_api.update_card,
	cardkeep_api.delete_card,
	cardkeep_api.read_own_profile,
	cardkeep_api.save_own_profile,
	cardkeep_api.merge_card,
	cardkeep_api.patch_card,
	cardkeep_api.merge_own_profile,
	cardkeep_api.read_card_history,
	cardkeep_api.revert_card,
	cardkeep_api.read_own_history,
	cardkeep_api.revert_own_profile,
	cardkeep_api.rest_run,
	cardkeep_api.sweep_writes,
	cardkeep_api.erase_step,
	cardkeep_api.read_cards,
	cardkeep_api.create_cards,
	cardkeep_api.update_cards
to cardkeep_runtime;

commit;
