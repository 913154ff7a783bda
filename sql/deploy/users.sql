-- Deploy cardkeep:users to pg
--
-- A user without address and password is one whom nobody can sign in as yet: rows of a database
-- from before Cardkeep are kept under the id that they came with, until somebody adopts them.

begin;

set local role cardkeep_owner;

create table cardkeep.users (
	id uuid primary key default gen_random_uuid(),
	email text,
	password_hash text,
	password_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint users_email_unique unique (email),
	constraint users_email_lower check (email = lower(email) and email <> ''),
	constraint users_email_and_password check ((email is null) = (password_hash is null))
);
comment on table cardkeep.users is 'Accounts';
comment on column cardkeep.users.id is 'The write id of the registration, so that its repeat finds itself';
comment on column cardkeep.users.email is 'Lower case: two spellings are one address; null, as the password, where the user waits to be adopted';
comment on column cardkeep.users.password_hash is 'Argon2id, in its own text form';
comment on column cardkeep.users.password_write is 'The write id of the latest change of the password, so that its repeat finds itself; null where there was none';

commit;
