-- Revert cardkeep:gates from pg

begin;

drop function cardkeep_before.open_gates;
drop function cardkeep_before.shut_gates;
drop function cardkeep_before.says_of;
drop function cardkeep_before.as_type;
drop function cardkeep_before.open_outer;
drop function cardkeep_before.define_outer;
drop function cardkeep_before.make_gate;
drop function cardkeep_before.gates_of;
drop function cardkeep_before.policy_text;
drop function cardkeep_before.policy_roles;
drop function cardkeep_doors.guard_delete;
drop function cardkeep_doors.guard_update;
drop function cardkeep_doors.guard_insert;
drop function cardkeep_doors.as_kept;
drop function cardkeep_before.kept_row;
drop function cardkeep_before.kept_card;
drop function cardkeep_before.switched;
drop function cardkeep_doors.ask;
drop function cardkeep_doors.is_exempt;
drop function cardkeep_before.close_function;
drop function cardkeep_before.close_to_others;
drop function cardkeep_before.close_schema;

commit;
