-- What a slug or an address is does not depend on the database's locale: run in a Turkish one too, in
-- which the small letter of I has no dot.
\ir lib/people.psql
begin;
select * from no_plan();

select is(cardkeep_api.slugify('TITLE I'), 'title-i', 'a slug has the letters that it has everywhere');
select is(cardkeep_api.slugify('İstanbul IŞIK ısı'), 'istanbul-isik-isi', 'also of Turkish names');
select is(cardkeep.generate_unique_slug('TITLE II'), 'title-ii', 'and so has one that is free');
insert into cardkeep.users (id, email, password_hash)
values (pg_temp.id('info'), 'info@example.org', '$argon2id$x');
select is((cardkeep_api.find_account('INFO@EXAMPLE.ORG')).status, 200, 'an address in capitals is the same');
select is((select count(*) from cardkeep.find_user(' INFO@Example.ORG ')), 1::bigint, 'for operators too');
select is_empty($$select from cardkeep.list_users(100, 'INFO@EXAMPLE.ORG') l where l.email = 'info@example.org'$$,
	'and where a page of them begins');
select throws_ok($$insert into cardkeep.users (email, password_hash) values ('INFO2@example.org', '$argon2id$x')$$,
	'23514', null, 'which is kept in small letters');

-- From before Cardkeep
create table public.business_cards (id text primary key, user_id text, name text, slug text, is_active text);
insert into public.business_cards values ('I', 'ID', E'\u00a0TITLE I\u2003', 'TITLE_I', 'TRUE'),
	('i', 'id', 'Off', 'OFF I', 'FALSE');
select ok(cardkeep_legacy.upgrade(), 'tables are upgraded');
select results_eq('select name, slug, is_public from cardkeep.business_cards order by slug collate "C"',
	$$values ('Off', 'off-i', false), ('TITLE I', 'title-i', true)$$, 'to the same names and slugs');
insert into public.business_cards (id, user_id, name, slug, is_active) values ('III', 'ID', 'I', 'III I', 'ON');
select results_eq('select id, slug, is_active from public.business_cards where name = ''I''',
	$$values ('III', 'iii-i', 'true')$$, 'also those that old programs make');

select * from finish();
rollback;
