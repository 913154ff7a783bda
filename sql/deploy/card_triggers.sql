-- Deploy cardkeep:card_triggers to pg
--
-- For direct SQL alone. The service's own statements set version and last_write together and keep
-- history themselves; the triggers' conditions let them pass at no cost, where a trigger function
-- on every update took an eighth of the rate. Here, and only here, waiting is right: the advisory
-- locks make the service's tries see what direct SQL is about to do.

begin;

set local role cardkeep_owner;

create function cardkeep_api.must_be_open(p_user uuid) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	perform from cardkeep.users u where u.id = p_user and u.closed_at is not null;
	if found then
		raise exception 'account % is closed', p_user using errcode = 'foreign_key_violation';
	end if;
end
$$;
comment on function cardkeep_api.must_be_open is 'For direct SQL: refuses a closed account with 23503, as one that is not there. Locks nothing.';

create function cardkeep_api.await_slug(p_slug text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c_slugs constant integer := 2000;
	v_held integer := coalesce(nullif(current_setting('cardkeep.slugs_held', true), ''), '0')::integer;
begin
	-- The table of locks is everybody's: who fills it stops them all.
	if v_held >= c_slugs then
		raise exception 'a transaction takes up or gives up at most % slugs of young cards', c_slugs
			using errcode = 'program_limit_exceeded',
				hint = 'Commit in between. Cards that are older than a minute are deleted without this limit.';
	end if;
	perform pg_advisory_xact_lock(cardkeep_api.lock_key('slug', p_slug));
	perform set_config('cardkeep.slugs_held', (v_held + 1)::text, true);
end
$$;
comment on function cardkeep_api.await_slug is 'For direct SQL: waits for a slug''s advisory lock, at most 2,000 of them in a transaction; 54000 beyond.';

create function cardkeep_api.claim_slug(p_slug text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.await_slug(p_slug);
	perform from cardkeep.retired_slugs r where r.slug = p_slug;
	if found then
		raise exception 'slug "%" is retired', p_slug
			using errcode = 'unique_violation', constraint = 'retired_slugs_pkey',
				hint = 'A slug that a card once had, or a reserved word, is never given again.';
	end if;
end
$$;
comment on function cardkeep_api.claim_slug is 'For direct SQL: waits for the slug''s advisory lock, then refuses a retired slug with 23505.';

create function cardkeep_api.retire_slug(p_slug text, p_card uuid, p_user uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	-- The account may be going in this very statement, its cards with it.
	insert into cardkeep.retired_slugs (slug, card_id, user_id)
	values (p_slug, p_card, (select u.id from cardkeep.users u where u.id = p_user))
	on conflict do nothing;
end
$$;
comment on function cardkeep_api.retire_slug is 'Keeps a slug from ever being given again. The caller holds the slug''s advisory lock.';

create function cardkeep.begin_business_card() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.must_be_open(new.user_id);
	perform cardkeep_api.claim_slug(new.slug);
	new.version := 1;
	new.last_write := gen_random_uuid();
	new.created_at := coalesce(new.created_at, clock_timestamp());
	new.updated_at := new.created_at;
	return new;
end
$$;
comment on function cardkeep.begin_business_card is 'A card inserted by direct SQL starts at version 1 with a slug that was never given before, unless its account is closed. Waits for the slug''s advisory lock.';

create function cardkeep.note_business_card() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.business_card_versions (card_id, version, write_id, at)
	values (new.id, new.version, new.last_write, new.created_at)
	on conflict do nothing;
	return null;
end
$$;
comment on function cardkeep.note_business_card is 'Writes version 1 into the history of a card inserted by direct SQL. Locks nothing but its row.';

create function cardkeep_api.note_card_change(o cardkeep.business_cards, n cardkeep.business_cards)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	h cardkeep.business_card_versions := cardkeep_api.card_image(o, n, cardkeep_api.content(n), null);
begin
	insert into cardkeep.business_card_versions values (h.*);
	if n.slug is distinct from o.slug then
		perform cardkeep_api.claim_slug(n.slug);
		perform cardkeep_api.await_slug(o.slug);
		perform cardkeep_api.retire_slug(o.slug, null, n.user_id);
	end if;
end
$$;
comment on function cardkeep_api.note_card_change is 'For direct SQL: writes the history of an update and retires a slug that it replaces. The card''s row is locked by the update; then waits for the advisory locks of the new slug and the old.';

create function cardkeep.end_business_card() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.await_slug(old.slug);
	return old;
end
$$;
comment on function cardkeep.end_business_card is 'Before a young card goes: waits for its slug''s advisory lock (the service''s own deletion holds it already), so that a creation does not have to wait for the deletion.';

create function cardkeep.bury_business_cards() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	-- The account may be going in this very statement, its cards with it.
	insert into cardkeep.retired_slugs (slug, card_id, user_id)
	select d.slug, d.id, u.id from deleted d
	left join lateral (
		select t.id from cardkeep.users t where t.id = d.user_id and t.closed_at is null limit 1) u
		on true
	on conflict do nothing;
	insert into cardkeep.business_card_versions
	select h.* from deleted d
	left join lateral (
		select true as closed from cardkeep.users t
		where t.id = d.user_id and t.closed_at is not null limit 1) u on true
	cross join lateral cardkeep_api.last_image(d::cardkeep.business_cards, null, gen_random_uuid()) h
	where u.closed is null
	on conflict do nothing;
	return null;
end
$$;
comment on function cardkeep.bury_business_cards is 'After cards went, by whomever: their slugs are retired, and the history of each ends in a row that holds all of it (where the service''s statement has not written that already), but for those of a closed account, which keep nothing. The rows and the slugs are locked by then.';

create trigger begin_business_card before insert on cardkeep.business_cards
	for each row when (new.last_write is null)
	execute function cardkeep.begin_business_card();
create trigger note_business_card after insert on cardkeep.business_cards
	for each row when (new.last_write <> new.id)
	execute function cardkeep.note_business_card();
-- A creation looks whether a slug's card is there, then inserts: a card that came after the look and
-- goes before the insertion would pass unseen. No statement lasts a minute, so older cards need no
-- lock, and an account with thousands of them can go without filling the lock table.
create trigger end_business_card before delete on cardkeep.business_cards
	for each row when (old.created_at > clock_timestamp() - interval '1 minute')
	execute function cardkeep.end_business_card();
-- One for the statement: an account with many cards goes in few statements.
create trigger bury_business_cards after delete on cardkeep.business_cards
	referencing old table as deleted
	for each statement execute function cardkeep.bury_business_cards();

commit;
