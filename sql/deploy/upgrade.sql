-- Deploy cardkeep:upgrade to pg
--
-- Upgrades a database from before Cardkeep in place: its tables are put aside, their rows carried
-- over, views put under their names. All of it is one transaction, so a failure leaves everything as
-- it was. Where there are no such tables nothing happens; calling upgrade() again does nothing, and
-- it may be called whenever such tables have come (a dump was loaded, say).
--
-- The order matters: first the locks, by which the old programs wait instead of failing; a statement
-- that waited looks its table up again by name and finds the view.

begin;

set local role cardkeep_owner;

create function cardkeep_before.check_shape(p_kind text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('public.%I', p_kind);
	v_missing text;
begin
	select string_agg(n, ', ') into v_missing
	from unnest(case p_kind when 'business_cards' then array['id', 'user_id', 'name', 'slug']
		else array['user_id'] end) n
	where cardkeep_before.column_type(v_table, n) is null;
	if v_missing is not null then
		raise exception 'public.% is no table that Cardkeep can upgrade: it has no %', p_kind, v_missing
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Give the table another name, or the columns it lacks, and try again.';
	end if;
	perform from pg_class c where c.oid = v_table
		and (c.relkind <> 'r' or c.relispartition or c.relhassubclass);
	if found then
		raise exception 'public.% is partitioned, inherited from or foreign: Cardkeep upgrades plain tables', p_kind
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Copy its rows into a plain table of this name, and try again.';
	end if;
end
$$;
comment on function cardkeep_before.check_shape is 'Refuses a table that cannot be upgraded, before anything is done to it. Locks nothing.';

create function cardkeep_before.tables_before() returns setof text
language sql stable
begin atomic
	select k.kind from unnest(array['business_cards', 'personal_info', 'professional_info'])
		with ordinality k (kind, place)
	join pg_catalog.pg_class c on c.relname = k.kind and c.relkind in ('r', 'p', 'f')
	join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
	order by k.place;
end;
comment on function cardkeep_before.tables_before is 'The tables that wait to be upgraded. Locks nothing.';

create function cardkeep_before.put_aside(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('public.%I', p_kind);
begin
	insert into cardkeep.upgraded_tables (kind, owner, is_guarded, is_forced, triggers)
	select p_kind, c.relowner::regrole::text::name, c.relrowsecurity, c.relforcerowsecurity,
		(select coalesce(jsonb_object_agg(t.tgname, t.tgenabled), '{}') from pg_trigger t
		where t.tgrelid = c.oid and not t.tgisinternal)
	from pg_class c where c.oid = v_table;
	execute format('alter table %s disable trigger user, no force row level security', v_table);
	execute format('alter table %s set schema cardkeep_before', v_table);
	execute format('alter table %s owner to cardkeep_owner', v_table);
	if p_kind = 'business_cards' then
		perform cardkeep_before.tell_cards_apart(v_table);
	end if;
	perform cardkeep_before.define_old(p_kind);
end
$$;
comment on function cardkeep_before.put_aside is 'Moves a table out of the way, as it is, with its triggers and row level security at rest. The caller has locked it.';

create function cardkeep_before.tell_cards_apart(p_table regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_type regtype := cardkeep_before.column_type(p_table, 'id');
	v_place tid;
	v_was jsonb;
	v_id uuid;
begin
	for v_place, v_was in execute format(
		'select o.ctid, to_jsonb(o) from (select t.*, t.ctid, row_number() over
			(partition by t.id order by t.ctid) as nth from %s t) o where o.id is null or o.nth > 1', p_table)
	loop
		v_id := gen_random_uuid();
		execute format('update %s set id = $1::text::%s where ctid = $2', p_table, v_type)
		using v_id, v_place;
		perform cardkeep_before.list_change('business_cards', v_id, 'id', v_was -> 'id', to_jsonb(v_id),
			case when v_was ->> 'id' is null then 'missing' else 'duplicate' end);
	end loop;
end
$$;
comment on function cardkeep_before.tell_cards_apart is 'Gives rows without an id, or with one that another row has too, an id of their own, and lists them. Locks those rows.';

create function cardkeep_before.put_back(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_before.%I', p_kind);
	t cardkeep.upgraded_tables;
	v_trigger record;
begin
	delete from cardkeep.upgraded_tables u where u.kind = p_kind returning u.* into t;
	for v_trigger in select key as name, value as state from jsonb_each_text(t.triggers)
	loop
		execute format('alter table %s %s trigger %I', v_table, case v_trigger.state when 'O' then 'enable'
			when 'A' then 'enable always' when 'R' then 'enable replica' else 'disable' end, v_trigger.name);
	end loop;
	if t.is_forced then
		execute format('alter table %s force row level security', v_table);
	end if;
	-- An owner must be allowed to make tables where his table is.
	execute format('grant usage, create on schema cardkeep_before to %I', t.owner);
	execute format('alter table %s owner to %I', v_table, t.owner);
	execute format('alter table %s set schema public', v_table);
	execute format('revoke usage, create on schema cardkeep_before from %I', t.owner);
	perform cardkeep_before.define_old(p_kind);
end
$$;
comment on function cardkeep_before.put_back is 'Moves a table to where it was, its triggers, its owner and its row level security as they were. Locks it until the transaction ends.';

create function cardkeep_before.tell_of_users() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_count bigint := (select count(*) from cardkeep.waiting_users);
begin
	if v_count > 0 then
		raise notice 'upgrade: % users have rows and no account: see cardkeep.waiting_users, and "cardkeep user adopt"',
			v_count;
	end if;
end
$$;
comment on function cardkeep_before.tell_of_users is 'Says how many users wait to be adopted. Locks nothing.';

create function cardkeep_before.carry_all(p_kinds text[], p_again boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	perform cardkeep_before.carry_users();
	if p_again then
		if 'business_cards' = any (p_kinds) then
			lock table cardkeep.business_cards in share row exclusive mode;
			perform cardkeep_before.catch_up_cards();
		end if;
		perform cardkeep_before.catch_up_profiles();
		delete from cardkeep.unreturned_rows;
	end if;
	foreach v_kind in array p_kinds
	loop
		if v_kind = 'business_cards' then
			perform cardkeep_before.carry_cards();
		else
			perform cardkeep_before.carry_profiles(v_kind);
		end if;
	end loop;
	perform cardkeep_before.list_profile_changes();
end
$$;
comment on function cardkeep_before.carry_all is 'Carries the rows of the tables put aside over; again: after a revert, whose kept rows are there already. Waits until nobody writes cards and keeps them from it until the transaction ends.';

create function cardkeep_before.upgrade() returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp set row_security = off
set jit = off
as $$
declare
	v_kinds text[] := array(select cardkeep_before.tables_before());
	v_again boolean := to_regnamespace('cardkeep_kept') is not null;
	v_kind text;
	v_views text[] := '{}';
	v_locked timestamptz;
begin
	if v_again then
		perform cardkeep_before.take_up();
	end if;
	if v_kinds = '{}' then
		return v_again;
	end if;
	foreach v_kind in array v_kinds
	loop
		execute format('lock table public.%I in access exclusive mode', v_kind);
		perform cardkeep_before.check_shape(v_kind);
		v_views := v_views || cardkeep_before.dependent_views(format('public.%I', v_kind)::regclass);
	end loop;
	v_locked := clock_timestamp();
	foreach v_kind in array v_kinds
	loop
		perform cardkeep_before.put_aside(v_kind);
	end loop;
	perform cardkeep_before.carry_all(v_kinds, v_again);
	foreach v_kind in array v_kinds
	loop
		perform cardkeep_before.open_view(v_kind);
	end loop;
	perform cardkeep_before.turn_card_references(v_kinds, 'cardkeep_before', 'cardkeep');
	perform cardkeep_before.remake_views(v_views);
	perform cardkeep_before.tell_of_users();
	raise notice 'upgrade: old programs had to wait for % s',
		round(extract(epoch from clock_timestamp() - v_locked)::numeric, 1);
	return true;
end
$$;
comment on function cardkeep_before.upgrade is 'Upgrades the tables from before Cardkeep that are in schema public, all or nothing; false where there are none. Waits for each table (access exclusive) in the order business_cards, personal_info, professional_info, then until nobody writes cards; keeps them until the transaction ends.';

create function cardkeep_before.turn_card_references(p_kinds text[], p_from text, p_to text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	if 'business_cards' = any (p_kinds) and 'uuid'::regtype = cardkeep_before.column_type(
		format('%I.business_cards', p_from)::regclass, 'id')
	then
		perform cardkeep_before.turn_references(format('%I.business_cards', p_from)::regclass,
			format('%I.business_cards', p_to)::regclass);
	end if;
end
$$;
comment on function cardkeep_before.turn_card_references is 'Makes other tables'' foreign keys to cards refer to the other cards table. Locks those tables until the transaction ends.';

create function cardkeep_before.give_back() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set row_security = off
set jit = off
as $$
declare
	v_kinds text[] := array(select u.kind from cardkeep.upgraded_tables u order by u.kind);
	v_kind text;
	v_views text[] := '{}';
begin
	if v_kinds = '{}' then
		return;
	end if;
	foreach v_kind in array v_kinds
	loop
		-- The view, and with it the tables that it reads: in the order in which its users lock them.
		execute format('lock table public.%I in access exclusive mode', v_kind);
		v_views := v_views || cardkeep_before.dependent_views(format('public.%I', v_kind)::regclass);
	end loop;
	foreach v_kind in array v_kinds
	loop
		perform cardkeep_before.give_rows_back(v_kind);
		execute format('alter view public.%I rename to %I', v_kind, v_kind || '_of_cardkeep');
	end loop;
	perform cardkeep_before.turn_card_references(v_kinds, 'cardkeep', 'cardkeep_before');
	foreach v_kind in array v_kinds
	loop
		perform cardkeep_before.put_back(v_kind);
	end loop;
	perform cardkeep_before.remake_views(v_views);
	foreach v_kind in array v_kinds
	loop
		execute format('drop view public.%I', v_kind || '_of_cardkeep');
	end loop;
	perform cardkeep_before.keep();
end
$$;
comment on function cardkeep_before.give_back is 'Takes the upgrade back: the old tables are where and as they were, with what was written since, and what Cardkeep had is kept for the next upgrade. Waits for each view in public and the tables it reads (access exclusive), in the order of upgrade(), and keeps them until the transaction ends.';

reset role;
set local lock_timeout = '30s';
do $$
begin
	perform cardkeep_before.upgrade();
end
$$;

commit;
