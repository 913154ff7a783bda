-- Revert cardkeep:rest_views from pg

begin;

drop function cardkeep_api.rest_page;
drop function cardkeep_api.rest_whole;
drop function cardkeep_api.rest_check;
drop function cardkeep_api.rest_bounds;
drop function cardkeep_api.rest_order;
drop function cardkeep_api.rest_select;
drop function cardkeep_api.rest_from;
drop function cardkeep_api.rest_condition;
drop function cardkeep_api.rest_is;
drop function cardkeep_api.rest_comparable;
drop function cardkeep_api.rest_type;
drop function cardkeep_api.rest_columns;

commit;
