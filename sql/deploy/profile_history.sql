-- Deploy cardkeep:profile_history to pg
--
-- As the history of cards, but the fields are many, short and may be null, so what was before is
-- one document of the changed fields: an absent key stayed, a null one was empty.

begin;

set local role cardkeep_owner;

create table cardkeep.personal_info_versions (
	user_id uuid not null,
	version integer not null,
	session_id uuid,
	write_id uuid not null,
	at timestamptz not null,
	before jsonb not null,
	constraint personal_info_versions_pkey primary key (user_id, version)
);
comment on table cardkeep.personal_info_versions is 'Every version of every personal profile: who wrote it, when, and what was before';

create table cardkeep.professional_info_versions (like cardkeep.personal_info_versions including indexes);
comment on table cardkeep.professional_info_versions is 'Every version of every professional profile: who wrote it, when, and what was before';

create function cardkeep.keep_profile_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	perform from deleted d
	cross join lateral (
		select from cardkeep.users u where u.id = d.user_id and u.closed_at is null limit 1) u;
	if not found then
		return null;
	end if;
	perform from deleted d
	where not exists (select from cardkeep.pruned_histories p
		where p.kind || '_versions' = tg_table_name and p.id = d.user_id and d.version < p.first)
	and not exists (select from cardkeep.upgrade_changes c
		join cardkeep_api.profile_versions v on v.kind = c.kind and v.user_id = c.entity_id
			and v.version = d.version and v.write_id = d.write_id
		where c.kind || '_versions' = tg_table_name and c.field = 'user_id'
			and c.reason = 'adopted' and c.was = to_jsonb(d.user_id));
	if found then
		raise exception 'the history of a profile is kept as long as its account: delete on %.%',
			tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
	end if;
	return null;
end
$$;
comment on function cardkeep.keep_profile_history is 'Refuses to delete history of a profile whose account is there and open, whoever asks, but for what pruned_histories tells of, and for versions that stand under the account that adopted the profile. Locks nothing.';

create trigger keep_personal_info_versions
	before update or truncate on cardkeep.personal_info_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_personal_info_versions_of_accounts
	after delete on cardkeep.personal_info_versions referencing old table as deleted
	for each statement execute function cardkeep.keep_profile_history();
create trigger keep_professional_info_versions
	before update or truncate on cardkeep.professional_info_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_professional_info_versions_of_accounts
	after delete on cardkeep.professional_info_versions referencing old table as deleted
	for each statement execute function cardkeep.keep_profile_history();

commit;
