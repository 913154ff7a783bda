-- Verify cardkeep:rest_calls on pg

begin;

select 'cardkeep_api.rest_foreign'::regproc;
select 'cardkeep_api.rest_row'::regproc;
select 'cardkeep_api.rest_create'::regproc;
select 'cardkeep_api.rest_update'::regproc;
select 'cardkeep_api.rest_save'::regproc;
select 'cardkeep_api.rest_slug'::regproc;
select 'cardkeep_api.rest_rows'::regproc;
select 'cardkeep_api.rest_refused'::regproc;
select 'cardkeep_api.rest_run'::regproc;

rollback;
