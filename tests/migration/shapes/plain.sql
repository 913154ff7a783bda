-- As the mission's document has it before: three tables, nothing around them. Slugs were meant to be
-- unique, and for most rows they are.
create table public.business_cards (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null,
	name text not null,
	slug text not null,
	template_type text not null default 'personal-small',
	fields_config jsonb not null default '{}',
	design_config jsonb not null default '{}',
	is_public boolean default true,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now()
);
create index business_cards_slug on public.business_cards (slug);
create table public.personal_info (
	user_id uuid primary key,
	full_name text,
	primary_email text,
	secondary_email text,
	primary_phone text,
	secondary_phone text,
	website text,
	address text,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now()
);
create table public.professional_info (
	user_id uuid primary key,
	job_title text,
	company_name text,
	department text,
	work_email text,
	work_phone text,
	work_address text,
	company_website text,
	linkedin_url text,
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now()
);
insert into public.business_cards (id, user_id, name, slug, fields_config, is_public, created_at)
select md5('card' || n)::uuid, md5((n % 7)::text)::uuid, 'Card ' || n, 'card-' || n % 20,
	jsonb_build_object('n', n), case n % 3 when 0 then false when 1 then true end,
	'2024-01-01'::timestamptz + n * interval '1 hour'
from generate_series(1, 30) n;
insert into public.personal_info (user_id, full_name, address)
select md5(n::text)::uuid, 'Person ' || n, nullif(repeat('x', n * 300), '') from generate_series(0, 6) n;
insert into public.professional_info (user_id, job_title, work_email)
select md5(n::text)::uuid, 'Job ' || n, '' from generate_series(3, 9) n;
