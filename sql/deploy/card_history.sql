-- Deploy cardkeep:card_history to pg
--
-- A row holds what was before the change, one nullable column a field, null where the field stayed:
-- half the bytes of before and after together, and what came after is the next row's before, or the
-- card. Version 1 has nothing before it. The deletion is a version of its own and holds everything.
-- There is no foreign key to the card: history outlives it.

begin;

set local role cardkeep_owner;

create table cardkeep.business_card_versions (
	card_id uuid not null,
	version integer not null,
	session_id uuid,
	write_id uuid not null,
	at timestamptz not null,
	is_deletion boolean not null default false,
	b_name text,
	b_slug text,
	b_template_type text,
	b_fields_config jsonb,
	b_design_config jsonb,
	b_is_public boolean,
	constraint business_card_versions_pkey primary key (card_id, version)
);
comment on table cardkeep.business_card_versions is 'Every version of every card: who wrote it, when, and what was before';
comment on column cardkeep.business_card_versions.session_id is 'Null where SQL, not the service, wrote it';
comment on column cardkeep.business_card_versions.at is 'The card''s updated_at as of this version';

create function cardkeep.keep_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'history is never changed: % on %.%', lower(tg_op), tg_table_schema, tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep.keep_history is 'Refuses update, delete and truncate of history, whoever asks. Locks nothing.';

create trigger keep_business_card_versions
	before update or delete or truncate on cardkeep.business_card_versions
	for each statement execute function cardkeep.keep_history();

commit;
