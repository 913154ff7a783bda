-- Verify cardkeep:dependents on pg

begin;

select 'cardkeep_before.is_ours'::regproc;
select 'cardkeep_before.readers_of'::regproc;
select 'cardkeep_before.is_bound'::regproc;
select 'cardkeep_before.dependent_views'::regproc;
select 'cardkeep_before.dependent_policies'::regproc;
select 'cardkeep_before.dependent_functions'::regproc;
select 'cardkeep_before.relations_beside'::regproc;
select 'cardkeep_before.turn'::regproc;
select 'cardkeep_before.reference_as'::regproc;
select 'cardkeep_before.references_to'::regproc;
select 'cardkeep_before.follow_adopted'::regproc;
select 'cardkeep_before.turn_references'::regproc;
select 'cardkeep_before.user_references'::regproc;
select 'cardkeep_before.forget_people'::regproc;
select 'cardkeep_before.keep_people'::regproc;
select 'cardkeep_before.references_in_the_way'::regproc;
select 'cardkeep_before.only_touches'::regproc;
select 'cardkeep_before.own_in_the_way'::regproc;
select 'cardkeep_before.can_show'::regproc;
select 'cardkeep_before.columns_in_the_way'::regproc;
select 'cardkeep_before.readers_in_the_way'::regproc;
select 'cardkeep_before.check_the_way'::regproc;
select 'cardkeep_before.check_the_way_back'::regproc;

rollback;
