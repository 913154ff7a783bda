-- Deploy cardkeep:erasure to pg
--
-- An account goes with all it has. What stays is the slugs, which nobody gets again, without a word
-- about whose they were.
--
-- It goes in two parts, for it may have any number of cards, and gigabytes of history. Closing takes
-- one short transaction whatever there is: address, password and live sessions go, the mark at the
-- account's row says that what it has is nobody's. Erasing is apart from any request: step by step,
-- each a short transaction that deletes a bounded number of rows and bytes, by the service between
-- its waves, or by an operator at once. History goes before its card, whose row is held meanwhile, so
-- nobody adds to it; the account's row goes last, so what was left out, because somebody held it or it
-- came while the account was closed, is found by a later step.
--
-- Direct SQL that deletes the account's row itself gets all of it in one statement, by the triggers.

begin;

set local role cardkeep_owner;

create function cardkeep.forget_cards() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := array(
		select b.id from cardkeep.business_cards b where b.user_id = old.id
		union all
		select r.card_id from cardkeep.retired_slugs r
		where r.user_id = old.id and r.card_id is not null);
begin
	delete from cardkeep.business_cards b where b.user_id = old.id;
	update cardkeep.retired_slugs r set user_id = null where r.user_id = old.id;
	delete from cardkeep.business_card_versions h where h.card_id = any (v_cards);
	delete from cardkeep.pruned_histories p where p.kind = 'business_cards' and p.id = any (v_cards);
	return old;
end
$$;
comment on function cardkeep.forget_cards is 'Before an account goes: its cards go, and the history of all it ever had; their slugs stay retired. The account''s row is locked by the deletion; waits for the cards'' rows, and for the advisory locks of young cards'' slugs.';

create function cardkeep.forget_profiles() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.personal_info_versions h where h.user_id = old.id;
	delete from cardkeep.professional_info_versions h where h.user_id = old.id;
	delete from cardkeep.pruned_histories p
	where p.kind in ('personal_info', 'professional_info') and p.id = old.id;
	return null;
end
$$;
comment on function cardkeep.forget_profiles is 'After an account went: the history of its profiles goes. Nothing else can hold those rows by then, so it waits for nobody.';

create function cardkeep.forget_keys() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.writes w
	where w.ctid = any (array(
		select o.ctid from cardkeep.writes o where o.user_id = old.id for update skip locked));
	return null;
end
$$;
comment on function cardkeep.forget_keys is 'After an account went: its keys go, but for those that the sweep has in hand. Tries the rows (update, skip locked), never waits.';

create function cardkeep_api.close_account(p_user uuid, p_write uuid) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_api.end_live_sessions(p_user, p_write);
	update cardkeep.users u set email = null, password_hash = null, password_write = null,
		closed_at = clock_timestamp(), updated_at = clock_timestamp()
	where u.id = p_user;
end
$$;
comment on function cardkeep_api.close_account is 'From now on the account''s address is free, its sessions are over, nobody signs in, and erase_step erases it. The caller holds the account''s row; waits for its live sessions'' rows where the caller does not hold them.';

create function cardkeep_api.erasure_cost(p_bytes integer) returns integer
language sql immutable parallel safe
return 1 + p_bytes / 8192;
comment on function cardkeep_api.erasure_cost is 'What a row counts in a step of erasure: one, and one more for each 8 KiB of documents that are stored apart from it. Locks nothing.';

