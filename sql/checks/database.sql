-- promise: a database of Cardkeep alone is open to its own roles, and to operators for temporary tables
select 'public', 'may ' || case a.privilege_type when 'CONNECT' then 'connect to it'
	else 'make temporary tables in it' end
from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
where d.datname = current_database() and a.grantee = 0
	and a.privilege_type in ('CONNECT', 'TEMPORARY')
	and not exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'v', 'm', 'f')
			and n.nspname !~ '^(pg_|information_schema$|sqitch$|cardkeep(_(api|legacy|doors|kept|console))?$)'
			and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass
				and e.objid = c.oid and e.deptype = 'e'));
