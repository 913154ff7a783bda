-- Verify cardkeep:dependents on pg

begin;

select 'cardkeep_legacy.is_ours'::regproc;
select 'cardkeep_legacy.readers_of'::regproc;
select 'cardkeep_legacy.is_bound'::regproc;
select 'cardkeep_legacy.dependent_views'::regproc;
select 'cardkeep_legacy.dependent_policies'::regproc;
select 'cardkeep_legacy.dependent_functions'::regproc;
select 'cardkeep_legacy.relations_beside'::regproc;
select 'cardkeep_legacy.turn'::regproc;
select 'cardkeep_legacy.reference_as'::regproc;
select 'cardkeep_legacy.references_to'::regproc;
select 'cardkeep_legacy.follow_adopted'::regproc;
select 'cardkeep_legacy.turn_references'::regproc;
select 'cardkeep_legacy.user_references'::regproc;
select 'cardkeep_legacy.forget_people'::regproc;
select 'cardkeep_legacy.keep_people'::regproc;
select 'cardkeep_legacy.references_in_the_way'::regproc;
select 'cardkeep_legacy.only_touches'::regproc;
select 'cardkeep_legacy.own_in_the_way'::regproc;
select 'cardkeep_legacy.can_show'::regproc;
select 'cardkeep_legacy.columns_in_the_way'::regproc;
select 'cardkeep_legacy.readers_in_the_way'::regproc;
select 'cardkeep_legacy.check_the_way'::regproc;
select 'cardkeep_legacy.check_the_way_back'::regproc;

rollback;
