-- Other people's types: words for ids, an enumeration, JSON as text, dates, no key, rows that say the
-- same id twice or none, rows of nobody, no profiles at all.
create type public.template as enum ('personal-small', 'Wide');
create table public.business_cards (
	id varchar(40),
	user_id text,
	name varchar(50) check (name <> 'forbidden'),
	slug varchar(60),
	template_type public.template,
	fields_config text,
	is_public smallint,
	tags text[],
	created_at date,
	updated_at text,
	constraint short_slug check (length(slug) < 50)
);
insert into public.business_cards values
	('one', 'ada', 'One', 'one', 'Wide', '{"a": 1}', 1, '{x}', '2024-01-01', '2024-01-02 03:04:05'),
	('two', 'ada', 'Two', 'two', null, 'no json', 0, null, null, 'yesterday?'),
	('two', null, null, 'two', 'personal-small', '[]', null, null, '2024-01-01', null),
	(null, 'bob', 'Three', 'THREE', null, null, 1, null, '1901-01-01', null),
	('7c9e6679-7425-40de-944b-e07fc1f90ae7', '7c9e6679-7425-40de-944b-e07fc1f90ae8', 'Four', 'c',
		null, '{}', 1, null, '2024-02-29', null);
