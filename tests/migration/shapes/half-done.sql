-- The mission's own migration was begun by hand: versions are there and have been counted, on one
-- table with the trigger, on one without, on the third not yet.
\ir plain.sql
alter table public.business_cards add column version integer default 1;
alter table public.personal_info add column version bigint;
create function public.increment_version() returns trigger language plpgsql
as $$ begin new.version := old.version + 1; new.updated_at := now(); return new; end $$;
create trigger increment_business_cards_version before update on public.business_cards
	for each row execute function public.increment_version();
create index business_cards_version on public.business_cards (version);
create function public.generate_unique_slug(base_slug text, max_attempts integer default 10)
returns text language sql as $$ select base_slug || '-' || md5(random()::text) $$;
update public.business_cards set name = name || '!' where id in
	(select id from public.business_cards order by created_at limit 10);
update public.business_cards set name = name || '!' where slug = 'card-3';
update public.personal_info set version = 4 where full_name like '%2';