create function cardkeep_api.erase_card_versions(p_cards uuid[], p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
	v_rows tid[];
	v_cost bigint;
begin
	select array_agg(w.ctid), max(w.cost) into v_rows, v_cost
	from (
		-- The first row is always taken, whatever it costs.
		select r.ctid, sum(r.cost) over (order by r.nth) as cost, r.nth
		from (
			select h.ctid, row_number() over () as nth,
				cardkeep_api.erasure_cost(coalesce(pg_column_size(h.b_fields_config), 0)
					+ coalesce(pg_column_size(h.b_design_config), 0)) as cost
			from unnest(p_cards) c(id)
			cross join lateral (
				select v.ctid, v.b_fields_config, v.b_design_config
				from cardkeep.business_card_versions v where v.card_id = c.id
				order by v.version limit p_limit) h
			limit p_limit) r) w
	where w.cost <= p_limit or w.nth = 1;
	delete from cardkeep.business_card_versions h where h.ctid = any (v_rows);
	return coalesce(v_cost, 0);
end
$$;
comment on function cardkeep_api.erase_card_versions is 'Deletes history of these cards, oldest first, up to the limit by erasure_cost, and says what that cost. The caller holds the cards, or they are gone; waits for nobody.';

create function cardkeep_api.cards_without_history(p_cards uuid[]) returns uuid[]
language sql stable
return array(select c.id from unnest(p_cards) c(id)
	left join lateral (
		select true as kept from cardkeep.business_card_versions v where v.card_id = c.id limit 1) v
		on true
	where v.kept is null);
comment on function cardkeep_api.cards_without_history is 'Which of these cards have no history. Locks nothing.';

create function cardkeep_api.forget_pruned(p_kind text, p_ids uuid[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	delete from cardkeep.pruned_histories p where p.kind = p_kind and p.id = any (p_ids);
	-- Of a later change, which may not be there yet: rows from before Cardkeep.
	if p_kind = 'business_cards' and to_regproc('cardkeep_legacy.forget_row') is not null then
		perform cardkeep_legacy.forget_row(p_kind, p_ids);
	end if;
end
$$;
comment on function cardkeep_api.forget_pruned is 'Deletes what is noted about histories that are gone. Waits for a step of pruning at them.';

create function cardkeep_api.erasable_cards(p_user uuid, p_limit integer) returns uuid[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c_young constant integer := 100; -- as many locks at most
	v_minute timestamptz := clock_timestamp() - interval '1 minute';
	v_cards uuid[] := array(
		select b.id from cardkeep.business_cards b
		where b.user_id = p_user and b.created_at <= v_minute
		order by b.created_at, b.id limit p_limit for update skip locked);
begin
	if v_cards <> '{}' then
		return v_cards;
	end if;
	return array(
		select y.id from (
			select b.id, b.slug from cardkeep.business_cards b
			where b.user_id = p_user
			order by b.created_at, b.id limit least(p_limit, c_young) for update skip locked) y
		where pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', y.slug)));
end
$$;
comment on function cardkeep_api.erasable_cards is 'Some cards of a closed account, held: the older ones first, and when there are none at most 100 that are younger than a minute, with the advisory locks of their slugs (see card_triggers). Tries the rows (update, skip locked), then those locks; never waits.';

create function cardkeep_api.erase_cards(p_user uuid, p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards uuid[] := cardkeep_api.erasable_cards(p_user, greatest(p_limit / 4, 1));
	v_cost integer;
begin
	if v_cards = '{}' then
		return 0;
	end if;
	v_cost := cardkeep_api.erase_card_versions(v_cards, p_limit);
	v_cards := cardkeep_api.cards_without_history(v_cards);
	delete from cardkeep.business_cards b where b.id = any (v_cards);
	perform cardkeep_api.forget_pruned('business_cards', v_cards);
	return v_cost + cardinality(v_cards);
end
$$;
comment on function cardkeep_api.erase_cards is 'A step through the cards of a closed account: deletes history up to the limit, then the cards that have none left, whose slugs are retired. What that cost; 0 where there was nothing to be had. Locks as erasable_cards.';

create function cardkeep_api.erase_graves(p_user uuid, p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_slugs text[] := array(
		select r.slug from cardkeep.retired_slugs r
		where r.user_id = p_user limit greatest(p_limit / 4, 1) for update skip locked);
	v_cards uuid[] := array(
		select r.card_id from cardkeep.retired_slugs r
		where r.slug = any (v_slugs) and r.card_id is not null);
	v_cost integer := cardkeep_api.erase_card_versions(v_cards, p_limit);
begin
	v_cards := cardkeep_api.cards_without_history(v_cards);
	update cardkeep.retired_slugs r set user_id = null
	where r.slug = any (v_slugs) and (r.card_id is null or r.card_id = any (v_cards));
	perform cardkeep_api.forget_pruned('business_cards', v_cards);
	return v_cost + cardinality(v_slugs);
end
$$;
comment on function cardkeep_api.erase_graves is 'A step through the cards that a closed account had deleted before: deletes their history up to the limit, then whose they were. What that cost. Tries the retired slugs'' rows (update, skip locked), never waits.';

create function cardkeep_api.erase_profile(p_kind text, p_user uuid, p_limit integer)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_count integer;
begin
	if not cardkeep_api.hold_profile(p_kind, p_user) then
		return 0;
	elsif p_kind = 'personal_info' then
		delete from cardkeep.personal_info_versions h where h.ctid = any (array(
			select v.ctid from cardkeep.personal_info_versions v where v.user_id = p_user
			order by v.version limit p_limit));
		get diagnostics v_count = row_count;
		if v_count < p_limit then
			delete from cardkeep.personal_info p where p.user_id = p_user;
		end if;
	else
		delete from cardkeep.professional_info_versions h where h.ctid = any (array(
			select v.ctid from cardkeep.professional_info_versions v where v.user_id = p_user
			order by v.version limit p_limit));
		get diagnostics v_count = row_count;
		if v_count < p_limit then
			delete from cardkeep.professional_info p where p.user_id = p_user;
		end if;
	end if;
	perform cardkeep_api.forget_pruned(p_kind, array[p_user]);
	return v_count;
end
$$;
comment on function cardkeep_api.erase_profile is 'A step through a profile of a closed account: deletes history up to the limit, then the profile. How many versions went; 0 where somebody holds the profile. Tries its row (no key update, skip locked), never waits.';

create function cardkeep_api.erase_entries(p_user uuid, p_limit integer) returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_sessions integer;
	v_keys integer;
begin
	delete from cardkeep.sessions s where s.id = any (array(
		select o.id from cardkeep.sessions o where o.user_id = p_user
		limit p_limit for update skip locked));
	get diagnostics v_sessions = row_count;
	delete from cardkeep.writes w where w.ctid = any (array(
		select o.ctid from cardkeep.writes o where o.user_id = p_user
		limit p_limit for update skip locked));
	get diagnostics v_keys = row_count;
	delete from cardkeep.ledger g where g.ctid = any (array(
		select o.ctid from cardkeep.ledger o where o.user_id = p_user limit p_limit));
	delete from cardkeep.over_quota q where q.user_id = p_user;
	return v_sessions + v_keys;
end
$$;
comment on function cardkeep_api.erase_entries is 'A step through the sessions and the keys of a closed account, each up to the limit, and what is noted of its quotas. How many sessions and keys went. Tries their rows (update, skip locked), never waits.';

create function cardkeep_api.erase_account(p_user uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform from cardkeep.users u where u.id = p_user for update skip locked;
	if not found
		or exists (select from cardkeep.business_cards b where b.user_id = p_user)
		or exists (select from cardkeep.retired_slugs r where r.user_id = p_user)
		or exists (select from cardkeep.personal_info p where p.user_id = p_user)
		or exists (select from cardkeep.professional_info p where p.user_id = p_user)
		or exists (select from cardkeep.sessions s where s.user_id = p_user)
	then
		return false;
	end if;
	delete from cardkeep.users u where u.id = p_user;
	return true;
end
$$;
comment on function cardkeep_api.erase_account is 'Deletes the row of a closed account, unless there is anything left of it: whether it went. Tries the row (update, skip locked), so that whoever is still adding to the account has ended; never waits.';

create function cardkeep_api.erase_step(p_after uuid, p_limit integer)
returns cardkeep_api.answer
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
	c_start constant uuid := '00000000-0000-0000-0000-000000000000';
	v_user uuid;
	v_spent integer;
	v_all integer := 0;
	v_gone boolean;
begin
	select u.id into v_user from cardkeep.users u
	where u.closed_at is not null and u.id > coalesce(p_after, c_start)
	order by u.id limit 1 for no key update skip locked;
	if not found then
		return cardkeep_api.reply(200);
	end if;
	for v_part in 1..5 loop
		v_spent := case v_part when 1 then cardkeep_api.erase_cards(v_user, p_limit)
			when 2 then cardkeep_api.erase_graves(v_user, p_limit)
			when 3 then cardkeep_api.erase_profile('personal_info', v_user, p_limit)
			when 4 then cardkeep_api.erase_profile('professional_info', v_user, p_limit)
			else cardkeep_api.erase_entries(v_user, p_limit) end;
		v_all := v_all + v_spent;
		exit when v_all >= p_limit / 4;
	end loop;
	v_gone := cardkeep_api.erase_account(v_user);
	-- While something went, there may be more of it: the next step looks at this account again.
	return cardkeep_api.reply(200, v_all + v_gone::integer, '', false,
		case when v_gone or v_all = 0 then v_user else coalesce(p_after, c_start) end::text);
end
$$;
comment on function cardkeep_api.erase_step is 'One small step of erasing closed accounts, after the id p_after (null: from the start): deletes of the next one rows up to p_limit or little more, as erasure_cost counts them. Version says how many that were, detail after which id the next step goes on, empty at the end. Accounts that another step has in hand, and rows that somebody holds, are passed over for the next time. Tries the account''s row (no key update, skip locked), then as each part; never waits.';

create trigger forget_cards before delete on cardkeep.users
	for each row execute function cardkeep.forget_cards();
create trigger forget_profiles after delete on cardkeep.users
	for each row execute function cardkeep.forget_profiles();
create trigger forget_keys after delete on cardkeep.users
	for each row execute function cardkeep.forget_keys();

commit;
