-- Deploy cardkeep:professional_info to pg

begin;

set local role cardkeep_owner;

create table cardkeep.professional_info (
	user_id uuid primary key references cardkeep.users on delete cascade,
	job_title text,
	company_name text,
	department text,
	work_email text,
	work_phone text,
	work_address text,
	company_website text,
	linkedin_url text,
	version integer not null default 1,
	last_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint professional_info_version_positive check (version >= 1)
) with (fillfactor = 85);
comment on table cardkeep.professional_info is 'Professional profiles; what they were is in professional_info_versions';
comment on column cardkeep.professional_info.last_write is 'The write id of this version; see business_cards.last_write';

commit;
