-- Deploy cardkeep:users to pg
--
-- A user without address and password is one whom nobody can sign in as yet: rows of a database
-- from before Cardkeep are kept under the id that they came with, until somebody adopts them. One
-- that is closed has neither as well, and nobody adopts it: nothing of it is there for anybody any
-- more, and it goes step by step (see erasure), its own row last.
--
-- The address is unique by an index with a condition, which no foreign key can refer to: so giving it
-- up does not lock the row against those who refer to the account, and nobody waits for that.

begin;

set local role cardkeep_owner;

create table cardkeep.users (
	id uuid primary key default gen_random_uuid(),
	email text,
	password_hash text,
	password_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	closed_at timestamptz,
	constraint users_email_lower check (email = lower(email collate "C") and email <> ''),
	constraint users_email_and_password check ((email is null) = (password_hash is null)),
	constraint users_closed_without check (closed_at is null or email is null)
);
create unique index users_email on cardkeep.users (email) where email is not null;
create index users_closed on cardkeep.users (id) where closed_at is not null;
comment on table cardkeep.users is 'Accounts';
comment on column cardkeep.users.id is 'The write id of the registration, so that its repeat finds itself';
comment on column cardkeep.users.email is 'Lower case: two spellings are one address; null, as the password, where the user waits to be adopted';
comment on column cardkeep.users.password_hash is 'Argon2id, in its own text form';
comment on column cardkeep.users.password_write is 'The write id of the latest change of the password, so that its repeat finds itself; null where there was none';
comment on column cardkeep.users.closed_at is 'When the account was closed: what it has is nobody''s, and is being erased';

commit;
