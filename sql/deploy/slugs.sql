-- Deploy cardkeep:slugs to pg
--
-- A slug has no row until its card is inserted, so an advisory lock stands for it: who tries a
-- candidate takes its lock first, without waiting, and looks in a later statement, whose snapshot
-- sees what the lock guarded. Deleting a card takes the same lock. Candidates that are locked are
-- taken, as far as anybody else can tell.

begin;

set local role cardkeep_owner;

create function cardkeep_api.slugify(p_text text) returns text
language sql immutable parallel safe
return case
	-- What the service sends is one already.
	when octet_length(p_text) <= 80 and p_text ~ '^[a-z0-9]+(-[a-z0-9]+)*$' then p_text
	-- Bounded before it is normalised, which takes time by the square of a run of marks: 400 take 4 ms.
	else coalesce(nullif(rtrim(left(btrim(regexp_replace(
	lower((regexp_replace(normalize(
		replace(replace(replace(replace(replace(replace(replace(replace(
			-- Those without a letter to stand for them, at the end, are silent.
			translate(coalesce(left(p_text, 400), ''), 'ŁłØøĐđÐðıĦħŦŧĿŀŊŋĸƏəƎǝƐɛƆɔ''’ʻʼʾʿ',
				'LlOoDdDdiHhTtLlNnkEeEeEeOo'),
			'ß', 'ss'), 'ẞ', 'SS'), 'Æ', 'AE'), 'æ', 'ae'), 'Œ', 'OE'), 'œ', 'oe'), 'Þ', 'TH'), 'þ', 'th'),
		nfkd), '[\u0300-\u036f]', '', 'g')) collate "C"),
	'[^a-z0-9]+', '-', 'g'), '-'), 80), '-'), ''), 'card')
end;
comment on function cardkeep_api.slugify is 'SQL''s own slug rule, for callers that come without the service''s transliteration: Latin letters lose their marks, apostrophes vanish, anything else but a-z and 0-9 becomes one dash, at most 80 characters of the first 400, "card" where nothing is left. A slug stays as it is. Locks nothing.';

create function cardkeep_api.slug_candidate(p_base text, p_attempt integer) returns text
language plpgsql volatile
as $$
declare
	c_letters constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
	v_slug text := p_base;
begin
	if p_attempt > 1 then
		v_slug := v_slug || '-';
		for i in 1..6 loop
			v_slug := v_slug || substr(c_letters, 1 + floor(random() * 36)::integer, 1);
		end loop;
	end if;
	return v_slug;
end
$$;
comment on function cardkeep_api.slug_candidate is 'The bare slug at the first attempt, then the slug with six random characters. Locks nothing.';

create function cardkeep_api.slug_held_here(p_slug text) returns boolean
language plpgsql volatile
as $$
declare
	v_key bigint := cardkeep_api.lock_key('slug', p_slug);
begin
	return exists (
		select from pg_locks l
		where l.locktype = 'advisory' and l.pid = pg_backend_pid() and l.granted and l.objsubid = 1
			and l.database = (select d.oid from pg_database d where d.datname = current_database())
			and ((l.classid::bigint << 32) | l.objid::bigint) = v_key);
end
$$;
comment on function cardkeep_api.slug_held_here is 'Whether this transaction has reserved the slug already: advisory locks are re-entrant, so trying would not tell. Reads the lock table, so it is kept off the service''s path. Locks nothing.';

create function cardkeep.generate_unique_slug(base_slug text, max_attempts integer default 10)
returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_base text := cardkeep_api.slugify(base_slug);
	v_slug text;
begin
	if max_attempts is null or max_attempts < 1 then
		raise exception 'max_attempts must be at least 1'
			using errcode = 'invalid_parameter_value';
	end if;
	for v_attempt in 1..max_attempts loop
		v_slug := cardkeep_api.slug_candidate(v_base, v_attempt);
		if not cardkeep_api.slug_held_here(v_slug)
			and pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', v_slug))
		then
			perform from cardkeep.business_cards b where b.slug = v_slug
			union all
			select from cardkeep.retired_slugs r where r.slug = v_slug;
			if not found then
				return v_slug;
			end if;
		end if;
	end loop;
	raise exception 'no free slug for "%" in % attempts', v_base, max_attempts
		using errcode = 'unique_violation',
			hint = 'Call again with more attempts, or with another base_slug.';
end
$$;
comment on function cardkeep.generate_unique_slug is 'A slug that no card has or ever had and that no other transaction holds: the base made a slug, else that with six random characters. It stays reserved until this transaction ends, and a second call in it gives another one. Raises 23505 after max_attempts, 22023 where max_attempts is not at least 1. Takes the advisory lock of each candidate, never waits.';

commit;
