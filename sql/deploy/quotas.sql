-- Deploy cardkeep:quotas to pg
--
-- What one account may take of the database: cards, bytes of documents, bytes of history a day,
-- creations an hour. Operators change the figures in cardkeep.limits, at any time, and they hold from
-- then on; 0 is no limit.
--
-- A quota must not cost the writes that it guards. A count for each account would be a row that all
-- its writers wait for, and counting costs more the more there is. So a write only looks whether the
-- account is known to have too much (over_quota, nearly always empty), and then draws lots: with a
-- chance in proportion to its own size it notes in the ledger, where rows are added and never changed,
-- as much as those that drew a blank may be expected to have taken. Only who notes something also adds
-- up. So what is spent is known to some ten percent, at a hundred notes for a limit and more. In its
-- single form a call first draws against a gate that needs no look at the limits: one in 60 creations,
-- and a change by its bytes of 64 KiB. That is less often than small limits would have it, which so may
-- be overstepped by some tens of creations.
--
-- How many cards there are, and how large, is not noted but looked at, as rarely. Bytes are those that
-- documents take in the tables, compressed.

begin;

set local role cardkeep_owner;

create table cardkeep.limits (
	one boolean primary key default true,
	cards integer not null default 10000,
	creations_an_hour integer not null default 20000,
	document_bytes bigint not null default 1073741824,
	history_bytes_a_day bigint not null default 2147483648,
	card_share double precision generated always as (
		case when cards = 0 then 0 when cards <= 1000 then 1 else 32.0 / cards end) stored,
	creation_share double precision generated always as (
		case when creations_an_hour = 0 then 0 else least(1, 100.0 / creations_an_hour) end) stored,
	document_share double precision generated always as (
		case when document_bytes = 0 then 0 else 250.0 / document_bytes end) stored,
	history_share double precision generated always as (
		case when history_bytes_a_day = 0 then 0 else 500.0 / history_bytes_a_day end) stored,
	constraint limits_one check (one),
	constraint limits_valid check (
		least(cards, creations_an_hour, document_bytes, history_bytes_a_day) >= 0)
);
insert into cardkeep.limits default values;
comment on table cardkeep.limits is 'What one account may have and do, in one row for operators to change; 0: no limit';
comment on column cardkeep.limits.document_bytes is 'Of all documents of its cards as they are now';
comment on column cardkeep.limits.history_bytes_a_day is 'What its changes leave behind in history within 24 hours';
comment on column cardkeep.limits.card_share is 'The chance of a creation to count the cards; the other shares likewise, those of bytes for each byte';

create table cardkeep.ledger (
	user_id uuid not null,
	kind text not null,
	at timestamptz not null default clock_timestamp(),
	amount bigint not null,
	constraint ledger_kind_valid check (kind in ('creations', 'history'))
);
create index ledger_user on cardkeep.ledger (user_id, kind, at);
create index ledger_old on cardkeep.ledger (at);
comment on table cardkeep.ledger is 'What accounts took, noted by lot; rows older than a day mean nothing any more';

create table cardkeep.over_quota (
	user_id uuid not null,
	kind text not null,
	until timestamptz not null,
	constraint over_quota_pkey primary key (user_id, kind),
	constraint over_quota_kind_valid check (kind in ('cards', 'creations', 'documents', 'history'))
);
comment on table cardkeep.over_quota is 'Accounts that have too much of something: what it is, and when to look again';

create function cardkeep_api.quota_window(p_kind text) returns interval
language sql immutable parallel safe
return case p_kind when 'creations' then interval '1 hour' when 'history' then interval '1 day' end;
comment on function cardkeep_api.quota_window is 'How far back the ledger counts; null where it does not. Locks nothing.';

create function cardkeep_api.quota_limit(p_kind text) returns bigint
language sql stable
begin atomic
	select nullif(case p_kind when 'cards' then l.cards when 'creations' then l.creations_an_hour
		when 'documents' then l.document_bytes else l.history_bytes_a_day end, 0)
	from cardkeep.limits l where l.one;
end;
comment on function cardkeep_api.quota_limit is 'The limit of a kind; null where there is none. Locks nothing.';

create function cardkeep_api.quota_used(p_user uuid, p_kind text) returns bigint
language plpgsql stable
as $$
begin
	-- Branches rather than one expression, of which all parts would be made ready each time.
	if p_kind = 'cards' then
		return (select count(*) from (
			select from cardkeep.business_cards b where b.user_id = p_user
			limit cardkeep_api.quota_limit('cards')) c);
	elsif p_kind = 'documents' then
		return (select coalesce(sum(pg_column_size(c.fields_config)
				+ pg_column_size(c.design_config)), 0) from (
			select b.fields_config, b.design_config from cardkeep.business_cards b
			where b.user_id = p_user limit 20000) c);
	end if;
	return (select coalesce(sum(g.amount), 0) from cardkeep.ledger g
		where g.user_id = p_user and g.kind = p_kind
			and g.at > clock_timestamp() - cardkeep_api.quota_window(p_kind));
end
$$;
comment on function cardkeep_api.quota_used is 'How much an account has, or took lately; reads as many cards as may be, or the notes. Locks nothing.';

create function cardkeep_api.quota_free_at(p_user uuid, p_kind text) returns timestamptz
language sql volatile
return greatest(clock_timestamp() + interval '5 seconds', (
	select min(g.at) + cardkeep_api.quota_window(p_kind) from cardkeep.ledger g
	where g.user_id = p_user and g.kind = p_kind
		and g.at > clock_timestamp() - cardkeep_api.quota_window(p_kind)));
comment on function cardkeep_api.quota_free_at is 'When it is worth while to look again: once the oldest note is out of the window, in some seconds for what is deleted. Locks nothing.';

