-- Deploy cardkeep:pruning to pg
--
-- Old versions go where an operator wants them to, for `cardkeep prune`: step by step, each a short
-- transaction over some histories. Only members of the owner may call this; it acts as its caller.
--
-- What stays is a history's end: the newest versions, those that are young, and all from the oldest
-- that the repeat of a write may still ask for: under its key, as long as the key is there, however
-- late it is swept. The row of the card or profile is held meanwhile (nothing is done where somebody
-- else holds it), so that whoever decides something by its history, a merge or a revert, sees all of
-- it or knows that it is gone.

begin;

set local role cardkeep_owner;

create function cardkeep_api.prune_rows() returns integer
language sql immutable parallel safe
return 10000;
comment on function cardkeep_api.prune_rows is 'How many versions of one history a step deletes at most. Locks nothing.';

create function cardkeep_api.first_kept(p_first integer, p_last integer, p_young integer,
	p_versions integer)
returns integer
language sql immutable parallel safe
return least(coalesce(p_young, p_last),
	case when p_versions > 0 then p_last - p_versions + 1 end,
	p_last, p_first + cardkeep_api.prune_rows());
comment on function cardkeep_api.first_kept is 'The oldest version to be kept after a step: where those begin that are to be kept for themselves (p_young), or earlier where more are (p_versions; 0: those alone); the newest version always is. Locks nothing.';

create function cardkeep_api.note_pruned(p_kind text, p_id uuid, p_first integer,
	p_began timestamptz)
returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	insert into cardkeep.pruned_histories as t (kind, id, first, began_at)
	values (p_kind, p_id, p_first, p_began)
	on conflict (kind, id) do update set first = greatest(t.first, excluded.first);
end
$$;
comment on function cardkeep_api.note_pruned is 'Says that a history begins at a later version now. Waits for another step at the same history.';

create function cardkeep_api.prune_card(p_card uuid, p_versions integer, p_since timestamptz)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_user uuid := coalesce((select b.user_id from cardkeep.business_cards b where b.id = p_card),
		(select r.user_id from cardkeep.retired_slugs r where r.card_id = p_card));
	v_first cardkeep.business_card_versions;
	v_keep integer;
	v_count integer;
begin
	perform from cardkeep.business_cards b where b.id = p_card for no key update skip locked;
	if not found and exists (select from cardkeep.business_cards b where b.id = p_card) then
		return null;
	end if;
	select h.* into v_first from cardkeep.business_card_versions h
	where h.card_id = p_card order by h.version limit 1;
	v_keep := cardkeep_api.first_kept(v_first.version,
		(select max(h.version) from cardkeep.business_card_versions h where h.card_id = p_card),
		(select min(h.version) from cardkeep.business_card_versions h
			where h.card_id = p_card and (h.at >= p_since or h.write_id in (
				select w.write_id from cardkeep.writes w where w.user_id = v_user))), p_versions);
	if v_keep <= v_first.version or v_first.version is null then
		return 0;
	end if;
	perform cardkeep_api.note_pruned('business_cards', p_card, v_keep, v_first.at);
	delete from cardkeep.business_card_versions h where h.card_id = p_card and h.version < v_keep;
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep_api.prune_card is 'Deletes versions of a card, there or deleted, that are to be kept neither for their number nor for their time; how many, or null where somebody holds the card. Tries the card''s row (no key update, skip locked); waits for a deletion of its account.';

create function cardkeep_api.prune_profile(p_kind text, p_user uuid, p_versions integer,
	p_since timestamptz)
returns integer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_first record;
	v_keep integer;
	v_count integer;
begin
	if not cardkeep_api.hold_profile(p_kind, p_user) then
		return null;
	end if;
	select h.version, h.at into v_first from cardkeep_api.profile_versions h
	where h.kind = p_kind and h.user_id = p_user order by h.version limit 1;
	v_keep := cardkeep_api.first_kept(v_first.version,
		(select max(h.version) from cardkeep_api.profile_versions h
			where h.kind = p_kind and h.user_id = p_user),
		(select min(h.version) from cardkeep_api.profile_versions h
			where h.kind = p_kind and h.user_id = p_user and (h.at >= p_since or h.write_id in (
				select w.write_id from cardkeep.writes w where w.user_id = p_user))), p_versions);
	if v_keep <= v_first.version then
		return 0;
	end if;
	perform cardkeep_api.note_pruned(p_kind, p_user, v_keep, v_first.at);
	if p_kind = 'personal_info' then
		delete from cardkeep.personal_info_versions h
		where h.user_id = p_user and h.version < v_keep;
	else
		delete from cardkeep.professional_info_versions h
		where h.user_id = p_user and h.version < v_keep;
	end if;
	get diagnostics v_count = row_count;
	return v_count;
end
$$;
comment on function cardkeep_api.prune_profile is 'As prune_card, for a profile. Tries the profile''s row (no key update, skip locked); waits for a deletion of its account.';

create function cardkeep_api.next_history(p_kind text, p_after uuid) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
	if p_kind = 'business_cards' then
		return (select h.card_id from cardkeep.business_card_versions h
			where h.card_id > p_after order by h.card_id limit 1);
	end if;
	return (select h.user_id from cardkeep_api.profile_versions h
		where h.kind = p_kind and h.user_id > p_after order by h.user_id limit 1);
end
$$;
comment on function cardkeep_api.next_history is 'Whose history comes next in the order of ids; null after the last. Locks nothing.';

create function cardkeep.prune_histories(p_kind text, p_after uuid, p_versions integer,
	p_days integer, p_hours integer, out next uuid, out histories bigint, out deleted bigint,
	out busy bigint)
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	c_histories constant integer := 100;
	v_since timestamptz := clock_timestamp()
		- greatest(make_interval(days => p_days), make_interval(hours => greatest(p_hours, 24)));
	v_id uuid;
	v_count integer;
begin
	next := coalesce(p_after, '00000000-0000-0000-0000-000000000000');
	histories := 0;
	deleted := 0;
	busy := 0;
	if p_versions <= 0 and p_days <= 0 then
		next := null;
		return;
	end if;
	for v_step in 1..c_histories loop
		v_id := cardkeep_api.next_history(p_kind, next);
		if v_id is null then
			next := null;
			return;
		end if;
		if p_kind = 'business_cards' then
			v_count := cardkeep_api.prune_card(v_id, p_versions, v_since);
		else
			v_count := cardkeep_api.prune_profile(p_kind, v_id, p_versions, v_since);
		end if;
		histories := histories + (coalesce(v_count, 0) > 0)::integer;
		deleted := deleted + coalesce(v_count, 0);
		busy := busy + (v_count is null)::integer;
		-- A long history takes several steps.
		exit when v_count >= cardkeep_api.prune_rows();
		next := v_id;
		exit when deleted >= cardkeep_api.prune_rows();
	end loop;
end
$$;
comment on function cardkeep.prune_histories is 'One step through the histories of one kind (business_cards, personal_info, professional_info), after the id p_after or from the start: keeps the newest p_versions, and those of the last p_days (of 0, one says nothing; both 0: everything is kept), always those of the last p_hours, at least 24, and the newest. next says where the next step goes on, null at the end; histories and deleted, how many were cut short, and by how many versions; busy, how many were passed over because somebody held them. Locks as prune_card.';

commit;
