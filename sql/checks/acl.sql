-- promise: everybody may do what was given on purpose, and nothing else
with ours(id) as (select n.oid from pg_namespace n where n.nspname in ('cardkeep', 'cardkeep_api',
	'cardkeep_legacy', 'cardkeep_doors', 'cardkeep_kept', 'cardkeep_console')),
old(view_id, table_id, owner, inside) as (
	select v.oid, t.oid, u.owner, n.nspname <> 'public'
	from cardkeep.upgraded_tables u
	join pg_class t on t.relname = u.kind and t.relnamespace::regnamespace::text = 'cardkeep_legacy'
	join pg_class v on v.relname = u.kind
	join pg_namespace n on n.oid = v.relnamespace and n.nspname in ('public', 'cardkeep_doors')),
open(what, role, privilege) as (
	select 'schema ' || n.nspname, a.grantee, a.privilege_type || case when a.is_grantable
		then ' and grant it' else '' end
	from pg_namespace n, aclexplode(n.nspacl) a
	where n.oid in (select id from ours) and a.grantee <> n.nspowner
	union all
	select c.oid::regclass::text, a.grantee, a.privilege_type || case when a.is_grantable
		then ' and grant it' else '' end
	from pg_class c, aclexplode(c.relacl) a
	where (c.relnamespace in (select id from ours) or c.oid in (select view_id from old))
		and c.oid not in (select table_id from old) and a.grantee <> c.relowner
	union all
	select c.oid::regclass || '.' || t.attname, a.grantee, a.privilege_type || case
		when a.is_grantable then ' and grant it' else '' end
	from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
	where (c.relnamespace in (select id from ours) or c.oid in (select view_id from old))
		and c.oid not in (select table_id from old) and a.grantee <> c.relowner
	union all
	select 'function ' || p.oid::regprocedure, a.grantee, a.privilege_type || case
		when a.is_grantable then ' and grant it' else '' end
	from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
	where p.pronamespace in (select id from ours) and a.grantee <> p.proowner
	union all
	select 'database ' || d.datname, a.grantee, a.privilege_type
	from pg_database d, aclexplode(d.datacl) a
	where d.datname = current_database() and a.grantee = 'cardkeep_runtime'::regrole
		and a.privilege_type <> 'CONNECT'
	union all
	select 'what ' || d.defaclrole::regrole || ' makes', a.grantee, a.privilege_type
	from pg_default_acl d, aclexplode(d.defaclacl) a
	where d.defaclrole = 'cardkeep_owner'::regrole and a.grantee <> d.defaclrole),
wanted(what, role, privilege) as (
	select 'schema ' || n.nspname, r.oid, 'USAGE' from pg_namespace n, pg_roles r
	where n.nspname in ('cardkeep', 'cardkeep_api') and r.rolname = 'cardkeep_runtime'
	union all
	select 'schema ' || n.nspname, 0::oid, 'USAGE' from pg_namespace n where n.nspname = 'cardkeep_doors'
	union all
	select 'function ' || p.oid::regprocedure, r.oid, 'EXECUTE' from pg_proc p, pg_roles r
	where r.rolname = 'cardkeep_runtime' and p.pronamespace in (select id from ours)
		and p.pronamespace::regnamespace || '.' || p.proname in (select unnest(string_to_array(:'grants', '|')))
	union all
	select 'function ' || p.oid::regprocedure, 0::oid, 'EXECUTE' from pg_proc p
	where p.pronamespace::regnamespace::text = 'cardkeep_doors'
		or p.pronamespace::regnamespace || '.' || p.proname = 'cardkeep_legacy.uuid_of'
	union all
	select o.view_id::regclass::text, r.oid, w from old o join pg_roles r on r.rolname = o.owner,
		unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE']) w
	union all
	select o.view_id::regclass::text, a.grantee, a.privilege_type || case when a.is_grantable
		then ' and grant it' else '' end
	from old o join pg_class t on t.oid = o.table_id, aclexplode(t.relacl) a
	where a.grantee <> t.relowner and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
		and (not o.inside or exists (select from pg_roles r where r.oid = a.grantee
			and (r.rolsuper or r.rolbypassrls)))
	union all
	select o.view_id::regclass || '.' || f.attname, a.grantee, a.privilege_type || case
		when a.is_grantable then ' and grant it' else '' end
	from old o join pg_class t on t.oid = o.table_id join pg_attribute f on f.attrelid = t.oid,
		aclexplode(f.attacl) a
	where a.grantee <> t.relowner and a.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
		and (not o.inside or exists (select from pg_roles r where r.oid = a.grantee
			and (r.rolsuper or r.rolbypassrls))))
select coalesce(w.what, o.what), coalesce(nullif(coalesce(w.role, o.role), 0)::regrole::text,
	'public') || case when o.what is null then ' may not ' else ' may ' end
	|| coalesce(w.privilege, o.privilege)
from wanted w full join open o using (what, role, privilege)
where w.what is null or o.what is null;