create function cardkeep_api.judge_quota(p_user uuid, p_kind text) returns void
language plpgsql volatile
as $$
begin
	-- Whoever else judges it now will come to the same.
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('quota', p_user::text || p_kind)) then
		return;
	end if;
	if cardkeep_api.quota_used(p_user, p_kind) >= cardkeep_api.quota_limit(p_kind) then
		insert into cardkeep.over_quota as o (user_id, kind, until)
		values (p_user, p_kind, cardkeep_api.quota_free_at(p_user, p_kind))
		on conflict (user_id, kind) do update set until = excluded.until;
	else
		delete from cardkeep.over_quota o where o.user_id = p_user and o.kind = p_kind;
	end if;
end
$$;
comment on function cardkeep_api.judge_quota is 'Finds out whether an account has too much of a kind, and keeps that. Tries the advisory lock of account and kind, under which alone the row is written; never waits.';

create function cardkeep_api.note_use(p_user uuid, p_kind text, p_amount bigint) returns void
language plpgsql volatile
as $$
begin
	insert into cardkeep.ledger (user_id, kind, amount) values (p_user, p_kind, p_amount);
	perform cardkeep_api.judge_quota(p_user, p_kind);
end
$$;
comment on function cardkeep_api.note_use is 'Notes what an account took, and finds out whether that is too much. Locks as judge_quota.';

create function cardkeep_api.note_creation(p_user uuid, p_lot double precision, p_bytes integer,
	p_gate double precision default 1)
returns void
language plpgsql volatile
as $$
declare
	l cardkeep.limits;
begin
	select t.* into l from cardkeep.limits t where t.one;
	if p_lot < l.creation_share then
		perform cardkeep_api.note_use(p_user, 'creations',
			round(1 / least(l.creation_share, p_gate))::bigint);
	end if;
	if p_lot < l.card_share then
		perform cardkeep_api.judge_quota(p_user, 'cards');
	end if;
	if p_lot < l.document_share * p_bytes then
		perform cardkeep_api.judge_quota(p_user, 'documents');
	end if;
end
$$;
comment on function cardkeep_api.note_creation is 'What a creation that has drawn this lot (0 to 1) has to note, with the bytes of its documents; only lots below the gate come here. Locks as judge_quota.';

create function cardkeep_api.note_change(p_user uuid, p_lot double precision, p_left integer,
	p_bytes integer, p_gate double precision default 1)
returns void
language plpgsql volatile
as $$
declare
	l cardkeep.limits;
begin
	select t.* into l from cardkeep.limits t where t.one;
	if p_lot < l.history_share * p_left then
		perform cardkeep_api.note_use(p_user, 'history',
			round(p_left / least(l.history_share * p_left, p_gate, 1))::bigint);
	end if;
	if p_lot < l.document_share * p_bytes then
		perform cardkeep_api.judge_quota(p_user, 'documents');
	end if;
end
$$;
comment on function cardkeep_api.note_change is 'As note_creation, for a change that left so many bytes in history and made documents of so many. Locks as judge_quota.';

create function cardkeep_api.history_bytes(p_content integer) returns integer
language sql immutable parallel safe
return 200 + p_content;
comment on function cardkeep_api.history_bytes is 'What a row of history takes with so many bytes of documents, or of a profile''s fields. Locks nothing.';

create function cardkeep_api.note_history(p_user uuid, p_lot double precision, p_content integer)
returns void
language plpgsql volatile
as $$
declare
	v_left integer := cardkeep_api.history_bytes(p_content);
	v_gate double precision := v_left / 65536::double precision;
begin
	if p_lot < v_gate then
		perform cardkeep_api.note_change(p_user, p_lot, v_left, 0, v_gate);
	end if;
end
$$;
comment on function cardkeep_api.note_history is 'As note_change, for what leaves a row of history with so many bytes of content and makes no documents. Locks as judge_quota.';

create function cardkeep_api.quota_told(p_kind text, p_until timestamptz)
returns cardkeep_api.answer
language sql volatile
return cardkeep_api.reply(case when cardkeep_api.quota_window(p_kind) is null then 422 else 429 end,
	case when cardkeep_api.quota_window(p_kind) is not null then
		greatest(1, ceil(extract(epoch from p_until - clock_timestamp())))::integer else 0 end,
	case p_kind when 'cards' then format('an account has at most %s cards', cardkeep_api.quota_limit(p_kind))
		when 'documents' then format('the documents of an account''s cards take at most %s bytes',
			cardkeep_api.quota_limit(p_kind))
		when 'creations' then format('an account creates at most %s cards an hour',
			cardkeep_api.quota_limit(p_kind))
		else format('the changes of an account leave at most %s bytes of history in 24 hours',
			cardkeep_api.quota_limit(p_kind)) end, false, 'quota');
comment on function cardkeep_api.quota_told is 'The refusal of what would be too much, whose body names the limit: 429, with the seconds after which it may go as version, where time helps, else 422. Locks nothing.';

create function cardkeep_api.quota_refusal(p_user uuid, p_kinds text[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	o cardkeep.over_quota;
begin
	for o in select q.* from cardkeep.over_quota q where q.user_id = p_user and q.kind = any (p_kinds) loop
		if o.until <= clock_timestamp() then
			perform cardkeep_api.judge_quota(p_user, o.kind);
			select q.until into o.until from cardkeep.over_quota q
			where q.user_id = p_user and q.kind = o.kind;
		end if;
		if o.until > clock_timestamp() then
			return cardkeep_api.quota_told(o.kind, o.until);
		end if;
	end loop;
	return null;
end
$$;
comment on function cardkeep_api.quota_refusal is 'What an account that was found over a quota is told when it wants more of these kinds; null where that is over now. Looks again when it is time to. Locks as judge_quota.';

commit;
