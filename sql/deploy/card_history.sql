-- Deploy cardkeep:card_history to pg
--
-- A row holds what was before the change, one nullable column a field, null where the field stayed:
-- half the bytes of before and after together, and what came after is the next row's before, or the
-- card. Version 1 has nothing before it. The deletion is a version of its own and holds everything.
-- There is no foreign key to the card: history outlives it, and goes only with its account, or where an
-- operator has it pruned.

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
-- The next change of a field after a version is looked for when an old version is told or brought
-- back. A field that changes often is found at once; these are for those that nearly never change, and
-- cost nothing while they do not. Names and fields_config, which most updates change, have none.
create index business_card_versions_slug on cardkeep.business_card_versions (card_id, version)
	where b_slug is not null;
create index business_card_versions_template on cardkeep.business_card_versions (card_id, version)
	where b_template_type is not null;
create index business_card_versions_design on cardkeep.business_card_versions (card_id, version)
	where b_design_config is not null;
create index business_card_versions_public on cardkeep.business_card_versions (card_id, version)
	where b_is_public is not null;
comment on table cardkeep.business_card_versions is 'Every version of every card: who wrote it, when, and what was before';
comment on column cardkeep.business_card_versions.session_id is 'Null where SQL, not the service, wrote it';
comment on column cardkeep.business_card_versions.at is 'The card''s updated_at as of this version';

create function cardkeep.keep_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	raise exception 'history is never changed: % on %.%', lower(tg_op collate "C"), tg_table_schema, tg_table_name
		using errcode = 'insufficient_privilege';
end
$$;
comment on function cardkeep.keep_history is 'Refuses update and truncate of history, whoever asks. Locks nothing.';

create function cardkeep.keep_card_history() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
	-- A slug that is retired without an owner tells that the card and its account are gone. An account
	-- that is closed is going.
	perform from (select d.card_id, max(d.version) as version from deleted d group by d.card_id) d
	left join lateral (
		select true as gone from cardkeep.retired_slugs r
		where r.card_id = d.card_id and (r.user_id is null or exists (
			select from cardkeep.users u where u.id = r.user_id and u.closed_at is not null))
		limit 1) r on true
	left join lateral (
		select true as going from cardkeep.business_cards b
		join cardkeep.users u on u.id = b.user_id and u.closed_at is not null
		where b.id = d.card_id limit 1) b on true
	left join lateral (
		select true as pruned from cardkeep.pruned_histories p
		where p.kind = 'business_cards' and p.id = d.card_id and d.version < p.first limit 1) p on true
	where r.gone is null and b.going is null and p.pruned is null;
	if found then
		raise exception 'the history of a card is kept as long as its account: delete on %.%',
			tg_table_schema, tg_table_name using errcode = 'insufficient_privilege';
	end if;
	return null;
end
$$;
comment on function cardkeep.keep_card_history is 'Refuses to delete history of cards, deleted ones too, whose account is there and open, but what pruned_histories tells of, whoever asks. Locks nothing.';

create trigger keep_business_card_versions
	before update or truncate on cardkeep.business_card_versions
	for each statement execute function cardkeep.keep_history();
create trigger keep_business_card_versions_of_accounts
	after delete on cardkeep.business_card_versions referencing old table as deleted
	for each statement execute function cardkeep.keep_card_history();

commit;
