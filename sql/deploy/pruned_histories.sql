-- Deploy cardkeep:pruned_histories to pg
--
-- Which histories no longer begin where they did, because an operator had old versions deleted. It is
-- what permits that: a version can be deleted only when it is below the first one that is kept, and
-- the table says so. So nobody deletes history by mistake, and what is gone can be told from what is
-- lost.

begin;

set local role cardkeep_owner;

create table cardkeep.pruned_histories (
	kind text not null,
	id uuid not null,
	first integer not null,
	began_at timestamptz not null,
	constraint pruned_histories_pkey primary key (kind, id),
	constraint pruned_histories_kind_valid check (
		kind in ('business_cards', 'personal_info', 'professional_info')),
	constraint pruned_histories_first_valid check (first > 1)
);
comment on table cardkeep.pruned_histories is 'Histories of which an operator had old versions deleted';
comment on column cardkeep.pruned_histories.kind is 'The table of what the history tells of';
comment on column cardkeep.pruned_histories.id is 'The card, or the user whose profile it is';
comment on column cardkeep.pruned_histories.first is 'The oldest version that is kept';
comment on column cardkeep.pruned_histories.began_at is 'The time of the version it began with';

commit;
