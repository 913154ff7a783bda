-- Deploy cardkeep:profile_core to pg
--
-- The two profiles differ in their columns alone. Everything that decides works on their fields as
-- one document; only what reads or writes a row names the columns, and picks its table by the name
-- p_kind. The views pick in the same way: of each union, the planner's one-time filter runs only
-- the side that is asked for.
--
-- A profile that was never written has no row: it is at version 0, and an advisory lock stands for
-- it.

begin;

set local role cardkeep_owner;

create type cardkeep_api.profile as (
	fields jsonb,
	version integer,
	created_at timestamptz,
	updated_at timestamptz
);
comment on type cardkeep_api.profile is 'Either profile: its fields as one document; version 0 and no times where it was never written';

create function cardkeep_api.profile_fields(p_row jsonb) returns jsonb
language sql immutable parallel safe
return p_row - array['user_id', 'version', 'last_write', 'created_at', 'updated_at'];
comment on function cardkeep_api.profile_fields is 'The fields of a profile''s row, as one document. Locks nothing.';

create view cardkeep_api.profiles as
	select 'personal_info' as kind, p.user_id, cardkeep_api.profile_fields(to_jsonb(p)) as fields,
		p.version, p.created_at, p.updated_at
	from cardkeep.personal_info p
	union all
	select 'professional_info', p.user_id, cardkeep_api.profile_fields(to_jsonb(p)), p.version,
		p.created_at, p.updated_at
	from cardkeep.professional_info p;
comment on view cardkeep_api.profiles is 'Both profiles in one shape, told apart by kind';

create view cardkeep_api.profile_versions as
	select 'personal_info' as kind, v.* from cardkeep.personal_info_versions v
	union all
	select 'professional_info', v.* from cardkeep.professional_info_versions v;
comment on view cardkeep_api.profile_versions is 'Both profiles'' histories in one shape, told apart by kind';

create type cardkeep_api.personal_view as (
	full_name text,
	primary_email text,
	secondary_email text,
	primary_phone text,
	secondary_phone text,
	website text,
	address text,
	version integer,
	created_at text,
	updated_at text
);
comment on type cardkeep_api.personal_view is 'A personal profile as clients see it';

create type cardkeep_api.professional_view as (
	job_title text,
	company_name text,
	department text,
	work_email text,
	work_phone text,
	work_address text,
	company_website text,
	linkedin_url text,
	version integer,
	created_at text,
	updated_at text
);
comment on type cardkeep_api.professional_view is 'A professional profile as clients see it';

create function cardkeep_api.profile_members(p cardkeep_api.profile) returns jsonb
language sql stable parallel safe
return (p).fields || jsonb_build_object('version', p.version, 'created_at',
	cardkeep_api.stamp(p.created_at), 'updated_at', cardkeep_api.stamp(p.updated_at));
comment on function cardkeep_api.profile_members is 'What clients see of a profile, in no order. Locks nothing.';

create function cardkeep_api.profile_json(p_kind text, p cardkeep_api.profile) returns text
language sql stable parallel safe
return case p_kind when 'personal_info' then row_to_json(jsonb_populate_record(
		null::cardkeep_api.personal_view, cardkeep_api.profile_members(p)))
	else row_to_json(jsonb_populate_record(
		null::cardkeep_api.professional_view, cardkeep_api.profile_members(p))) end::text;
comment on function cardkeep_api.profile_json is 'Either profile as clients see it, in the order of its view. Locks nothing.';

create function cardkeep_api.read_profile(p_kind text, p_user uuid) returns cardkeep_api.profile
language plpgsql volatile
as $$
declare
	p cardkeep_api.profile;
begin
	select t.fields, t.version, t.created_at, t.updated_at into p
	from cardkeep_api.profiles t where t.kind = p_kind and t.user_id = p_user;
	if not found then
		p.fields := '{}';
		p.version := 0;
	end if;
	return p;
end
$$;
comment on function cardkeep_api.read_profile is 'A profile as it is now; version 0 where it was never written. Locks nothing.';

create function cardkeep_api.try_profile(p_kind text, p_user uuid, p_expected integer[])
returns boolean
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		perform from cardkeep.personal_info p
		where p.user_id = p_user and p.version = any (p_expected) for no key update skip locked;
	else
		perform from cardkeep.professional_info p
		where p.user_id = p_user and p.version = any (p_expected) for no key update skip locked;
	end if;
	return found;
end
$$;
comment on function cardkeep_api.try_profile is 'Whether the profile is at one of the expected versions and its row is now ours. Tries the row (no key update, skip locked), never waits.';

