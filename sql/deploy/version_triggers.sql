-- Deploy cardkeep:version_triggers to pg
--
-- Every update raises the version by one, whoever makes it. A statement that sets version + 1 and a
-- write id of its own keeps history itself and passes by; see card_triggers.

begin;

set local role cardkeep_owner;

create function cardkeep_api.is_waiting(p_user uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	return exists (select from cardkeep.users u where u.id = p_user and u.email is null
		and u.closed_at is null);
end
$$;
comment on function cardkeep_api.is_waiting is 'Whether nobody can sign in as this user yet. Locks nothing.';

create function cardkeep.increment_version() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := new.user_id;
begin
	-- What a waiting user has was never read under a version: it changes hands as it is.
	if v_user <> old.user_id and cardkeep_api.is_waiting(old.user_id) then
		new := old;
		new.user_id := v_user;
		return new;
	end if;
	new.user_id := old.user_id;
	new.created_at := old.created_at;
	new.version := old.version + 1;
	new.updated_at := greatest(clock_timestamp(), old.updated_at);
	new.last_write := gen_random_uuid();
	if tg_table_name = 'business_cards' then
		new.id := old.id;
		perform cardkeep_api.note_card_change(old, new);
	else
		perform cardkeep_api.note_profile(tg_table_name, new.user_id, new.version, null,
			new.last_write, new.updated_at, cardkeep_api.profile_before(
				cardkeep_api.profile_fields(to_jsonb(old)), cardkeep_api.profile_fields(to_jsonb(new))));
	end if;
	return new;
end
$$;
comment on function cardkeep.increment_version is 'Every update by direct SQL raises the version by one and writes the history row, in the update''s own transaction; id, owner and time of creation stay what they were, whatever it says. One exception: what belongs to a waiting user is given to another, with nothing else changed, under the version it has. The row is locked by the update; a changed slug''s advisory locks come after it.';

create function cardkeep.begin_profile() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.must_be_open(new.user_id);
	perform pg_advisory_xact_lock(cardkeep_api.lock_key(tg_table_name, new.user_id::text));
	new.version := 1;
	new.last_write := gen_random_uuid();
	new.created_at := coalesce(new.created_at, clock_timestamp());
	new.updated_at := new.created_at;
	return new;
end
$$;
comment on function cardkeep.begin_profile is 'A profile inserted by direct SQL starts at version 1, unless its account is closed. Waits for the advisory lock of the first profile, which the service only tries.';

create function cardkeep.note_profile_start() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.note_profile(tg_table_name::text, new.user_id, new.version, null,
		new.last_write, new.created_at,
		cardkeep_api.profile_before('{}', cardkeep_api.profile_fields(to_jsonb(new))));
	return null;
end
$$;
comment on function cardkeep.note_profile_start is 'Writes version 1 into the history of a profile inserted by direct SQL; the service''s own is there already. Locks nothing but its row.';

create trigger increment_business_cards_version before update on cardkeep.business_cards
	for each row when (new.last_write is not distinct from old.last_write
		or new.version is distinct from old.version + 1)
	execute function cardkeep.increment_version();
create trigger begin_personal_info before insert on cardkeep.personal_info
	for each row when (new.last_write is null) execute function cardkeep.begin_profile();
create trigger note_personal_info after insert on cardkeep.personal_info
	for each row execute function cardkeep.note_profile_start();
create trigger increment_personal_info_version before update on cardkeep.personal_info
	for each row when (new.last_write is not distinct from old.last_write
		or new.version is distinct from old.version + 1)
	execute function cardkeep.increment_version();
create trigger begin_professional_info before insert on cardkeep.professional_info
	for each row when (new.last_write is null) execute function cardkeep.begin_profile();
create trigger note_professional_info after insert on cardkeep.professional_info
	for each row execute function cardkeep.note_profile_start();
create trigger increment_professional_info_version before update on cardkeep.professional_info
	for each row when (new.last_write is not distinct from old.last_write
		or new.version is distinct from old.version + 1)
	execute function cardkeep.increment_version();

commit;
