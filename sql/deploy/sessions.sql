-- Deploy cardkeep:sessions to pg

begin;

set local role cardkeep_owner;

create table cardkeep.sessions (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references cardkeep.users on delete cascade,
	token_hash bytea not null,
	device_name text,
	user_agent text,
	created_at timestamptz not null default clock_timestamp(),
	last_seen_at timestamptz not null default clock_timestamp(),
	expires_at timestamptz not null,
	idle_limit interval not null default '30 days',
	ended_at timestamptz,
	ended_by uuid,
	constraint sessions_token_hash_unique unique (token_hash),
	constraint sessions_token_hash_length check (octet_length(token_hash) = 32),
	constraint sessions_ended_both check ((ended_at is null) = (ended_by is null))
) with (fillfactor = 85);
-- The end is in it so that an account's live sessions, and its oldest, are found among any number of
-- ended ones. Who asks by another key, and also whose they are, says `is true` of the user: where nearly
-- all accounts have one session, the planner takes this index to be as good as the key's own.
create index sessions_user on cardkeep.sessions (user_id, ended_at);
create index sessions_ended_by on cardkeep.sessions (ended_by) where ended_by is not null;
comment on table cardkeep.sessions is 'One row a signed-in device; an ended one stays, so that the repeat of the request that ended it finds itself';
comment on column cardkeep.sessions.id is 'The write id of the sign-in';
comment on column cardkeep.sessions.token_hash is 'SHA-256 of the bearer token, which itself is stored nowhere';
comment on column cardkeep.sessions.last_seen_at is 'When it was last used, to about a minute: written apart from the requests, in batches';
comment on column cardkeep.sessions.idle_limit is 'Unused for this long it is over, as it is at expires_at';
comment on column cardkeep.sessions.ended_by is 'The write id of the request that ended it';

commit;
