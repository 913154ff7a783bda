-- Revert cardkeep:dependents from pg

begin;

drop function cardkeep_before.check_the_way_back;
drop function cardkeep_before.check_the_way;
drop function cardkeep_before.readers_in_the_way;
drop function cardkeep_before.columns_in_the_way;
drop function cardkeep_before.can_show;
drop function cardkeep_before.own_in_the_way;
drop function cardkeep_before.only_touches;
drop function cardkeep_before.references_in_the_way;
drop function cardkeep_before.keep_people;
drop function cardkeep_before.forget_people;
drop function cardkeep_before.user_references;
drop function cardkeep_before.turn_references;
drop function cardkeep_before.follow_adopted;
drop function cardkeep_before.references_to;
drop function cardkeep_before.reference_as;
drop function cardkeep_before.turn;
drop function cardkeep_before.relations_beside;
drop function cardkeep_before.dependent_functions;
drop function cardkeep_before.dependent_policies;
drop function cardkeep_before.dependent_views;
drop function cardkeep_before.is_bound;
drop function cardkeep_before.readers_of;
drop function cardkeep_before.is_ours;

commit;
