-- Verify cardkeep:rest_views on pg

begin;

select 'cardkeep_api.rest_columns'::regproc;
select 'cardkeep_api.rest_type'::regproc;
select 'cardkeep_api.rest_comparable'::regproc;
select 'cardkeep_api.rest_is'::regproc;
select 'cardkeep_api.rest_condition'::regproc;
select 'cardkeep_api.rest_from'::regproc;
select 'cardkeep_api.rest_select'::regproc;
select 'cardkeep_api.rest_order'::regproc;
select 'cardkeep_api.rest_bounds'::regproc;
select 'cardkeep_api.rest_check'::regproc;
select 'cardkeep_api.rest_whole'::regproc;
select 'cardkeep_api.rest_page'::regproc;

rollback;
