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

-- put(from, to): these cards as they were created, each with its version 1.
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
end;

-- Raises for the cases that let some calls fail; the trigger is made and dropped around them.
create function bench.refuse() returns trigger language plpgsql as $$
begin
	raise exception 'the bench made this call fail';
end
$$;

vacuum analyze cardkeep.users;
vacuum analyze cardkeep.sessions;

-- What wrk reads: a token a line.
\o :tokens
select bench.token_text(u) from generate_series(0, :users - 1) u order by u;
\o :cards
select id from bench.cards order by k;
\o
