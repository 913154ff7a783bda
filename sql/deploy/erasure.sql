-- Deploy cardkeep:erasure to pg
--
-- An account goes with all it has: sessions and profiles by their foreign keys, cards and history
-- here. Whoever deletes the row, the service, an operator or direct SQL, gets the same. What stays
-- is the slugs, which nobody gets again, without a word about whose they were.

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

create trigger forget_cards before delete on cardkeep.users
	for each row execute function cardkeep.forget_cards();
create trigger forget_profiles after delete on cardkeep.users
	for each row execute function cardkeep.forget_profiles();
create trigger forget_keys after delete on cardkeep.users
	for each row execute function cardkeep.forget_keys();

commit;
