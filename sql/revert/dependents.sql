-- Revert cardkeep:dependents from pg

begin;

drop function cardkeep_legacy.check_the_way_back;
drop function cardkeep_legacy.check_the_way;
drop function cardkeep_legacy.readers_in_the_way;
drop function cardkeep_legacy.columns_in_the_way;
drop function cardkeep_legacy.can_show;
drop function cardkeep_legacy.own_in_the_way;
drop function cardkeep_legacy.only_touches;
drop function cardkeep_legacy.references_in_the_way;
drop function cardkeep_legacy.keep_people;
drop function cardkeep_legacy.forget_people;
drop function cardkeep_legacy.user_references;
drop function cardkeep_legacy.turn_references;
drop function cardkeep_legacy.follow_adopted;
drop function cardkeep_legacy.references_to;
drop function cardkeep_legacy.reference_as;
drop function cardkeep_legacy.turn;
drop function cardkeep_legacy.relations_beside;
drop function cardkeep_legacy.dependent_functions;
drop function cardkeep_legacy.dependent_policies;
drop function cardkeep_legacy.dependent_views;
drop function cardkeep_legacy.is_bound;
drop function cardkeep_legacy.readers_of;
drop function cardkeep_legacy.is_ours;

commit;
