-- Revert cardkeep:gates from pg

begin;

drop function cardkeep_legacy.open_gates;
drop function cardkeep_legacy.shut_gates;
drop function cardkeep_legacy.says_of;
drop function cardkeep_legacy.as_type;
drop function cardkeep_legacy.open_outer;
drop function cardkeep_legacy.define_outer;
drop function cardkeep_legacy.make_gate;
drop function cardkeep_legacy.gates_of;
drop function cardkeep_legacy.policy_text;
drop function cardkeep_legacy.policy_roles;
drop function cardkeep_doors.guard_delete;
drop function cardkeep_doors.guard_update;
drop function cardkeep_doors.guard_insert;
drop function cardkeep_doors.as_kept;
drop function cardkeep_legacy.kept_row;
drop function cardkeep_legacy.kept_card;
drop function cardkeep_legacy.switched;
drop function cardkeep_doors.ask;
drop function cardkeep_doors.is_exempt;
drop function cardkeep_legacy.close_function;
drop function cardkeep_legacy.close_to_others;
drop function cardkeep_legacy.close_schema;
drop function cardkeep_legacy.close_all;

commit;
