-- Deploy cardkeep:card_core to pg
--
-- One core for every caller: the service's calls resolve a session and come here, the promised
-- functions wait for the row and come here. Nothing here waits. A write that finds the version it
-- expects cannot have been applied before, so only writes that did not are looked at further: the
-- card is read, and in a later statement the repeat is looked up, whose snapshot sees at least what
-- the read saw.

begin;

set local role cardkeep_owner;

create function cardkeep_api.document_fits(p_document jsonb) returns boolean
language plpgsql immutable parallel safe
as $$
declare
	c_printed constant integer := 524288;
	-- What a document of that length takes unprinted, at most: an element as short as "0, ", or as
	-- "{}, ", takes 12 bytes.
	c_unprinted constant integer := 4 * c_printed + 1024;
	v_document jsonb;
	v_number numeric;
	v_digits integer := 0;
begin
	if p_document is null then
		return null;
	end if;
	v_document := case when jsonb_typeof(p_document) in ('object', 'array')
		then p_document - '{}'::text[] -- the same, unpacked
		else p_document end;
	if pg_column_size(v_document) > c_unprinted then
		return false;
	end if;
	-- A number of 8 bytes may be printed with 16,384 digits, if it is very large, very small, or a zero.
	-- Each that is long is printed alone, and the first too many end it. Those that are plainly short are
	-- passed over first. The rest is taken as one array: row by row (jsonb_path_query) PostgreSQL moves
	-- all that are left for each.
	for v_number in
		select q.number::numeric
		from jsonb_array_elements(jsonb_path_query_array(v_document, 'strict $.** ? (@.type() == "number"
			&& !(@ > 1e-40 && @ < 1e40))')) q(number)
		where scale(q.number::numeric) > 40 or abs(q.number::numeric) >= 1e40
	loop
		v_digits := v_digits + octet_length(v_number::text);
		if v_digits > c_printed then
			return false;
		end if;
	end loop;
	return octet_length(v_document::text) <= c_printed;
end
$$;
comment on function cardkeep_api.document_fits is 'Whether a document is small enough to be answered over and over, as it is printed: 1e300 is 301 digits then. Twice what the service takes with numbers written out, as printing adds a blank behind each comma and colon. Nothing is printed before it is known that it is not much longer. Locks nothing.';

create function cardkeep_api.document_keys_fit(p_document jsonb) returns boolean
language sql immutable parallel safe
return jsonb_array_length(jsonb_path_query_array(p_document,
	'strict $.** ? (@.type() == "object").*.type()')) <= 4096;
comment on function cardkeep_api.document_keys_fit is 'Whether a document has few enough keys, those of the objects in it counted: 4,096. The caller knows that it is not too large. Locks nothing.';

create function cardkeep_api.document_fault(p_document jsonb) returns text
language plpgsql immutable parallel safe
as $$
begin
	if not cardkeep_api.document_fits(p_document) then
		return 'a document of a card takes at most 512 KiB when it is printed';
	elsif not cardkeep_api.document_keys_fit(p_document) then
		return 'a document of a card has at most 4,096 keys';
	end if;
	return null;
end
$$;
comment on function cardkeep_api.document_fault is 'What keeps a document from being stored; null where nothing does, or where there is none. Locks nothing.';

create function cardkeep_api.insert_card(p_user uuid, p_session uuid, p_write uuid, p_slug text,
	m cardkeep_api.card_change, p_over boolean)
returns cardkeep.business_cards
language plpgsql volatile
as $$
declare
	v_now timestamptz := clock_timestamp();
	n cardkeep.business_cards := cardkeep_api.new_card(p_user, p_write, p_slug, m, v_now);
	c cardkeep.business_cards;
begin
	insert into cardkeep.business_cards
	select n.*
	where not exists (select from cardkeep.retired_slugs r where r.slug = p_slug)
		and not exists (select from cardkeep.retired_slugs r where r.card_id = p_write)
		and (p_over or not exists (select from cardkeep.over_quota q where q.user_id = p_user))
	on conflict do nothing
	returning * into c;
	if found then
		insert into cardkeep.business_card_versions (card_id, version, session_id, write_id, at)
		values (p_write, 1, p_session, p_write, v_now);
	end if;
	return c;
end
$$;
comment on function cardkeep_api.insert_card is 'Inserts a card and version 1 of its history, unless its slug or its id was ever taken, or the account was found over a quota (p_over: and may go on nevertheless): then all null. The caller holds the advisory locks of the slug and of the id.';

-- As volatile as what it is made of, so that the planner puts it in place.
create function cardkeep_api.document_bytes(p_fields jsonb, p_design jsonb) returns integer
language sql stable parallel safe
return coalesce(pg_column_size(p_fields), 0) + coalesce(pg_column_size(p_design), 0);
comment on function cardkeep_api.document_bytes is 'How many bytes a card''s documents take; null is none. Locks nothing.';

create function cardkeep_api.create_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_base text, m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c_rounds constant integer := 10;
	v_base text := cardkeep_api.slugify(coalesce(p_base, m.name));
	v_slug text;
	v_over boolean := false; -- was found over a quota, and may go on nevertheless
	v_lot double precision := random();
	v_gate double precision := (1000 + cardkeep_api.document_bytes(m.fields_config, m.design_config))
		/ 65536::double precision;
	c cardkeep.business_cards;
	a cardkeep_api.answer;
begin
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('card', p_write::text)) then
		return cardkeep_api.reply(423);
	end if;
	for v_round in 1..c_rounds loop
		v_slug := cardkeep_api.slug_candidate(v_base, v_round);
		-- Seen before it is locked: creations of one popular name do not keep its card locked.
		if not exists (select from cardkeep.business_cards b where b.slug = v_slug)
			and pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', v_slug))
		then
			c := cardkeep_api.insert_card(p_user, p_session, p_write, v_slug, m, v_over);
			if c.id is not null then
				if v_lot < v_gate then
					perform cardkeep_api.note_creation(p_user, v_lot,
						cardkeep_api.document_bytes(c.fields_config, c.design_config), v_gate);
				end if;
				return cardkeep_api.reply(201, 1, cardkeep_api.card_json(c), false,
					case when v_round > 1 then (v_round - 1)::text else '' end);
			end if;
		end if;
		if v_round = 1 then
			perform from cardkeep.business_card_versions h where h.card_id = p_write;
			if found then
				return cardkeep_api.created_before(p_write, p_user);
			end if;
			perform from cardkeep.over_quota q where q.user_id = p_user;
			if found then
				a := cardkeep_api.quota_refusal(p_user, '{cards,creations,documents,history}');
				if a.status is not null then
					return a;
				end if;
				v_over := true;
			end if;
		end if;
	end loop;
	return cardkeep_api.reply(500, 0, '', false, 'slug_exhausted');
