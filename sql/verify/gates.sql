-- Verify cardkeep:gates on pg

begin;

select 'cardkeep_legacy.close_all'::regproc;
select 'cardkeep_legacy.close_to_others'::regproc;
select 'cardkeep_legacy.close_function'::regproc;
select 'cardkeep_doors.is_exempt'::regproc;
select 'cardkeep_doors.ask'::regproc;
select 'cardkeep_doors.guard_insert'::regproc;
select 'cardkeep_legacy.switched'::regproc;
select 'cardkeep_legacy.kept_card'::regproc;
select 'cardkeep_legacy.kept_row'::regproc;
select 'cardkeep_doors.as_kept'::regproc;
select 'cardkeep_doors.guard_update'::regproc;
select 'cardkeep_doors.guard_delete'::regproc;
select 'cardkeep_legacy.policy_roles'::regproc;
select 'cardkeep_legacy.policy_text'::regproc;
select 'cardkeep_legacy.gates_of'::regproc;
select 'cardkeep_legacy.make_gate'::regproc;
select 'cardkeep_legacy.define_outer'::regproc;
select 'cardkeep_legacy.open_outer'::regproc;
select 'cardkeep_legacy.shut_gates'::regproc;
select 'cardkeep_legacy.as_type'::regproc;
select 'cardkeep_legacy.says_of'::regproc;
select 'cardkeep_legacy.open_gates'::regproc;
select 'cardkeep_legacy.close_schema'::regproc;

rollback;
