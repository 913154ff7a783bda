-- Deploy cardkeep:profile_functions to pg
--
-- The promised functions on profiles. Their callers are people and their programs, who expect to
-- wait for a row that somebody holds: so they wait first, and then go through the core.

begin;

set local role cardkeep_owner;

create function cardkeep_api.profile_upsert_told(a cardkeep_api.answer, out success boolean,
	out new_version integer, out message text, out is_new boolean)
language sql immutable parallel safe
return (a.status in (200, 201), a.version, case a.status when 200 then 'Profile updated'
	when 201 then 'Profile created' else 'Version conflict' end, a.status = 201);
comment on function cardkeep_api.profile_upsert_told is 'What a save came to, as the promised functions tell it. Locks nothing.';

create function cardkeep_api.upsert_profile(p_kind text, p_user uuid, p_expected integer,
	p_patch jsonb, out success boolean, out new_version integer, out message text,
	out is_new boolean)
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer;
begin
	if p_user is null then
		raise exception 'p_user_id must not be null' using errcode = 'null_value_not_allowed';
	end if;
	perform cardkeep_api.must_be_open(p_user);
	if not cardkeep_api.await_profile(p_kind, p_user) then
		perform pg_advisory_xact_lock(cardkeep_api.lock_key(p_kind, p_user::text));
		perform cardkeep_api.await_profile(p_kind, p_user);
	end if;
	a := cardkeep_api.save_profile_core(p_kind, p_user, null, gen_random_uuid(),
		array[coalesce(p_expected, 0)], jsonb_strip_nulls(p_patch));
	perform cardkeep_api.must_be_within(a);
	select t.* into success, new_version, message, is_new
	from cardkeep_api.profile_upsert_told(a) t;
end
$$;
comment on function cardkeep_api.upsert_profile is 'Either profile''s upsert for direct callers. Waits for the profile''s row (no key update), or where there is none for the advisory lock of the first profile and then again for the row.';

create function cardkeep.upsert_personal_info_optimistic(p_user_id uuid,
	p_expected_version integer,
	p_full_name text default null, p_primary_email text default null,
	p_secondary_email text default null, p_primary_phone text default null,
	p_secondary_phone text default null, p_website text default null,
	p_address text default null)
returns table (success boolean, new_version integer, message text, is_new boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return query select u.success, u.new_version, u.message, u.is_new
	from cardkeep_api.upsert_profile('personal_info', p_user_id, p_expected_version,
		jsonb_build_object('full_name', p_full_name, 'primary_email', p_primary_email,
			'secondary_email', p_secondary_email, 'primary_phone', p_primary_phone,
			'secondary_phone', p_secondary_phone, 'website', p_website, 'address', p_address)) u;
end
$$;
comment on function cardkeep.upsert_personal_info_optimistic is 'Writes the personal profile of a user who expects its version, 0 or null where there is none yet. Null keeps a field, the empty string clears it. One row: success true and ''Profile created'' (is_new) or ''Profile updated'' with the version it is at now; success false, ''Version conflict'' and the current version (0: none yet) where another came first. Raises 23503 for an unknown or closed user, 22004 for none, 54000 where the account''s changes left too much history today. Waits for the profile''s row, or for another first write.';

create function cardkeep.upsert_professional_info_optimistic(p_user_id uuid,
	p_expected_version integer,
	p_job_title text default null, p_company_name text default null,
	p_department text default null, p_work_email text default null,
	p_work_phone text default null, p_work_address text default null,
	p_company_website text default null, p_linkedin_url text default null)
returns table (success boolean, new_version integer, message text, is_new boolean)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
	return query select u.success, u.new_version, u.message, u.is_new
	from cardkeep_api.upsert_profile('professional_info', p_user_id, p_expected_version,
		jsonb_build_object('job_title', p_job_title, 'company_name', p_company_name,
			'department', p_department, 'work_email', p_work_email, 'work_phone', p_work_phone,
			'work_address', p_work_address, 'company_website', p_company_website,
			'linkedin_url', p_linkedin_url)) u;
end
$$;
comment on function cardkeep.upsert_professional_info_optimistic is 'Writes the professional profile of a user who expects its version, 0 or null where there is none yet. Null keeps a field, the empty string clears it. One row: success true and ''Profile created'' (is_new) or ''Profile updated'' with the version it is at now; success false, ''Version conflict'' and the current version (0: none yet) where another came first. Raises 23503 for an unknown or closed user, 22004 for none, 54000 where the account''s changes left too much history today. Waits for the profile''s row, or for another first write.';

commit;
