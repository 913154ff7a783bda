-- Revert cardkeep:rest_calls from pg

begin;

drop function cardkeep_api.rest_run;
drop function cardkeep_api.rest_refused;
drop function cardkeep_api.rest_rows;
drop function cardkeep_api.rest_slug;
drop function cardkeep_api.rest_save;
drop function cardkeep_api.rest_update;
drop function cardkeep_api.rest_create;
drop function cardkeep_api.rest_row;
drop function cardkeep_api.rest_foreign;

commit;
