-- promise: every trigger is there and fires
select f.name, case when t.oid is null then 'is missing' else 'is disabled' end
from unnest(string_to_array(:'triggers', '|')) f(name)
left join (pg_trigger t join pg_class c on c.oid = t.tgrelid
		and c.relnamespace = 'cardkeep'::regnamespace)
	on 'cardkeep.' || c.relname || '/' || t.tgname = f.name
where t.oid is null or t.tgenabled not in ('O', 'A');
