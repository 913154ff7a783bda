-- Profiles, as the service calls them and as the promised functions write them.
\ir lib/people.psql
begin;
select * from no_plan();
select pg_temp.sign_up('ann'), pg_temp.sign_up('bob'), pg_temp.sign_up('cat') \g /dev/null

create function pg_temp.save(p_who text, p_write text, p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', pg_temp.token(p_who), pg_temp.id(p_write), p_expected,
	p_patch);

-- Personal, as the service calls it
select is(pg_temp.seen(cardkeep_api.read_own_profile('personal_info', pg_temp.token('ann'))), '200 v0',
	'a profile that was never written is there, at version 0');
select is((cardkeep_api.read_own_profile('personal_info', pg_temp.token('ann'))).body::jsonb,
	'{"full_name": null, "primary_email": null, "secondary_email": null, "primary_phone": null,
	"secondary_phone": null, "website": null, "address": null, "version": 0, "created_at": null,
	"updated_at": null}', 'and empty');
select is(pg_temp.keys((cardkeep_api.read_own_profile('personal_info', pg_temp.token('ann'))).body),
	'full_name primary_email secondary_email primary_phone secondary_phone website address '
	'version created_at updated_at', 'its fields stand in the order of the contract');
select is(pg_temp.seen(cardkeep_api.read_own_profile('personal_info', pg_temp.token('nobody'))), '401 v0',
	'nobody has a profile');
select is(pg_temp.seen(pg_temp.save('nobody', 'w', '{0}', '{"full_name": "N"}')), '401 v0',
	'nor writes one');
select is(pg_temp.seen(pg_temp.save('ann', 'w', '{1}', '{"full_name": "N"}')), '409 v0',
	'the first write must expect version 0');
select is(pg_temp.seen(pg_temp.save('ann', 'w1', '{0}', '{"full_name": "Ann", "address": ""}')),
	'201 v1', 'the first write answers 201');
select is(pg_temp.seen(pg_temp.save('ann', 'w1', '{0}', '{"full_name": "Ann", "address": ""}')),
	'201 v1 again', 'repeated, as the first was');
select is((pg_temp.save('ann', 'w1', '{0}', '{"full_name": "Ann"}')).body::jsonb
	- '{created_at,updated_at}'::text[], '{"full_name": "Ann", "primary_email": null,
	"secondary_email": null, "primary_phone": null, "secondary_phone": null, "website": null,
	"address": null, "version": 1, "isNew": true}', 'it says isNew, and the empty string is null');
select is(pg_temp.seen(pg_temp.save('ann', 'w2', '{0}', '{"full_name": "Other"}')), '409 v1',
	'a second first write is refused');
select is(pg_temp.seen(pg_temp.save('ann', 'w3', '{1}', '{"website": "http://a"}')), '200 v2',
	'an update from the current version raises it by one');
select is(pg_temp.seen(pg_temp.save('ann', 'w3', '{1,1}', '{"website": "http://a"}')), '200 v2 again',
	'also where it names its version twice');
select is((pg_temp.save('ann', 'w3', '{1}', '{"website": "http://a"}')).body::jsonb
	->> 'full_name', 'Ann', 'and keeps what the patch leaves out');
select is(pg_temp.seen(pg_temp.save('ann', 'w3', '{1}', '{"website": "http://a"}')), '200 v2 again',
	'a repeated update is answered as the first was');
select is(pg_temp.seen(pg_temp.save('ann', 'w4', '{2}', '{"website": "http://a"}')), '200 v2 unchanged',
	'an update that changes nothing writes nothing');
select is(pg_temp.seen(pg_temp.save('ann', 'w5', '{5,2}', '{"full_name": null}')), '200 v3',
	'null clears a field; one of several expected versions is enough');
select is((pg_temp.save('ann', 'w1', '{0}', '{"full_name": "Ann"}')).body::jsonb ->> 'full_name',
	'Ann', 'a repeat shows the profile as of its own version');
