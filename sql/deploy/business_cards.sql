-- Deploy cardkeep:business_cards to pg
--
-- There is no index on version: each update changes it, so an index would end HOT updates, and it
-- cost 10 to 25 % of them when measured, while no query looks cards up by version. The free tenth
-- of each page (fillfactor 85) is what the HOT updates live in.
--
-- What a name is, is decided by who brings it: the service in C, the promised functions by clean_name.
-- The constraint asks nothing that two implementations of Unicode, or two locales, could answer in two
-- ways: no normal form, and no class of characters.

begin;

set local role cardkeep_owner;

create table cardkeep.business_cards (
	id uuid primary key default gen_random_uuid(),
	user_id uuid not null references cardkeep.users on delete cascade,
	name text not null,
	slug text not null,
	template_type text not null default 'personal-small',
	fields_config jsonb not null default '{}',
	design_config jsonb not null default '{}',
	is_public boolean not null default true,
	version integer not null default 1,
	last_write uuid,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint business_cards_slug_unique unique (slug),
	constraint business_cards_name_valid check (
		octet_length(name) <= 800 and char_length(name) between 1 and 200
		and name !~ '[\u0001-\u001f\u007f-\u009f]'),
	constraint business_cards_slug_valid check (
		char_length(slug) <= 87 and slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
	constraint business_cards_template_type_valid check (
		char_length(template_type) between 1 and 64 and template_type !~ '[^a-z0-9-]'),
	constraint business_cards_fields_config_object check (jsonb_typeof(fields_config) = 'object'),
	constraint business_cards_design_config_object check (jsonb_typeof(design_config) = 'object'),
	constraint business_cards_version_positive check (version >= 1)
) with (fillfactor = 85);
create index business_cards_newest on cardkeep.business_cards (user_id, created_at desc, id desc);
comment on table cardkeep.business_cards is 'Cards as they are now; what they were is in business_card_versions';
comment on column cardkeep.business_cards.id is 'The write id of the creation, so that its repeat finds itself';
comment on column cardkeep.business_cards.last_write is 'The write id of this version; a statement that sets it together with version + 1 keeps history itself, any other is served by the triggers';

commit;