end
$$;
comment on function cardkeep_api.create_card_core is 'A card whose id is the write id, with the first free slug: bare, else with six random characters. 201, whose detail counts the slugs that were taken; 201 replayed where the id exists; 409 id_taken; 422 or 429 quota; 423 where somebody holds the id; 500 slug_exhausted after ten slugs. Tries the advisory locks of the id, then of each slug, and where it notes what the account took as judge_quota; never waits.';

create function cardkeep_api.created_before(p_card uuid, p_user uuid)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
	a cardkeep_api.answer;
begin
	perform from cardkeep.pruned_histories p where p.kind = 'business_cards' and p.id = p_card;
	if found then
		select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
		if not found then
			return cardkeep_api.reply(404);
		end if;
		return cardkeep_api.reply_kept(201, c.version, cardkeep_api.card_json(c));
	end if;
	a := cardkeep_api.card_replay(p_card, p_user, 1, 201);
	if a.status = 404 then
		return cardkeep_api.reply(409, 0, '', false, 'id_taken');
	end if;
	return a;
end
$$;
comment on function cardkeep_api.created_before is 'The first answer of a creation: the card as of version 1, or 409 id_taken where it is somebody else''s. Where history no longer tells of version 1 the card as it is, or 404. Locks nothing.';

create function cardkeep_api.card_write_version(p_card uuid, p_expected integer[], p_write uuid,
	p_deletion boolean)
