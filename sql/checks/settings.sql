-- promise: the runtime role has its settings in this database, and no others
select f.setting, 'is not set' from unnest(string_to_array(:'settings', '|')) f(setting)
where not exists (select from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
	where d.datname = current_database() and s.setrole = 'cardkeep_runtime'::regrole
		and f.setting = any (s.setconfig))
union all
select f.setting, 'is set, and not by the migrations' from pg_db_role_setting s,
	unnest(s.setconfig) f(setting)
where s.setrole = 'cardkeep_runtime'::regrole and s.setdatabase in (0, (select d.oid
		from pg_database d where d.datname = current_database()))
	and f.setting not in (select unnest(string_to_array(:'settings', '|')));
