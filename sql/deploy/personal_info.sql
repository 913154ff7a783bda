-- Deploy cardkeep:personal_info to pg

begin;

set local role cardkeep_owner;

create table cardkeep.personal_info (
	user_id uuid primary key references cardkeep.users on delete cascade,
	full_name text,
	primary_email text,
	secondary_email text,
	primary_phone text,
	secondary_phone text,
	website text,
	address text,
	version integer not null default 1,
	last_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint personal_info_version_positive check (version >= 1)
) with (fillfactor = 85);
comment on table cardkeep.personal_info is 'Personal profiles; what they were is in personal_info_versions';
comment on column cardkeep.personal_info.last_write is 'The write id of this version; see business_cards.last_write';

commit;
