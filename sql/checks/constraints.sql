-- promise: every constraint is there and valid
select f.name, case when k.oid is null then 'is missing' else 'is not validated' end
from unnest(string_to_array(:'constraints', '|')) f(name)
left join (pg_constraint k join pg_class c on c.oid = k.conrelid
		and c.relnamespace = 'cardkeep'::regnamespace)
	on 'cardkeep.' || c.relname || '/' || k.conname = f.name
where k.oid is null or not k.convalidated;
