-- A connection that planned its statements while the tables were nearly empty must not scan them
-- when they have grown. The connection is one of the runtime role's; nothing analyses in between.
\ir ../lib/people.psql
select * from no_plan();

do $$
declare
	t text;
begin
	foreach t in array array['users', 'sessions', 'retired_slugs', 'business_cards', 'personal_info',
		'professional_info', 'business_card_versions', 'personal_info_versions',
		'professional_info_versions']
	loop
		execute format('alter table cardkeep.%I set (autovacuum_enabled = off)', t);
	end loop;
end
$$;

select pg_temp.sign_up('u' || i) from generate_series(1, 10) i \g /dev/null
select pg_temp.create_card('u' || i, 'small' || i, 'Small ' || i) from generate_series(1, 10) i
	\g /dev/null
analyze;

select dblink_connect('service', format('host=%s dbname=%s user=cardkeep_runtime',
	current_setting('unix_socket_directories'), current_database())) \g /dev/null

-- Each call as often as it takes to fix its plans, then once more with other arguments.
create function pg_temp.use(p_call text, p_round integer) returns text language plpgsql as $$
declare
	v_calls integer := case p_round when 0 then 8 else 1 end;
	v_status text;
begin
	for i in 1..v_calls loop
		select a.s into v_status from dblink('service', format('select (%s).status::text',
			replace(replace(p_call, 'ROUND', p_round::text), 'TURN', i::text))) a(s text);
	end loop;
	return v_status;
end
$$;
create function pg_temp.use_all(p_round integer) returns text language plpgsql as $$
declare
	v_token text := 'sha256(''u3'')';
	v_call text;
	v_seen text := '';