create function cardkeep_api.await_profile(p_kind text, p_user uuid) returns boolean
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		perform from cardkeep.personal_info p where p.user_id = p_user for no key update;
	else
		perform from cardkeep.professional_info p where p.user_id = p_user for no key update;
	end if;
	return found;
end
$$;
comment on function cardkeep_api.await_profile is 'For direct callers: waits for the profile''s row and locks it (no key update); false where there is none.';

create function cardkeep_api.profile_before(p_old jsonb, p_new jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	return coalesce((select jsonb_object_agg(n.key, coalesce(p_old -> n.key, 'null'))
		from jsonb_each(p_new) n
		where coalesce(p_old -> n.key, 'null') <> n.value), '{}');
end
$$;
comment on function cardkeep_api.profile_before is 'What the fields that changed were before. Locks nothing.';

create function cardkeep_api.note_profile(p_kind text, p_user uuid, p_version integer,
	p_session uuid, p_write uuid, p_at timestamptz, p_before jsonb)
returns void
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		insert into cardkeep.personal_info_versions (user_id, version, session_id, write_id, at, before)
		values (p_user, p_version, p_session, p_write, p_at, p_before)
		on conflict do nothing;
	else
		insert into cardkeep.professional_info_versions
			(user_id, version, session_id, write_id, at, before)
		values (p_user, p_version, p_session, p_write, p_at, p_before)
		on conflict do nothing;
	end if;
end
$$;
comment on function cardkeep_api.note_profile is 'Writes one version into a profile''s history, unless it is there. The caller holds the profile.';

create function cardkeep_api.insert_profile(p_kind text, p_user uuid, p_write uuid, p cardkeep_api.profile)
returns void
language plpgsql volatile
as $$
declare
	v_row jsonb := p.fields || jsonb_build_object('user_id', p_user, 'version', p.version,
		'last_write', p_write, 'created_at', p.created_at, 'updated_at', p.updated_at);
begin
	if p_kind = 'personal_info' then
		insert into cardkeep.personal_info
		select r.* from jsonb_populate_record(null::cardkeep.personal_info, v_row) r;
	else
		insert into cardkeep.professional_info
		select r.* from jsonb_populate_record(null::cardkeep.professional_info, v_row) r;
	end if;
end
$$;
comment on function cardkeep_api.insert_profile is 'The first version of a profile. The caller holds the advisory lock of the first profile; the account''s row is locked by the foreign key (key share).';

create function cardkeep_api.update_profile(p_kind text, p_user uuid, p_write uuid, p cardkeep_api.profile)
returns void
language plpgsql volatile
as $$
begin
	if p_kind = 'personal_info' then
		update cardkeep.personal_info t
		set full_name = r.full_name, primary_email = r.primary_email,
			secondary_email = r.secondary_email, primary_phone = r.primary_phone,
			secondary_phone = r.secondary_phone, website = r.website, address = r.address,
			version = p.version, updated_at = p.updated_at, last_write = p_write
		from jsonb_populate_record(null::cardkeep.personal_info, p.fields) r
		where t.user_id = p_user;
	else
		update cardkeep.professional_info t
		set job_title = r.job_title, company_name = r.company_name, department = r.department,
			work_email = r.work_email, work_phone = r.work_phone, work_address = r.work_address,
			company_website = r.company_website, linkedin_url = r.linkedin_url,
			version = p.version, updated_at = p.updated_at, last_write = p_write
		from jsonb_populate_record(null::cardkeep.professional_info, p.fields) r
		where t.user_id = p_user;
	end if;
end
$$;
comment on function cardkeep_api.update_profile is 'The next version of a profile, whose row the caller has locked.';

create function cardkeep_api.profile_images(p_kind text, p_user uuid, p_version integer,
	p_wanted text[])
returns jsonb
language plpgsql stable
as $$
declare
	h record;
	v_wanted text[] := p_wanted;
	v_images jsonb := '{}';
begin
	for h in
		select v.before from cardkeep_api.profile_versions v
		where v.kind = p_kind and v.user_id = p_user and v.version > p_version
		order by v.version
	loop
		exit when cardinality(v_wanted) = 0;
		if (h.before ?| v_wanted) is not false then
			v_images := h.before || v_images;
			if p_wanted is not null then
				v_wanted := array(select w from unnest(v_wanted) w where not h.before ? w);
			end if;
		end if;
	end loop;
	return v_images - array(select i from jsonb_object_keys(v_images) i where i <> all (p_wanted));
end
$$;
comment on function cardkeep_api.profile_images is 'The oldest image of each wanted field (null: of every one) after a version; without those that nobody changed since. Reads later versions until it has them all. Locks nothing.';

create function cardkeep_api.profile_at(p_kind text, p_user uuid, p_version integer) returns jsonb
language plpgsql stable
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
begin
	return p.fields || cardkeep_api.profile_images(p_kind, p_user, p_version,
		case when p.version > 0 then array(select jsonb_object_keys(p.fields)) end);
end
$$;
comment on function cardkeep_api.profile_at is 'The fields as of an older version, rebuilt from what was before the later changes. Reads all later versions, so callers bound how far back they ask. Locks nothing.';

create function cardkeep_api.profile_kept(p_kind text, p_user uuid, p_now integer, p_version integer)
returns boolean
language sql stable parallel safe
return p_now - greatest(p_version, 1) + 1 = (select count(*) from cardkeep_api.profile_versions h
	where h.kind = p_kind and h.user_id = p_user and h.version between p_version and p_now);
comment on function cardkeep_api.profile_kept is 'Whether history holds every version from p_version to p_now; version 0 was empty, and has no row. Locks nothing.';

create function cardkeep_api.profile_base(p_kind text, p_user uuid, p_now integer, p_version integer)
returns jsonb
language plpgsql stable
as $$
begin
	if p_version is null or p_version not between greatest(p_now - cardkeep_api.reach(), 0) and p_now
		or not cardkeep_api.profile_kept(p_kind, p_user, p_now, p_version)
	then
		return null;
	end if;
	return cardkeep_api.profile_at(p_kind, p_user, p_version);
end
$$;
comment on function cardkeep_api.profile_base is 'The fields at an older version; null where history does not reach: a version that never was, more than 1,000 versions back, or rows that are missing. Version 0 is known to be empty. Locks nothing.';

create function cardkeep_api.profile_conflict(p_kind text, p_user uuid, p cardkeep_api.profile,
	p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql stable
as $$
declare
	v_base jsonb := cardkeep_api.profile_base(p_kind, p_user, p.version,
		(select max(e) from unnest(p_expected) e));
begin
	return cardkeep_api.conflict(p.version, cardkeep_api.profile_json(p_kind, p),
		cardkeep_api.conflicts('', false, v_base, p_patch, p.fields));
end
$$;
comment on function cardkeep_api.profile_conflict is 'The refusal of a write that expected an older version: the profile now, and the fields of the request that others changed since the newest version it expected. Locks nothing.';

create function cardkeep_api.profile_answered(p_kind text, p_user uuid, p_version integer)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	p cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
begin
	p.version := p_version;
	p.updated_at := (select h.at from cardkeep_api.profile_versions h
		where h.kind = p_kind and h.user_id = p_user and h.version = p_version);
	p.fields := cardkeep_api.profile_at(p_kind, p_user, p_version);
	return cardkeep_api.profile_saved(p_kind, p, true);
end
$$;
comment on function cardkeep_api.profile_answered is 'The first answer of the write that made this version of a profile. Locks nothing.';

create function cardkeep_api.profile_replay(p_kind text, p_user uuid, p_expected integer[],
	p_write uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_version integer;
begin
	select h.version into v_version
	from unnest(p_expected) e(version)
	cross join lateral (
		select t.version from cardkeep_api.profile_versions t
		where t.kind = p_kind and t.user_id = p_user and t.version = e.version::bigint + 1
			and t.write_id = p_write
		limit 1) h;
	if not found then
		return null;
	end if;
	return cardkeep_api.profile_answered(p_kind, p_user, v_version);
end
$$;
comment on function cardkeep_api.profile_replay is 'The first answer of a write that was applied before, with the profile as of the version it made; null where it was not. Reads one history row for each expected version. Locks nothing.';

create function cardkeep_api.profile_saved(p_kind text, p cardkeep_api.profile, p_replayed boolean)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_body text := cardkeep_api.profile_json(p_kind, p);
begin
	if p_replayed then
		perform cardkeep_api.await_standby();
	end if;
	if p.version = 1 then
		return cardkeep_api.reply(201, 1, left(v_body, -1) || ',"isNew":true}', p_replayed);
	end if;
	return cardkeep_api.reply(200, p.version, v_body, p_replayed);
end
$$;
comment on function cardkeep_api.profile_saved is 'The answer of an applied write: 201 with isNew for version 1, else 200. Locks nothing.';

create function cardkeep_api.start_profile(p_kind text, p_user uuid, p_session uuid, p_write uuid,
	p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_now timestamptz := clock_timestamp();
	p cardkeep_api.profile := (p_patch, 1, v_now, v_now);
begin
	-- History first: the row's own trigger, there for direct SQL, then finds it written.
	perform cardkeep_api.note_profile(p_kind, p_user, 1, p_session, p_write, v_now,
		cardkeep_api.profile_before('{}', p_patch));
	perform cardkeep_api.insert_profile(p_kind, p_user, p_write, p);
	return cardkeep_api.profile_saved(p_kind, p, false);
end
$$;
comment on function cardkeep_api.start_profile is 'Writes version 1 of a profile and of its history. The caller holds the advisory lock of the first profile.';

create function cardkeep_api.change_profile(p_kind text, p_user uuid, p_session uuid, p_write uuid,
	p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_lot double precision := random();
	v_before jsonb;
	o cardkeep_api.profile := cardkeep_api.read_profile(p_kind, p_user);
	n cardkeep_api.profile := o;
	a cardkeep_api.answer;
begin
	n.fields := o.fields || p_patch;
	if n.fields = o.fields then
		return cardkeep_api.reply_kept(200, o.version, cardkeep_api.profile_json(p_kind, o), false,
			'unchanged');
	end if;
	perform from cardkeep.over_quota q where q.user_id = p_user;
	if found then
		a := cardkeep_api.quota_refusal(p_user, '{history}');
		if a.status is not null then
			return a;
		end if;
	end if;
	n.version := o.version + 1;
	n.updated_at := greatest(clock_timestamp(), o.updated_at);
	v_before := cardkeep_api.profile_before(o.fields, n.fields);
	perform cardkeep_api.update_profile(p_kind, p_user, p_write, n);
	perform cardkeep_api.note_profile(p_kind, p_user, n.version, p_session, p_write, n.updated_at, v_before);
	perform cardkeep_api.note_history(p_user, v_lot, pg_column_size(v_before));
	return cardkeep_api.reply(200, n.version, cardkeep_api.profile_json(p_kind, n));
end
$$;
comment on function cardkeep_api.change_profile is 'Writes the next version of a profile and of its history, or nothing where nothing changes (unchanged); 429 quota where the account''s changes left too much today. The caller has locked the profile''s row; locks as quota_refusal besides.';

create function cardkeep_api.save_profile_core(p_kind text, p_user uuid, p_session uuid,
	p_write uuid, p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_patch jsonb := cardkeep_api.clear_empty(p_patch);
	p cardkeep_api.profile;
begin
	if cardkeep_api.try_profile(p_kind, p_user, p_expected) then
		return cardkeep_api.change_profile(p_kind, p_user, p_session, p_write, v_patch);
	end if;
	p := cardkeep_api.read_profile(p_kind, p_user);
	if p.version = 0 and 0 = any (p_expected) then
		if not pg_try_advisory_xact_lock(cardkeep_api.lock_key(p_kind, p_user::text)) then
			return cardkeep_api.reply(423);
		end if;
		p := cardkeep_api.read_profile(p_kind, p_user);
		if p.version = 0 then
			return cardkeep_api.start_profile(p_kind, p_user, p_session, p_write, v_patch);
		end if;
	end if;
	return cardkeep_api.profile_not_applied(p_kind, p_user, p_write, p, p_expected, v_patch);
end
$$;
comment on function cardkeep_api.save_profile_core is 'Changes a profile that is at one of the expected versions, 0 where it was never written, and writes its history; the empty string clears a field. 200; 201 for the first; else as profile_not_applied. Tries the profile''s row (no key update, skip locked), or the advisory lock of the first profile; never waits; a stale request locks nothing.';

create function cardkeep_api.clear_empty(p_patch jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
begin
	return coalesce((select jsonb_object_agg(e.key, coalesce(nullif(e.value, '""'), 'null'))
		from jsonb_each(p_patch) e), '{}');
end
$$;
comment on function cardkeep_api.clear_empty is 'A patch in which the empty string is null: an empty field has one form. Locks nothing.';

create function cardkeep_api.profile_not_applied(p_kind text, p_user uuid, p_write uuid,
	p cardkeep_api.profile, p_expected integer[], p_patch jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	a cardkeep_api.answer := cardkeep_api.profile_replay(p_kind, p_user, p_expected, p_write);
begin
	if a.status is not null then
		return a;
	end if;
	if p.version = any (p_expected) then
		if p.fields || p_patch = p.fields then
			return cardkeep_api.reply_kept(200, p.version, cardkeep_api.profile_json(p_kind, p),
				false, 'unchanged');
		end if;
		return cardkeep_api.reply(423, p.version);
	end if;
	return cardkeep_api.profile_conflict(p_kind, p_user, p, p_expected, p_patch);
end
$$;
comment on function cardkeep_api.profile_not_applied is 'What a write that was not applied now comes to: its first answer where it was applied before, 200 unchanged where it changes nothing, 423 where somebody holds the profile, else 409 with both sides. Locks nothing.';

commit;