select is(pg_temp.seen(pg_temp.save('ann', 'w6', '{1}', '{"full_name": "X"}')), '409 v3',
	'an update from an older version is refused');
select is(pg_temp.seen(pg_temp.save('ann', 'w6', '{}', '{"full_name": "X"}')), '409 v3',
	'no expected version matches nothing');
select is((select string_agg(h.version || coalesce(h.session_id::text, '-') || h.write_id
	|| h.before, ' ' order by h.version)
	from cardkeep.personal_info_versions h where h.user_id = pg_temp.id('ann')),
	concat_ws(' ', 1 || pg_temp.id('ann')::text || pg_temp.id('w1') || '{"full_name": null}',
	2 || pg_temp.id('ann')::text || pg_temp.id('w3') || '{"website": null}',
	3 || pg_temp.id('ann')::text || pg_temp.id('w5') || '{"full_name": "Ann"}'),
	'history holds one row a version: who wrote it, and what was before');
select is((select max(h.at) from cardkeep.personal_info_versions h
	where h.user_id = pg_temp.id('ann')), (select p.updated_at from cardkeep.personal_info p
	where p.user_id = pg_temp.id('ann')), 'the profile''s time is that of its last version');
select is(pg_temp.seen(pg_temp.save('bob', 'b1', '{0}', '{"full_name": null}')), '201 v1',
	'a first write of nothing is a version too');
select cardkeep_api.end_session(pg_temp.token('bob'), pg_temp.id('out'), null) \g /dev/null
select is(pg_temp.seen(pg_temp.save('bob', 'b2', '{1}', '{"full_name": "B"}')), '401 v0',
	'an ended session writes nothing');
select is(pg_temp.seen(pg_temp.save('bob', 'b1', '{0}', '{"full_name": null}')), '201 v1 again',
	'but learns how its own write came out');
select is(pg_temp.seen(cardkeep_api.read_own_profile('personal_info', pg_temp.token('bob'))), '401 v0',
	'and reads nothing');

-- Professional, as the service calls it
select is(pg_temp.keys((cardkeep_api.read_own_profile('professional_info', pg_temp.token('ann'))).body),
	'job_title company_name department work_email work_phone work_address company_website '
	'linkedin_url version created_at updated_at', 'the professional profile has its own fields');
select is(pg_temp.seen(cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q1'),
	'{0}', '{"job_title": "J", "company_name": "C", "department": "D", "work_email": "e@x",
	"work_phone": "1", "work_address": "A", "company_website": "http://c", "linkedin_url":
	"http://l"}')), '201 v1', 'and a first write of its own');
select is((cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q2'), '{1}',
	'{"job_title": "J2", "company_name": "C2", "department": "D2", "work_email": "e2@x",
	"work_phone": "12", "work_address": "A2", "company_website": "http://c2", "linkedin_url":
	"http://l2"}')).body::jsonb - '{created_at,updated_at}'::text[],
	'{"job_title": "J2", "company_name": "C2", "department": "D2", "work_email": "e2@x",
	"work_phone": "12", "work_address": "A2", "company_website": "http://c2", "linkedin_url":
	"http://l2", "version": 2}', 'every field of it can be changed');
select is(pg_temp.seen(cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q3'),
	'{1}', '{"job_title": "X"}')), '409 v2', 'from an older version it is refused');
select is(pg_temp.seen(cardkeep_api.save_own_profile('professional_info', pg_temp.token('nobody'),
	pg_temp.id('q3'), '{2}', '{"job_title": "X"}')), '401 v0', 'nobody writes it');
select is(pg_temp.seen(cardkeep_api.read_own_profile('professional_info', pg_temp.token('nobody'))), '401 v0',
	'nobody reads it');
