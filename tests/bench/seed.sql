-- The bench's people and their cards, made once: `users` people with a session and 8 cards each.
--
-- Everything is derived from a number, so that wrk, pgbench and this file mean the same card by the
-- same number without looking it up. The tables in schema bench are what each case starts from.
\set ON_ERROR_STOP on

create schema bench;

create function bench.token(p_user integer) returns bytea language sql immutable
return sha256(convert_to('bench token ' || p_user, 'UTF8'));

create function bench.token_text(p_user integer) returns text language sql immutable
return 'ck_' || rtrim(translate(encode(bench.token(p_user), 'base64'), '+/', '-_'), '=');

create function bench.id(p_what text, p_number integer) returns uuid language sql immutable
return md5('bench ' || p_what || ' ' || p_number)::uuid;

insert into cardkeep.users (id, email, password_hash)
select bench.id('user', u), 'user' || u || '@example.org', 'none'
from generate_series(0, :users - 1) u;

insert into cardkeep.sessions (id, user_id, token_hash, device_name, expires_at)
select bench.id('session', u), bench.id('user', u), sha256(bench.token(u)), 'bench',
	clock_timestamp() + interval '1 day'
from generate_series(0, :users - 1) u;

create table bench.cards as
select k, bench.id('card', k) as id, bench.id('user', k / 8) as user_id,
	bench.id('session', k / 8) as session_id, 'Seed ' || k as name, 'seed-' || k as slug
from generate_series(0, :users * 8 - 1) k;

-- What there was before Cardkeep: neither versions nor history. The same people and cards.
create table bench.naive_sessions as
select s.token_hash, s.user_id, s.expires_at from cardkeep.sessions s;
alter table bench.naive_sessions add primary key (token_hash);

create table bench.naive_cards (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null,
	name text not null,
	slug text not null unique,
	template_type text not null default 'personal-small',
	fields_config jsonb not null default '{}',
	design_config jsonb not null default '{}',
	is_public boolean not null default true,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 85);
create index on bench.naive_cards (user_id, created_at desc, id desc);

create table bench.naive_profiles (
	user_id uuid primary key,
	full_name text,
	primary_phone text,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 85);

grant usage on schema bench to cardkeep_runtime;
grant select on bench.naive_sessions to cardkeep_runtime;
grant select, insert, update on bench.naive_cards, bench.naive_profiles to cardkeep_runtime;
-- For naive.sql, whose functions are the owner's.
grant usage on schema bench to cardkeep_owner;
grant select, insert, update on bench.naive_cards, bench.naive_profiles to cardkeep_owner;

-- put_naive(): all of them there. What is there already was put by requests of the case before that
-- came late: the way before inserts what it does not find.
create function bench.put_naive() returns void language sql
begin atomic
	insert into bench.naive_cards (id, user_id, name, slug, fields_config, design_config)
	select b.id, b.user_id, b.name, b.slug, b.fields_config, b.design_config
	from cardkeep.business_cards b order by b.slug
	on conflict do nothing;
	insert into bench.naive_profiles (user_id, full_name, primary_phone)
	select p.user_id, p.full_name, p.primary_phone from cardkeep.personal_info p order by p.user_id
	on conflict do nothing;
end;

-- put(from, to): these cards as they were created, each with its version 1, and their people's
-- profiles, which triggers give theirs.
create function bench.put(p_from integer, p_to integer) returns void language sql
begin atomic
	insert into cardkeep.business_cards (id, user_id, name, slug, fields_config, design_config,
		last_write)
	select c.id, c.user_id, c.name, c.slug,
		jsonb_build_object('email', 'ada@example.org', 'title', 'Engineer', 'phone', c.name),
		'{"accent":"#204060","font":"serif","layout":"two-columns"}', c.id
	from bench.cards c where c.k between p_from and p_to order by c.k;
	insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at)
	select c.id, 1, c.session_id, c.id, b.updated_at
	from bench.cards c join cardkeep.business_cards b on b.id = c.id
	where c.k between p_from and p_to order by c.k;
	insert into cardkeep.personal_info (user_id, full_name, primary_phone)
	select c.user_id, 'Ada', c.k::text from bench.cards c
	where c.k between p_from and p_to and c.k % 8 = 0 order by c.k;
end;

-- Raises for the cases that let some calls fail; the trigger is made and dropped around them.
create function bench.refuse() returns trigger language plpgsql as $$
begin
	raise exception 'the bench made this call fail';
end
$$;

vacuum analyze cardkeep.users;
vacuum analyze cardkeep.sessions;
vacuum analyze bench.naive_sessions;

-- What wrk reads: a token a line.
\o :tokens
select bench.token_text(u) from generate_series(0, :users - 1) u order by u;
\o :cards
select id from bench.cards order by k;
\o
