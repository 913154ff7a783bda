-- As a Supabase project that is open to browsers has it: default privileges give all of public to
-- everybody, and policies say who sees and writes what; policies and views of other tables ask the
-- three; the mission's functions are there, and a column is_active says whether a card is shown.
create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create table auth.users (id uuid primary key, email text);
create function auth.uid() returns uuid language sql stable
	as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;

create table public.business_cards (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null default auth.uid() references auth.users on delete cascade,
	name text not null default 'Untitled',
	slug text unique,
	template_type text default 'classic',
	fields_config jsonb default '{"fresh": true}',
	design_config jsonb default '{}',
	is_active boolean default false,
	is_default boolean default false,
	created_at timestamptz default now(),
	updated_at timestamptz default now()
);
create table public.personal_info (
	user_id uuid primary key references auth.users on delete cascade,
	full_name text,
	primary_phone text,
	bio text,
	created_at timestamptz default now(),
	updated_at timestamptz default now()
);
create table public.professional_info (
	user_id uuid primary key references auth.users on delete cascade,
	job_title text,
	created_at timestamptz default now(),
	updated_at timestamptz default now()
);
alter table public.business_cards enable row level security;
alter table public.personal_info enable row level security;
create policy own on public.business_cards to authenticated
	using (auth.uid() = user_id) with check (auth.uid() = user_id);
create policy active on public.business_cards for select using (is_active);
create policy not_default on public.business_cards as restrictive for delete using (not is_default);
create policy own on public.personal_info to authenticated using (auth.uid() = user_id);
create policy shown on public.personal_info for select using (exists (
	select 1 from public.business_cards b where b.user_id = personal_info.user_id and b.is_active));

create table public.education (user_id uuid, school text);
alter table public.education enable row level security;
create policy own on public.education using (auth.uid() = user_id);
create policy shown on public.education for select using (exists (
	select 1 from public.business_cards b where b.user_id = education.user_id and b.is_active));
create table public.avatars (owner uuid references public.personal_info (user_id) on delete cascade, url text);
create view public.card_list as select id, name, is_active from public.business_cards;
create view public.my_cards with (security_invoker = true) as select id, name from public.business_cards;
create function public.count_cards() returns bigint language sql stable
begin atomic
	select count(*) from public.business_cards;
end;
create function public.touch() returns trigger language plpgsql
	as $$ begin new.updated_at = now(); return new; end; $$;
create trigger touch before update on public.business_cards
	for each row execute function public.touch();

create function public.generate_unique_slug(base_slug text, max_attempts integer default 10)
returns text language plpgsql
as $$ begin return base_slug || '-' || left(md5(random()::text), 6); end $$;
create function public.create_business_card_atomic(p_user_id uuid, p_name text, p_base_slug text,
	p_template_type text, p_fields_config jsonb, p_design_config jsonb)
returns table (id uuid, slug text, name text, created_at timestamptz)
language plpgsql
as $$ begin
	return query insert into public.business_cards as c (user_id, name, slug, is_active)
	values (p_user_id, p_name, public.generate_unique_slug(p_base_slug), true)
	returning c.id, c.slug, c.name, c.created_at;
end $$;
create function public.update_business_card_optimistic(p_card_id uuid, p_user_id uuid,
	p_expected_version integer, p_name text default null, p_is_active boolean default null)
returns table (success boolean, new_version integer, message text)
language plpgsql security definer
as $$ begin
	if p_user_id <> auth.uid() then
		raise exception 'not yours';
	end if;
	update public.business_cards b set name = coalesce(p_name, b.name),
		is_active = coalesce(p_is_active, b.is_active) where b.id = p_card_id and b.user_id = p_user_id;
	return query select found, 0, '';
end $$;
create function public.upsert_personal_info_optimistic(p_user_id uuid, p_expected_version integer,
	p_full_name text default null, p_mobile_number text default null, p_bio text default null)
returns jsonb language plpgsql
as $$ begin return '{}'; end $$;
revoke execute on function public.upsert_personal_info_optimistic from public, anon;

insert into auth.users select md5(n::text)::uuid, 'p' || n || '@before.example' from generate_series(1, 4) n;
insert into public.business_cards (id, user_id, name, slug, template_type, is_active, is_default, created_at)
select md5('card' || n)::uuid, md5((n % 3 + 1)::text)::uuid, 'Card ' || n, 'card-' || n, 'classic',
	n % 4 > 1, n > 5, '2024-01-01'::timestamptz + n * interval '1 h'
from generate_series(1, 6) n;
insert into public.personal_info (user_id, full_name) select id, email from auth.users;
insert into public.education select id, 'School of ' || email from auth.users;
insert into public.avatars select id, 'a.png' from auth.users limit 1;
