-- What happens between an upgrade and its rollback: adoption, the service's writes, old programs'.
\set ON_ERROR_STOP on
set search_path = cardkeep, public;
create function pg_temp.card(n integer) returns uuid language sql as $$ select md5('card' || n)::uuid $$;
create function pg_temp.person(n integer) returns uuid language sql as $$ select md5(n::text)::uuid $$;

insert into users (id, email, password_hash) values (md5('ann')::uuid, 'ann@example.org', '$argon2id$ann');
select cardkeep_api.adopt_user(pg_temp.person(1), 'ann@example.org') \g /dev/null
select cardkeep_api.adopt_user(pg_temp.person(2), 'two@example.org', '$argon2id$two') \g /dev/null
select update_business_card_optimistic(pg_temp.card(2), pg_temp.person(2), 1, 'Renamed') \g /dev/null
select update_business_card_optimistic(pg_temp.card(2), pg_temp.person(2), 2, null, 'wide') \g /dev/null
select update_business_card_optimistic(pg_temp.card(5), pg_temp.person(4), 1, repeat('w', 150),
	repeat('t', 60)) \g /dev/null
select upsert_personal_info_optimistic(md5('ann')::uuid, 1, 'Ann') \g /dev/null
select create_business_card_atomic(md5('ann')::uuid, 'From Ann') \g /dev/null
delete from business_cards where id = pg_temp.card(8);
update public.business_cards set name = 'By an old program' where id = pg_temp.card(4);
