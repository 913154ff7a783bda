-- promise: every index is valid
select i.indexrelid::regclass::text, 'is not valid'
from pg_index i join pg_class c on c.oid = i.indrelid
where c.relnamespace = 'cardkeep'::regnamespace and not (i.indisvalid and i.indisready);
