-- promise: the runtime role may execute its functions, and nothing else
with granted as (select distinct p.pronamespace::regnamespace || '.' || p.proname as name
	from pg_proc p where p.pronamespace in (select n.oid from pg_namespace n
			where n.nspname in ('cardkeep', 'cardkeep_api'))
		and has_function_privilege('cardkeep_runtime', p.oid, 'execute')),
wanted as (select unnest(string_to_array(:'grants', '|')) as name)
select coalesce(w.name, g.name), case when g.name is null then 'may not be executed'
	else 'may be executed' end
from wanted w full join granted g on g.name = w.name
where w.name is null or g.name is null
union all
select c.oid::regclass::text, 'the runtime role has rights on it' from pg_class c
where c.relnamespace = 'cardkeep'::regnamespace and c.relkind in ('r', 'v', 'm', 'p', 'f')
	and (has_any_column_privilege('cardkeep_runtime', c.oid,
			'select, insert, update, references')
		or has_table_privilege('cardkeep_runtime', c.oid, 'delete, truncate, trigger'));
