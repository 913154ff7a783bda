-- As a Supabase project has it: people in auth.users, row level security, triggers, a view, and a
-- table of others that refers to cards. Slugs are not unique.
create schema auth;
create table auth.users (id uuid primary key, email text);
create table public.business_cards (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references auth.users on delete cascade,
	name text not null,
	slug varchar(100),
	template_type varchar(50) default 'personal-small',
	fields_config json default '{}',
	design_config jsonb,
	logo_url text,
	views bigint not null default 0,
	created_at timestamp default now(),
	updated_at timestamp
);
create table public.personal_info (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null unique references auth.users on delete cascade,
	full_name text,
	primary_email text,
	primary_phone varchar(30),
	address text,
	created_at timestamptz default now(),
	updated_at timestamptz default now()
);
create table public.professional_info (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references auth.users on delete cascade,
	job_title text,
	company_name text,
	skills text[],
	created_at timestamptz,
	updated_at timestamptz
);
create function public.touch() returns trigger language plpgsql
as $$ begin new.updated_at := now(); return new; end $$;
create trigger touch before update on public.business_cards
	for each row execute function public.touch();
create trigger touch_always before update on public.personal_info
	for each row execute function public.touch();
alter table public.personal_info enable always trigger touch_always;
create trigger resting before update on public.personal_info
	for each row execute function public.touch();
alter table public.personal_info disable trigger resting;
alter table public.business_cards enable row level security;
create policy own on public.business_cards using (user_id = nullif(current_setting('app.user', true), '')::uuid);
create view public.card_names with (security_barrier) as
	select b.id, b.name, b.slug, b.logo_url, b.created_at, p.full_name
	from public.business_cards b left join public.personal_info p using (user_id);
create table public.card_visits (
	card_id uuid references public.business_cards on delete cascade,
	at timestamptz default now()
);

insert into auth.users select md5(n::text)::uuid, 'p' || n || '@before.example' from generate_series(1, 6) n;
insert into public.business_cards (id, user_id, name, slug, template_type, fields_config, design_config,
	logo_url, views, created_at, updated_at)
select md5('card' || n)::uuid, md5(u::text)::uuid, name, slug, template, fields::json, design, logo, n,
	created, updated
from (values
	(1, 1, 'Ada', 'ada', 'personal-small', '{"a": 1}', '{"b": 2}'::jsonb, 'logo.png',
		'2024-01-01 10:00'::timestamp, '2024-02-01 10:00'::timestamp),
	(2, 2, 'Ada', 'ada', null, null, null, null, '2023-01-01', null),
	(3, 3, 'Ada', 'ada', 'Personal Small!', '[1]', '"x"', null, null, null),
	(4, 3, 'Boss', 'admin', 'personal-small', '{}', '{}', null, '2024-03-01', '2023-03-01'),
	(5, 4, E'  Lo\u0301pez\t ', 'Lopez_Design', 'x', '{}', '{}', null, '2024-04-01', '2024-04-01'),
	(6, 4, '', null, 'x', '{}', '{}', null, '2024-05-01', '2024-05-01'),
	(7, 5, repeat('n', 300), repeat('s', 95), 'x', '{}', '{}', null, 'infinity', '-infinity'),
	(8, 6, 'Lopez', 'lopez-design', 'x', '{}', '{}', null, '2024-06-01', '2024-06-01')
) v (n, u, name, slug, template, fields, design, logo, created, updated);
insert into public.personal_info (user_id, full_name, primary_email, primary_phone)
select id, 'Person ' || email, email, null from auth.users;
insert into public.professional_info (user_id, job_title, skills, updated_at) values
	(md5('1')::uuid, 'Old', '{a}', '2024-01-01'), (md5('1')::uuid, 'New', '{b}', '2024-02-01'),
	(md5('2')::uuid, null, null, null);
insert into public.card_visits (card_id) select id from public.business_cards;
