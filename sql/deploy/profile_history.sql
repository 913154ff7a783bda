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

create table cardkeep.professional_info_versions (
	user_id uuid not null,
	version integer not null,
	session_id uuid,
	write_id uuid not null,
	at timestamptz not null,
	before jsonb not null,
	constraint professional_info_versions_pkey primary key (user_id, version)
);
comment on table cardkeep.professional_info_versions is 'Every version of every professional profile: who wrote it, when, and what was before';

create trigger keep_personal_info_versions
	before update or delete or truncate on cardkeep.personal_info_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_professional_info_versions
	before update or delete or truncate on cardkeep.professional_info_versions
	for each statement execute function cardkeep.keep_history();

commit;