returns integer
language plpgsql stable
as $$
begin
	-- Nearly always there is one, and an array costs more than the look-up.
	if cardinality(p_expected) = 1 then
		return (select h.version from cardkeep.business_card_versions h
			where h.card_id = p_card and h.version = p_expected[1]::bigint + 1
				and h.write_id = p_write and h.is_deletion = p_deletion);
	end if;
	return (select h.version
		from unnest(p_expected) e(version)
		cross join lateral (
			select t.version from cardkeep.business_card_versions t
			where t.card_id = p_card and t.version = e.version::bigint + 1
				and t.write_id = p_write and t.is_deletion = p_deletion
			limit 1) h
		limit 1);
end
$$;
comment on function cardkeep_api.card_write_version is 'The version that this write made, where it was applied before; else null. Reads one history row for each expected version. Locks nothing.';

create function cardkeep_api.change_refused(o cardkeep.business_cards, p_fields jsonb, p_design jsonb)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if cardkeep_api.document_bytes(p_fields, p_design)
		<= cardkeep_api.document_bytes(o.fields_config, o.design_config)
	then
		return cardkeep_api.quota_refusal(o.user_id, '{history}');
	end if;
	return cardkeep_api.quota_refusal(o.user_id, '{history,documents}');
end
$$;
comment on function cardkeep_api.change_refused is 'What a change by an account that was found over a quota is told: documents may shrink; null where it may go on. Locks as quota_refusal.';

create function cardkeep_api.update_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[], m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_lot double precision := random();
	v_gate double precision;
	o cardkeep.business_cards;
	n cardkeep.business_cards;
	h cardkeep.business_card_versions;
	a cardkeep_api.answer;
begin
	select b.* into o from cardkeep.business_cards b
	where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
		and not cardkeep_api.card_same(b, m)
		and not exists (select from cardkeep.over_quota q where q.user_id = p_user)
	for no key update skip locked;
	if not found then
		select b.* into o from cardkeep.business_cards b
		where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
			and not cardkeep_api.card_same(b, m)
			and exists (select from cardkeep.over_quota q where q.user_id = p_user)
		for no key update skip locked;
		if not found then
			return cardkeep_api.card_not_applied(p_user, p_write, p_card, p_expected, m);
		end if;
		a := cardkeep_api.change_refused(o, m.fields_config, m.design_config);
		if a.status is not null then
			return a;
		end if;
	end if;
	n := cardkeep_api.change_card(p_card, p_write, m);
	h := cardkeep_api.card_image(o, n, m, p_session);
	insert into cardkeep.business_card_versions values (h.*);
	v_gate := (cardkeep_api.history_bytes(cardkeep_api.document_bytes(o.fields_config, o.design_config))
		+ cardkeep_api.document_bytes(n.fields_config, n.design_config)) / 65536::double precision;
	if v_lot < v_gate then
		perform cardkeep_api.note_change(p_user, v_lot,
			cardkeep_api.history_bytes(cardkeep_api.document_bytes(h.b_fields_config, h.b_design_config)),
			cardkeep_api.document_bytes(n.fields_config, n.design_config), v_gate);
	end if;
	return cardkeep_api.reply(200, n.version, cardkeep_api.card_json(n));
end
$$;
comment on function cardkeep_api.update_card_core is 'Changes a card that is at one of the expected versions, and writes its history; null keeps a field. 200; 422 or 429 quota; else as card_not_applied. Tries the card''s row (no key update, skip locked), and where it notes what the account took locks as judge_quota; never waits; a stale or unchanged request locks nothing.';

