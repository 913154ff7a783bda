-- promise: the roles are what they were made, and nobody's who has no business with them
select r.rolname, 'has an attribute that lets it do more' from pg_roles r
where r.rolname in ('cardkeep_runtime', 'cardkeep_owner') and (r.rolsuper or r.rolcreaterole
	or r.rolcreatedb or r.rolreplication or r.rolbypassrls)
union all
select r.rolname, 'can sign in' from pg_roles r
where r.rolname = 'cardkeep_owner' and r.rolcanlogin
union all
select m.member::regrole::text, 'is a member of ' || m.roleid::regrole from pg_auth_members m
where m.member in ('cardkeep_runtime'::regrole, 'cardkeep_owner'::regrole)
union all
select m.member::regrole::text, 'is a member of ' || m.roleid::regrole
from pg_auth_members m join pg_roles r on r.oid = m.member
where m.roleid in ('cardkeep_runtime'::regrole, 'cardkeep_owner'::regrole)
	and r.rolname not in ('cardkeep_admin', 'cardkeep_runtime')
	and not (r.rolsuper or r.rolcreaterole or pg_has_role(r.oid, (select d.datdba
		from pg_database d where d.datname = current_database()), 'usage'));
