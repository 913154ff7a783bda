-- Deploy cardkeep:users to pg

begin;

set local role cardkeep_owner;

create table cardkeep.users (
	id uuid primary key default gen_random_uuid(),
	email text not null,
	password_hash text not null,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint users_email_unique unique (email),
	constraint users_email_lower check (email = lower(email) and email <> '')
);
comment on table cardkeep.users is 'Accounts';
comment on column cardkeep.users.id is 'The write id of the registration, so that its repeat finds itself';
comment on column cardkeep.users.email is 'Lower case: two spellings are one address';
comment on column cardkeep.users.password_hash is 'Argon2id, in its own text form';

commit;