begin
	foreach v_call in array array[
		'cardkeep_api.check_session(%1$s)',
		'cardkeep_api.check_card(%1$s, md5(''small3'')::uuid)',
		'cardkeep_api.read_user(%1$s)',
		'cardkeep_api.list_sessions(%1$s)',
		'cardkeep_api.find_account(''u4@example.org'')',
		'cardkeep_api.register(md5(''rROUND-TURN'')::uuid, ''rROUND-TURN@x'', ''h'', sha256(''rROUND-TURN''), null, null, ''1 day'')',
		'cardkeep_api.open_session(md5(''sROUND-TURN'')::uuid, md5(''u3'')::uuid, ''hash of u3'', sha256(''sROUND-TURN''), null, null, ''1 day'')',
		'cardkeep_api.end_session(%1$s, md5(''eROUND-TURN'')::uuid, md5(''sROUND-TURN'')::uuid)',
		'cardkeep_api.create_card(%1$s, md5(''cROUND-TURN'')::uuid, null, row(''Small'', null, null, null, null))',
		'cardkeep_api.create_card(%1$s, md5(''cROUND-TURN'')::uuid, null, row(''Small'', null, null, null, null))',
		'cardkeep_api.update_card(%1$s, md5(''wROUND-TURN'')::uuid, md5(''cROUND-TURN'')::uuid, ''{1}'', row(''New'', null, null, null, null))',
		'cardkeep_api.update_card(%1$s, md5(''wROUND-TURN'')::uuid, md5(''cROUND-TURN'')::uuid, ''{1}'', row(''New'', null, null, null, null))',
		'cardkeep_api.update_card(%1$s, md5(''xROUND-TURN'')::uuid, md5(''cROUND-TURN'')::uuid, ''{1}'', row(''Old'', null, ''{"a": 1}'', null, null))',
		'cardkeep_api.create_cards(array[%1$s, %1$s, %1$s, %1$s], array[md5(''m0ROUND-TURN'')::uuid::text, md5(''m1ROUND-TURN'')::uuid::text, md5(''m2ROUND-TURN'')::uuid::text, md5(''m3ROUND-TURN'')::uuid::text], ''{Set,Set,Sets,Many}'', null, null, null, null, null)',
		'cardkeep_api.create_cards(array[%1$s, %1$s, %1$s, %1$s], array[md5(''m0ROUND-TURN'')::uuid::text, md5(''m1ROUND-TURN'')::uuid::text, md5(''m2ROUND-TURN'')::uuid::text, md5(''m3ROUND-TURN'')::uuid::text], ''{Set,Set,Sets,Many}'', null, null, null, null, null)',
		'cardkeep_api.update_cards(array[%1$s, %1$s, %1$s, %1$s], array[md5(''n0ROUND-TURN'')::uuid::text, md5(''n1ROUND-TURN'')::uuid::text, md5(''n2ROUND-TURN'')::uuid::text, md5(''n3ROUND-TURN'')::uuid::text], array[md5(''m0ROUND-TURN'')::uuid::text, md5(''m1ROUND-TURN'')::uuid::text, md5(''m2ROUND-TURN'')::uuid::text, md5(''m3ROUND-TURN'')::uuid::text], ''{"{1}","{1}","{1}","{1}"}'', ''{A,B,C,D}'', null, null, null, null)',
		'cardkeep_api.update_cards(array[%1$s, %1$s, %1$s, %1$s], array[md5(''o0ROUND-TURN'')::uuid::text, md5(''o1ROUND-TURN'')::uuid::text, md5(''o2ROUND-TURN'')::uuid::text, md5(''o3ROUND-TURN'')::uuid::text], array[md5(''m0ROUND-TURN'')::uuid::text, md5(''m1ROUND-TURN'')::uuid::text, md5(''m2ROUND-TURN'')::uuid::text, md5(''m3ROUND-TURN'')::uuid::text], ''{"{1}","{1}","{1}","{1}"}'', ''{E,F,G,H}'', null, null, null, null)',
		'cardkeep_api.read_cards(array[%1$s, %1$s, %1$s, %1$s], array[md5(''m0ROUND-TURN'')::uuid::text, md5(''m1ROUND-TURN'')::uuid::text, md5(''m2ROUND-TURN'')::uuid::text, md5(''m3ROUND-TURN'')::uuid::text])',
		'cardkeep_api.read_card(%1$s, md5(''cROUND-TURN'')::uuid)',
		'cardkeep_api.list_cards(%1$s, 3, null, null)',
		'cardkeep_api.list_cards(%1$s, 3, 1700000000000000, md5(''x'')::uuid)',
		'cardkeep_api.delete_card(%1$s, md5(''dROUND-TURN'')::uuid, md5(''cROUND-TURN'')::uuid, ''{2}'')',
		'cardkeep_api.delete_card(%1$s, md5(''dROUND-TURN'')::uuid, md5(''cROUND-TURN'')::uuid, ''{2}'')',
		'cardkeep_api.save_own_profile(''personal_info'', sha256(''rROUND-TURN''), md5(''pROUND-TURN'')::uuid, ''{0}'', ''{"full_name": "A"}'')',
		'cardkeep_api.save_own_profile(''personal_info'', sha256(''rROUND-TURN''), md5(''qROUND-TURN'')::uuid, ''{1}'', ''{"full_name": "B"}'')',
		'cardkeep_api.save_own_profile(''personal_info'', sha256(''rROUND-TURN''), md5(''qROUND-TURN'')::uuid, ''{1}'', ''{"full_name": "B"}'')',
		'cardkeep_api.save_own_profile(''personal_info'', sha256(''rROUND-TURN''), md5(''yROUND-TURN'')::uuid, ''{1}'', ''{"full_name": "C"}'')',
		'cardkeep_api.save_own_profile(''professional_info'', sha256(''rROUND-TURN''), md5(''pROUND-TURN'')::uuid, ''{0}'', ''{"job_title": "A"}'')',
		'cardkeep_api.save_own_profile(''professional_info'', sha256(''rROUND-TURN''), md5(''qROUND-TURN'')::uuid, ''{1}'', ''{"job_title": "B"}'')',
		'cardkeep_api.save_own_profile(''professional_info'', sha256(''rROUND-TURN''), md5(''yROUND-TURN'')::uuid, ''{1}'', ''{"job_title": "C"}'')',
		'cardkeep_api.read_own_profile(''personal_info'', sha256(''rROUND-TURN''))',
		'cardkeep_api.read_own_profile(''professional_info'', sha256(''rROUND-TURN''))']
	loop
		v_seen := v_seen || pg_temp.use(format(v_call, v_token), p_round) || ' ';
	end loop;
	return rtrim(v_seen);
