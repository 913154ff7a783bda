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

create function cardkeep_legacy.check_shape(p_kind text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('public.%I', p_kind);
	v_missing text;
begin
	select string_agg(n, ', ') into v_missing
	from unnest(case p_kind when 'business_cards' then array['id', 'user_id', 'name', 'slug']
		else array['user_id'] end) n
	where cardkeep_legacy.column_type(v_table, n) is null;
	if v_missing is not null then
		raise exception 'public.% is no table that Cardkeep can upgrade: it has no %', p_kind, v_missing
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Give the table another name, or the columns it lacks, and try again.';
	end if;
	perform from pg_class c where c.oid = v_table and (c.relkind <> 'r'
		or exists (select from pg_inherits i where v_table in (i.inhrelid, i.inhparent)));
	if found then
		raise exception 'public.% is partitioned, inherited, inherited from or foreign: Cardkeep upgrades plain tables', p_kind
			using errcode = 'object_not_in_prerequisite_state',
				hint = 'Copy its rows into a plain table of this name, and try again.';
	end if;
end
$$;
comment on function cardkeep_legacy.check_shape is 'Refuses a table that cannot be upgraded, before anything is done to it. Locks nothing.';

create function cardkeep_legacy.tables_before() returns setof text
language sql stable
begin atomic
	select k.kind from unnest(array['business_cards', 'personal_info', 'professional_info'])
		with ordinality k (kind, place)
	join pg_catalog.pg_class c on c.relname = k.kind and c.relkind in ('r', 'p', 'f')
	join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
	order by k.place;
end;
comment on function cardkeep_legacy.tables_before is 'The tables that wait to be upgraded. Locks nothing.';

create function cardkeep_legacy.part_from_sequences(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_column text;
	v_sequence text;
begin
	-- What is the table's own would go with it, out of its owner's hands and from under its name; the
	-- view's default and the programs go on asking it. That of an identity column nobody asks.
	for v_column, v_sequence in
		select a.attname, d.objid::regclass from pg_depend d
		join pg_class s on s.oid = d.objid and s.relkind = 'S'
		join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
		where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a'
			and d.refobjid = format('public.%I', p_kind)::regclass
	loop
		execute format('alter sequence %s owned by none', v_sequence);
		update cardkeep.upgraded_tables u
		set sequences = u.sequences || jsonb_build_object(v_sequence, v_column) where u.kind = p_kind;
	end loop;
end
$$;
comment on function cardkeep_legacy.part_from_sequences is 'Leaves the sequences of a table''s serial columns where and whose they are. Locks them until the transaction ends.';

create function cardkeep_legacy.index_old_rows(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	v_key name := case p_kind when 'business_cards' then 'id' else 'user_id' end;
	v_is_uuid boolean := cardkeep_legacy.column_type(v_table, v_key) = 'uuid'::regtype;
begin
	-- Columns that Cardkeep does not have are looked up there row by row.
	perform from pg_index i join pg_attribute a on a.attrelid = v_table and a.attname = v_key
	where i.indrelid = v_table and i.indkey[0] = a.attnum and i.indpred is null and v_is_uuid;
	if not found then
		execute format('create index %I on %s ((%s))', 'old_rows_of_' || p_kind, v_table,
			format(case when v_is_uuid then '%I' else 'cardkeep_legacy.uuid_of(%I::text)' end, v_key));
	end if;
end
$$;
comment on function cardkeep_legacy.index_old_rows is 'An index by which the old row of one of Cardkeep''s is found, unless the table put aside has one. Locks the table until the transaction ends.';

create function cardkeep_legacy.put_aside(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('public.%I', p_kind);
begin
	insert into cardkeep.upgraded_tables (kind, owner, is_guarded, is_forced, triggers)
	select p_kind, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity,
		(select coalesce(jsonb_object_agg(t.tgname, t.tgenabled), '{}') from pg_trigger t
		where t.tgrelid = c.oid and not t.tgisinternal)
	from pg_class c where c.oid = v_table;
	execute format('alter table %s disable trigger user, no force row level security', v_table);
	perform cardkeep_legacy.part_from_sequences(p_kind);
	execute format('alter table %s set schema cardkeep_legacy', v_table);
	execute format('alter table %s owner to cardkeep_owner', v_table);
	perform cardkeep_legacy.index_old_rows(p_kind);
	if p_kind = 'business_cards' then
		perform cardkeep_legacy.tell_cards_apart(v_table);
	end if;
	perform cardkeep_legacy.note_ids(p_kind);
	perform cardkeep_legacy.define_old(p_kind);
end
$$;
comment on function cardkeep_legacy.put_aside is 'Moves a table out of the way, as it is, with its triggers and row level security at rest. The caller has locked it.';

create function cardkeep_legacy.tell_cards_apart(p_table regclass) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_type regtype := cardkeep_legacy.column_type(p_table, 'id');
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
		perform cardkeep_legacy.list_change('business_cards', v_id, 'id', v_was -> 'id', to_jsonb(v_id),
			case when v_was ->> 'id' is null then 'missing' else 'duplicate' end);
	end loop;
end
$$;
comment on function cardkeep_legacy.tell_cards_apart is 'Gives rows without an id, or with one that another row has too, an id of their own, and lists them. Locks those rows.';

create function cardkeep_legacy.put_back(p_kind text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_table regclass := format('cardkeep_legacy.%I', p_kind);
	t cardkeep.upgraded_tables;
	v_trigger record;
	v_sequence record;
begin
	delete from cardkeep.upgraded_tables u where u.kind = p_kind returning u.* into t;
	execute format('drop index if exists cardkeep_legacy.%I', 'old_rows_of_' || p_kind);
	for v_trigger in select key as name, value as state from jsonb_each_text(t.triggers)
	loop
		execute format('alter table %s %s trigger %I', v_table, case v_trigger.state when 'O' then 'enable'
			when 'A' then 'enable always' when 'R' then 'enable replica' else 'disable' end, v_trigger.name);
	end loop;
	if t.is_forced then
		execute format('alter table %s force row level security', v_table);
	end if;
	-- An owner must be allowed to make tables where his table is.
	execute format('grant usage, create on schema cardkeep_legacy to %I', t.owner);
	execute format('alter table %s owner to %I', v_table, t.owner);
	execute format('alter table %s set schema public', v_table);
	execute format('revoke usage, create on schema cardkeep_legacy from %I', t.owner);
	for v_sequence in select key as name, value as of from jsonb_each_text(t.sequences)
		where to_regclass(key) is not null
	loop
		execute format('alter sequence %s owned by %s.%I', v_sequence.name, v_table, v_sequence.of);
	end loop;
	perform cardkeep_legacy.define_old(p_kind);
end
$$;
comment on function cardkeep_legacy.put_back is 'Moves a table to where it was, its triggers, its sequences, its owner and its row level security as they were. Locks it until the transaction ends.';

create function cardkeep_legacy.tell_of_users() returns void
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
comment on function cardkeep_legacy.tell_of_users is 'Says how many users wait to be adopted. Locks nothing.';

create function cardkeep_legacy.carry_all(p_kinds text[], p_again boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	perform cardkeep_legacy.carry_users();
	if p_again then
		if 'business_cards' = any (p_kinds) then
			lock table cardkeep.business_cards in share row exclusive mode;
			perform cardkeep_legacy.catch_up_cards();
		end if;
		perform cardkeep_legacy.catch_up_profiles();
		delete from cardkeep.unreturned_rows;
	end if;
	foreach v_kind in array p_kinds
	loop
		if v_kind = 'business_cards' then
			perform cardkeep_legacy.carry_cards();
		else
			perform cardkeep_legacy.carry_profiles(v_kind);
		end if;
	end loop;
	perform cardkeep_legacy.list_profile_changes();
end
$$;
comment on function cardkeep_legacy.carry_all is 'Carries the rows of the tables put aside over; again: after a revert, whose kept rows are there already. Waits until nobody writes cards and keeps them from it until the transaction ends.';

create function cardkeep_legacy.open_views(p_kinds text[], p_owners_views text[], p_gates jsonb)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
	v_guarded text[] := array(select u.kind from cardkeep.upgraded_tables u
		where u.kind = any (p_kinds) and u.is_guarded order by u.kind);
	v_gate record;
begin
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.open_view(v_kind);
	end loop;
	-- What reads with its owner's rights reads the inner views, while they have the names.
	perform cardkeep_legacy.turn(p_owners_views, 'upgrade');
	foreach v_kind in array v_guarded
	loop
		perform cardkeep_legacy.open_outer(v_kind);
	end loop;
	foreach v_kind in array v_guarded
	loop
		for v_gate in select g.key as name, g.value as body from jsonb_each_text(p_gates -> v_kind) g
		loop
			perform cardkeep_legacy.make_gate(v_kind, v_gate.name, v_gate.body);
		end loop;
		perform cardkeep_legacy.shut_gates(v_kind);
	end loop;
end
$$;
comment on function cardkeep_legacy.open_views is 'Puts the views in the old tables'' places, those of guarded ones behind their gates, and turns the views that read them with their owners'' rights. Locks nothing but views.';

create function cardkeep_legacy.turn_away(p_kinds text[], p_turned text[], p_owners_views text[],
	p_gates jsonb, p_again boolean)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.put_aside(v_kind);
	end loop;
	-- First what may fail, then what takes long.
	perform cardkeep_legacy.open_views(p_kinds, p_owners_views, p_gates);
	perform cardkeep_legacy.turn(p_turned, 'upgrade');
	perform cardkeep_legacy.turn_function(f.function, f.goes_to)
	from unnest(p_kinds) k, cardkeep_legacy.functions_of(k) f;
	perform cardkeep_legacy.carry_all(p_kinds, p_again);
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.turn_row_references(v_kind, 'cardkeep_legacy', 'cardkeep');
		perform cardkeep_legacy.keep_people(v_kind);
	end loop;
end
$$;
comment on function cardkeep_legacy.turn_away is 'Puts the old tables aside, the views in their places, and turns to them all that others made for the tables; carries the rows over. Waits as carry_all, and for the tables that refer to the old ones.';

-- Old programs take the tables in whatever order they like. So nothing is waited for that one of them may hold
-- while it waits for what is held here: where a lock is not had soon, all are given up. Nobody looks for a deadlock
-- as soon as that. The next try goes by what this one has shown of their order: what was not had goes before the
-- first of those that its holders waited for, or, where they wait for none and are only slow, before all. The first
-- order is that of most, from the outside in. Where two programs go opposite ways no order suits both, and one of
-- them must be met at rest; so when it is tried again is left to chance: programs that were held up together go on
-- together, and would be met in the same step again and again.

create function cardkeep_legacy.place_before(p_relation regclass, p_held regclass[]) returns integer
language sql volatile set search_path = pg_catalog, pg_temp
begin atomic
	select coalesce(min(array_position(p_held, w.relation::regclass)),
		case when count(h.pid) > 0 then 1 else cardinality(p_held) + 1 end)
	from pg_catalog.pg_locks h
	left join pg_catalog.pg_locks w on w.pid = h.pid and w.database = h.database and not w.granted
	where h.relation = p_relation and h.granted and h.pid <> pg_backend_pid()
		and h.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database());
end;
comment on function cardkeep_legacy.place_before is 'Where among the relations that are held one has to be taken that was not had in time: before the first that its holders wait for; before all, where they are only slow; after all, where nobody has it any more. Locks nothing.';

create function cardkeep_legacy.lock_one(p_relation regclass, p_mode text, p_wait interval) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_owner name := (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = p_relation and c.relkind = 'v');
begin
	perform set_config('lock_timeout', greatest(ceil(extract(epoch from p_wait) * 1000), 1)::text, true);
	if v_owner is null then
		execute format('lock table %s in %s mode', p_relation, p_mode);
	else
		-- LOCK would wait for what the view reads while it holds the view. This changes nothing.
		execute format('alter view %s owner to %I', p_relation, v_owner);
	end if;
end
$$;
comment on function cardkeep_legacy.lock_one is 'Locks a table, or a view (access exclusive) without what it reads, until the transaction ends. Raises 55P03 where it has waited so long, which stays the limit of later ones.';

create function cardkeep_legacy.lock_together(p_relations regclass[], p_drops boolean) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_limit text := current_setting('lock_timeout');
	v_until timestamptz := clock_timestamp() + case v_limit when '0' then interval '1 d' else v_limit::interval end;
	v_soon interval := current_setting('deadlock_timeout')::interval / 2;
	v_order regclass[] := '{}';
	v_held regclass[];
	v_before integer;
	v_begun timestamptz;
	v_relation regclass;
	v_mode text;
	v_must boolean;
begin
	loop
		begin
			v_begun := null;
			v_held := '{}';
			for v_relation, v_mode, v_must in
				select l.* from (select r.r, 'access exclusive', true from unnest(p_relations) r
					union all select b.*, false from cardkeep_legacy.relations_beside(p_relations, p_drops) b)
					l (relation, mode, must)
				join pg_class c on c.oid = l.relation
				order by array_position(v_order, l.relation), c.relkind <> 'v', l.must, l.relation, l.mode
			loop
				begin
					perform cardkeep_legacy.lock_one(v_relation, v_mode,
						coalesce(v_begun + v_soon, v_until) - clock_timestamp());
					v_begun := coalesce(v_begun, clock_timestamp());
					v_held := v_held || v_relation;
				exception
					when insufficient_privilege or wrong_object_type then
						if v_must then
							raise;
						end if;
					when lock_not_available then
						-- While the others are held still, for whom they wait shows.
						v_before := cardkeep_legacy.place_before(v_relation, v_held);
						raise;
				end;
			end loop;
			perform set_config('lock_timeout', v_limit, true);
			return;
		exception when lock_not_available then
			if clock_timestamp() >= v_until then
				raise;
			end if;
			v_order := array(select o.relation from unnest(v_held[:v_before - 1] || v_relation
				|| v_held[v_before:] || v_order) with ordinality o (relation, place)
				group by o.relation order by min(o.place));
			perform pg_sleep(0.3 * random());
		end;
	end loop;
end
$$;
comment on function cardkeep_legacy.lock_together is 'Locks these relations (access exclusive), and those of others that are changed with them as far as the caller may, until the transaction ends. Who waits for one of them meanwhile ends in no deadlock: waits for one with nothing of it held, and gives up what it has where another is not had soon. Raises 55P03 after lock_timeout in all.';

create function cardkeep_legacy.upgrade() returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp set row_security = off
set jit = off
as $$
declare
	v_kinds text[] := array(select cardkeep_legacy.tables_before());
	v_again boolean := to_regnamespace('cardkeep_kept') is not null;
	v_kind text;
	v_table regclass;
	v_turned text[] := '{}';
	v_owners_views text[] := '{}';
	v_gates jsonb := '{}';
	v_locked timestamptz;
begin
	-- What is owed to a deferred key keeps its table from being altered.
	set constraints all immediate;
	if v_again then
		perform cardkeep_legacy.take_up();
	end if;
	if v_kinds = '{}' then
		return v_again;
	end if;
	perform cardkeep_legacy.lock_together(array(select format('public.%I', k)::regclass from unnest(v_kinds) k),
		false);
	v_locked := clock_timestamp();
	perform cardkeep_legacy.check_shape(k) from unnest(v_kinds) k;
	perform cardkeep_legacy.check_the_way(v_kinds);
	-- All is read while the tables have their names, for by these it is bound again.
	foreach v_kind in array v_kinds
	loop
		v_table := format('public.%I', v_kind);
		v_owners_views := v_owners_views || cardkeep_legacy.dependent_views(v_table, false);
		v_turned := v_turned || cardkeep_legacy.dependent_views(v_table, true)
			|| cardkeep_legacy.dependent_policies(v_table) || cardkeep_legacy.dependent_functions(v_table);
		v_gates := v_gates || jsonb_build_object(v_kind, (select jsonb_object_agg(g.name, g.body)
			from cardkeep_legacy.gates_of(v_kind, v_table) g));
	end loop;
	perform cardkeep_legacy.turn_away(v_kinds, v_turned, v_owners_views, v_gates, v_again);
	perform cardkeep_legacy.tell_of_users();
	raise notice 'upgrade: old programs had to wait for % s',
		round(extract(epoch from clock_timestamp() - v_locked)::numeric, 1);
	return true;
end
$$;
comment on function cardkeep_legacy.upgrade is 'Upgrades the tables from before Cardkeep that are in schema public, all or nothing; false where there are none. Waits for the tables and what is changed with them (lock_together), then until nobody writes cards; keeps them until the transaction ends, in which no constraint is deferred any more.';

create function cardkeep_legacy.turn_row_references(p_kind text, p_from text, p_to text)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform cardkeep_legacy.turn_references(format('%I.%I', p_from, p_kind)::regclass,
		format('%I.%I', p_to, p_kind)::regclass);
end
$$;
comment on function cardkeep_legacy.turn_row_references is 'Makes other tables'' foreign keys to cards, or to profiles, refer to the other table of them. Locks those tables until the transaction ends.';

create function cardkeep_legacy.uncover(p_kinds text[]) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
begin
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.define_outer(v_kind, 'true');
		execute format('alter view public.%I rename to %I', v_kind, v_kind || '_of_cardkeep');
	end loop;
	foreach v_kind in array p_kinds
	loop
		perform cardkeep_legacy.open_gates(v_kind);
		execute format('alter view cardkeep_doors.%I set schema public', v_kind);
	end loop;
end
$$;
comment on function cardkeep_legacy.uncover is 'Takes the outer views of guarded tables, and their gates, away from the inner ones, which have the names then. Locks these views.';

create function cardkeep_legacy.take_names_back(p_kinds text[]) returns text[]
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_kind text;
	v_view regclass;
	v_guarded text[] := array(select u.kind from cardkeep.upgraded_tables u
		where u.kind = any (p_kinds) and u.is_guarded order by u.kind);
	v_turned text[] := '{}';
begin
	foreach v_kind in array p_kinds
	loop
		v_view := format('public.%I', v_kind);
		v_turned := v_turned || cardkeep_legacy.dependent_views(v_view, false)
			|| cardkeep_legacy.dependent_views(v_view, true) || cardkeep_legacy.dependent_policies(v_view)
			|| cardkeep_legacy.dependent_functions(v_view);
	end loop;
	perform cardkeep_legacy.uncover(v_guarded);
	foreach v_kind in array p_kinds
	loop
		v_turned := v_turned || cardkeep_legacy.dependent_views(format('public.%I', v_kind), false);
	end loop;
	foreach v_kind in array p_kinds
	loop
		execute format(case when v_kind = any (v_guarded) then 'alter view public.%I set schema cardkeep_doors'
			else 'alter view public.%I rename to %1$s_of_cardkeep' end, v_kind);
	end loop;
	return v_turned;
end
$$;
comment on function cardkeep_legacy.take_names_back is 'Frees the names of the old tables, whose views are called ..._of_cardkeep then, and says what is to be bound to the tables again: what reads the views, and by its owner''s rights the inner ones, which have the names while they are asked. The caller has locked the views.';

create function cardkeep_legacy.restore() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp set row_security = off
set jit = off
as $$
declare
	v_kinds text[] := array(select u.kind from cardkeep.upgraded_tables u order by u.kind);
	v_kind text;
	v_turned text[];
begin
	if v_kinds = '{}' then
		return;
	end if;
	-- As in upgrade(); and a row that a deferred key refuses is refused while it can be listed.
	set constraints all immediate;
	-- What reads with its owner's rights reads the inner views, where there are such.
	perform cardkeep_legacy.lock_together(array(select r from unnest(v_kinds) k,
		unnest(array['cardkeep_doors', 'public', 'cardkeep', 'cardkeep_legacy']) n,
		to_regclass(format('%I.%I', n, k)) r where r is not null), true);
	perform cardkeep_legacy.check_the_way_back(v_kinds);
	v_turned := cardkeep_legacy.take_names_back(v_kinds);
	foreach v_kind in array v_kinds
	loop
		execute format('drop table if exists cardkeep_legacy.people_of_%s', v_kind);
		perform cardkeep_legacy.give_rows_back(v_kind);
		perform cardkeep_legacy.turn_row_references(v_kind, 'cardkeep', 'cardkeep_legacy');
	end loop;
	foreach v_kind in array v_kinds
	loop
		perform cardkeep_legacy.put_back(v_kind);
	end loop;
	perform cardkeep_legacy.turn(v_turned, 'rollback');
	perform cardkeep_legacy.turn_functions_back();
	foreach v_kind in array v_kinds
	loop
		execute format('drop view public.%I', v_kind || '_of_cardkeep');
		execute format('drop view if exists cardkeep_doors.%I', v_kind);
	end loop;
	perform cardkeep_legacy.keep();
end
$$;
comment on function cardkeep_legacy.restore is 'Takes the upgrade back: the old tables are where and as they were, with what was written since, and what Cardkeep had is kept for the next upgrade. Waits for the views in public, the tables of both and what is changed with them (lock_together), and keeps them until the transaction ends, in which no constraint is deferred any more.';

reset role;
set local lock_timeout = '30s';
do $$
begin
	perform cardkeep_legacy.upgrade();
end
$$;

commit;