create function cardkeep_api.card_not_applied(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[], m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
	return cardkeep_api.card_refusal(c, cardkeep_api.card_write_version(p_card, p_expected, p_write,
		false), p_user, p_card, p_expected, m);
end
$$;
comment on function cardkeep_api.card_not_applied is 'What an update that was not applied now comes to: looks for the card and then for the write, and answers as card_refusal. Locks nothing.';

create function cardkeep_api.card_refusal(c cardkeep.business_cards, p_written integer,
	p_user uuid, p_card uuid, p_expected integer[], m cardkeep_api.card_change)
returns cardkeep_api.answer
language plpgsql volatile
as $$
begin
	if p_written is not null then
		return cardkeep_api.card_replay(p_card, p_user, p_written, 200);
	end if;
	if c.id is null then
		return cardkeep_api.reply(404);
	end if;
	if c.version = any (p_expected) then
		if cardkeep_api.card_same(c, m) then
			return cardkeep_api.reply_kept(200, c.version, cardkeep_api.card_json(c), false,
				'unchanged');
		end if;
		return cardkeep_api.reply(423, c.version);
	end if;
	return cardkeep_api.card_conflict(c, p_expected, m);
end
$$;
comment on function cardkeep_api.card_refusal is 'The answer to an update that was not applied now, given the card (all null: there is none) and the version that the same write made before, if it did: 200 replayed, 404, 200 unchanged where it changes nothing, 423 where somebody holds the card, else 409 with both sides. Locks nothing.';

create function cardkeep_api.delete_card_core(p_user uuid, p_session uuid, p_write uuid,
	p_card uuid, p_expected integer[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	v_lot double precision := random();
	c cardkeep.business_cards;
	h cardkeep.business_card_versions;
begin
	select b.* into c from cardkeep.business_cards b
	where b.id = p_card and b.user_id = p_user and b.version = any (p_expected)
	for update skip locked;
	if not found then
		return cardkeep_api.deletion_not_applied(p_user, p_write, p_card, p_expected);
	end if;
	if not pg_try_advisory_xact_lock(cardkeep_api.lock_key('slug', c.slug)) then
		return cardkeep_api.reply(423, c.version);
	end if;
	h := cardkeep_api.last_image(c, p_session, p_write);
	insert into cardkeep.business_card_versions values (h.*);
	delete from cardkeep.business_cards b where b.id = p_card;
	-- Taken whatever the account has, but not free: who makes cards and deletes them fills a disk too.
	perform cardkeep_api.note_history(p_user, v_lot,
		cardkeep_api.document_bytes(c.fields_config, c.design_config));
	return cardkeep_api.reply(204, c.version + 1);
end
$$;
comment on function cardkeep_api.delete_card_core is 'Deletes a card that is at one of the expected versions, ends its history and retires its slug. 204; else as deletion_not_applied. Tries the card''s row (update, skip locked), then its slug''s advisory lock, so that a creation never waits for it, and where it notes what the account took as judge_quota; never waits.';

create function cardkeep_api.deletion_not_applied(p_user uuid, p_write uuid, p_card uuid,
	p_expected integer[])
returns cardkeep_api.answer
language plpgsql volatile
as $$
declare
	c cardkeep.business_cards;
	v_version integer;
begin
	select b.* into c from cardkeep.business_cards b where b.id = p_card and b.user_id = p_user;
	v_version := cardkeep_api.card_write_version(p_card, p_expected, p_write, true);
	if v_version is not null then
		return cardkeep_api.reply_kept(204, v_version);
	end if;
	if c.id is null then
		return cardkeep_api.reply(404);
	end if;
	if c.version = any (p_expected) then
		return cardkeep_api.reply(423, c.version);
	end if;
	return cardkeep_api.card_conflict(c, p_expected);
end
$$;
comment on function cardkeep_api.deletion_not_applied is 'What a deletion that was not applied now comes to: 204 replayed where it was applied before, 404, 423 where somebody holds the card, else 409. Locks nothing.';

commit;
