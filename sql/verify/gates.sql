-- Verify cardkeep:gates on pg

begin;

select 'cardkeep_before.close_to_others'::regproc;
select 'cardkeep_before.close_function'::regproc;
select 'cardkeep_doors.is_exempt'::regproc;
select 'cardkeep_doors.ask'::regproc;
select 'cardkeep_doors.guard_insert'::regproc;
select 'cardkeep_before.switched'::regproc;
select 'cardkeep_before.kept_card'::regproc;
select 'cardkeep_before.kept_row'::regproc;
select 'cardkeep_doors.as_kept'::regproc;
select 'cardkeep_doors.guard_update'::regproc;
select 'cardkeep_doors.guard_delete'::regproc;
select 'cardkeep_before.policy_roles'::regproc;
select 'cardkeep_before.policy_text'::regproc;
select 'cardkeep_before.gates_of'::regproc;
select 'cardkeep_before.make_gate'::regproc;
select 'cardkeep_before.define_outer'::regproc;
select 'cardkeep_before.open_outer'::regproc;
select 'cardkeep_before.shut_gates'::regproc;
select 'cardkeep_before.as_type'::regproc;
select 'cardkeep_before.says_of'::regproc;
select 'cardkeep_before.open_gates'::regproc;
select 'cardkeep_before.close_schema'::regproc;

rollback;