end
$$;
create temporary table expected as select '200 200 200 200 200 201 201 204 201 201 200 200 409 201 201 200 409 200 200 '
	'200 200 204 204 201 200 200 409 201 200 409 200 200' as statuses;

select is(pg_temp.use_all(0), (select statuses from expected),
	'every call answers as it should on tables of ten rows');

-- Growing, past the triggers, which would take a minute.
set session_replication_role = replica;
insert into cardkeep.users (id, email, password_hash)
select md5('grown' || i)::uuid, 'grown' || i || '@x', 'h' from generate_series(1, 5000) i;
insert into cardkeep.sessions (user_id, token_hash, expires_at)
select u.id, sha256(u.email::bytea), now() + interval '1 day' from cardkeep.users u
where u.email like 'grown%';
insert into cardkeep.business_cards (id, user_id, name, slug, last_write)
select md5('card' || i)::uuid, md5('grown' || 1 + i % 5000)::uuid, 'Grown', 'grown-' || i,
	md5('card' || i)::uuid from generate_series(1, 50000) i;
insert into cardkeep.business_card_versions (card_id, version, write_id, at)
select b.id, 1, b.id, b.created_at from cardkeep.business_cards b where b.name = 'Grown';
insert into cardkeep.retired_slugs (slug, card_id)
select 'gone-' || i, md5('gone' || i)::uuid from generate_series(1, 5000) i;
insert into cardkeep.personal_info (user_id, last_write)
select u.id, u.id from cardkeep.users u where u.email like 'grown%';
insert into cardkeep.personal_info_versions (user_id, version, write_id, at, before)
select p.user_id, 1, p.user_id, p.created_at, '{}' from cardkeep.personal_info p
join cardkeep.users u on u.id = p.user_id where u.email like 'grown%';
insert into cardkeep.professional_info (user_id, last_write)
select u.id, u.id from cardkeep.users u where u.email like 'grown%';
reset session_replication_role;

create function pg_temp.scans() returns text language sql
return (select string_agg(s.relname || ' ' || s.seq_scan, ', ' order by s.relname)
	from pg_stat_user_tables s where s.schemaname = 'cardkeep');
create function pg_temp.entries() returns bigint language sql
return (select sum(s.idx_tup_read) from pg_stat_user_indexes s where s.schemaname = 'cardkeep');
select pg_stat_force_next_flush(), x.f from dblink('service',
	'select pg_stat_force_next_flush()::text') x(f text) \g /dev/null
create temporary table before as select pg_temp.scans() as scans, pg_temp.entries() as entries;
select is(pg_temp.use_all(1), (select statuses from expected),
	'every call answers as it should on tables of fifty thousand');
select x.f from dblink('service', 'select pg_stat_force_next_flush()::text') x(f text) \g /dev/null
select dblink_disconnect('service') \g /dev/null
select pg_sleep(0.2), pg_stat_clear_snapshot() \g /dev/null
select ok((select sum(s.idx_scan) > 50 from pg_stat_user_tables s where s.schemaname = 'cardkeep'),
	'and by indexes');
select ok(pg_temp.entries() - (select b.entries from before b) < 1000,
	'that are asked for single entries, not read through');
select is(pg_temp.scans(), (select b.scans from before b),
	'no table is scanned by plans made while it was small');
select * from finish();