select is((cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('q4'), '{3}',
	'{"full_name": "F", "primary_email": "p@x", "secondary_email": "s@x", "primary_phone": "1",
	"secondary_phone": "2", "website": "http://w", "address": "A"}')).body::jsonb
	- '{created_at,updated_at}'::text[], '{"full_name": "F", "primary_email": "p@x",
	"secondary_email": "s@x", "primary_phone": "1", "secondary_phone": "2", "website": "http://w",
	"address": "A", "version": 4}', 'every field of the personal one too');

-- The promised functions
select is(pg_get_function_arguments('cardkeep.upsert_personal_info_optimistic'::regproc),
	'p_user_id uuid, p_expected_version integer' || (select string_agg(', p_' || f
	|| ' text DEFAULT NULL::text', '') from unnest('{full_name,primary_email,secondary_email,
	primary_phone,secondary_phone,website,address}'::text[]) f),
	'upsert_personal_info_optimistic has its parameters');
select is(pg_get_function_arguments('cardkeep.upsert_professional_info_optimistic'::regproc),
	'p_user_id uuid, p_expected_version integer' || (select string_agg(', p_' || f
	|| ' text DEFAULT NULL::text', '') from unnest('{job_title,company_name,department,work_email,
	work_phone,work_address,company_website,linkedin_url}'::text[]) f),
	'upsert_professional_info_optimistic has its parameters');
select is(pg_get_function_result(('cardkeep.upsert_' || f || '_info_optimistic')::regproc),
	'TABLE(success boolean, new_version integer, message text, is_new boolean)',
	format('and the %s one its result', f)) from unnest('{personal,professional}'::text[]) f;
create function pg_temp.upsert(p_version integer, p_name text, p_address text default null)
returns text language sql
return (select u::text from cardkeep.upsert_personal_info_optimistic(pg_temp.id('cat'), p_version,
	p_name, p_address => p_address) u);
select is(pg_temp.upsert(3, 'Cat'), '(f,0,"Version conflict",f)',
	'a version of a profile that is not there is a conflict');
select is(pg_temp.upsert(0, 'Cat', 'Street'), '(t,1,"Profile created",t)',
	'the first write expects version 0');
select is(pg_temp.upsert(0, 'Kat'), '(f,1,"Version conflict",f)', 'and is refused the second time');
select is(pg_temp.upsert(null, 'Kat'), '(f,1,"Version conflict",f)', 'null is version 0');
select is(pg_temp.upsert(1, 'Kat'), '(t,2,"Profile updated",f)', 'an update raises the version');
select is(pg_temp.upsert(1, 'Cut'), '(f,2,"Version conflict",f)',
	'from an older version it is refused');
select is((select (p.full_name, p.address)::text from cardkeep.personal_info p
	where p.user_id = pg_temp.id('cat')), '(Kat,Street)', 'null keeps a field');
select is(pg_temp.upsert(2, null, ''), '(t,3,"Profile updated",f)', 'the empty string clears it');
select is((select (p.full_name, p.address)::text from cardkeep.personal_info p
	where p.user_id = pg_temp.id('cat')), '(Kat,)', 'and nothing else');
select is(pg_temp.upsert(3, 'Kat'), '(t,3,"Profile updated",f)',
	'an update that changes nothing writes nothing');
select ok((select bool_and(h.session_id is null) and count(*) = 3
	from cardkeep.personal_info_versions h where h.user_id = pg_temp.id('cat')),
	'its history is of no session');
select is((select u::text from cardkeep.upsert_professional_info_optimistic(pg_temp.id('cat'), null,
	p_linkedin_url => 'http://l') u), '(t,1,"Profile created",t)',
	'the professional one is written alike; null is version 0 here too');
select is((select p.linkedin_url from cardkeep.professional_info p
	where p.user_id = pg_temp.id('cat')), 'http://l', 'by its own parameters');
select throws_ok($$select cardkeep.upsert_personal_info_optimistic(gen_random_uuid(), 0)$$, '23503',
	null, 'an unknown user is refused');
select throws_ok($$select cardkeep.upsert_personal_info_optimistic(null, 0)$$, '22004', null,
	'no user is refused');

select * from finish();
rollback;
