-- What the plays share: words that become ids and tokens, and a world that is made anew for every
-- permutation. Installed once into the tests' own database.

create schema t;
grant usage on schema t to cardkeep_runtime, cardkeep_admin;

create function t.id(p_word text) returns uuid language sql immutable
return md5(p_word)::uuid;

create function t.token(p_word text) returns bytea language sql immutable
return sha256(p_word::bytea);

-- An answer as one word: status, version, whether it was the first answer again.
create function t.seen(a cardkeep_api.answer) returns text language sql
return a.status || ' v' || a.version || case when a.replayed then ' again' else '' end
	|| case when a.detail <> '' then ' ' || a.detail else '' end;

-- A slug without its luck.
create function t.plain(p_slug text) returns text language sql immutable
return regexp_replace(p_slug, '-[a-z0-9]{6}$', '-??????');

-- The answer to a creation, with its slug.
create function t.made(a cardkeep_api.answer) returns text language sql
return t.seen(a) || coalesce(' ' || t.plain(nullif(a.body, '')::json ->> 'slug'), '');

create function t.sign_up(p_who text) returns cardkeep_api.answer language sql
return cardkeep_api.register(t.id(p_who), p_who || '@example.org', 'hash', t.token(p_who), null,
	null, '1 day');

create function t.create_card(p_who text, p_write text, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.create_card(t.token(p_who), t.id(p_write), null, row(p_name, null, null, null, null));

create function t.rename_card(p_write text, p_expected integer, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.update_card(t.token('ann'), t.id(p_write), t.id('card'), array[p_expected],
	row(p_name, null, null, null, null));

create function t.delete_card(p_write text, p_expected integer)
returns cardkeep_api.answer language sql
return cardkeep_api.delete_card(t.token('ann'), t.id(p_write), t.id('card'), array[p_expected]);

create function t.revert_card(p_write text, p_expected integer, p_to integer)
returns cardkeep_api.answer language sql
return cardkeep_api.revert_card(t.token('ann'), t.id(p_write), t.id('card'), array[p_expected], p_to);

create function t.merge_card(p_write text, p_expected integer, p_name text, p_template text)
returns cardkeep_api.answer language sql
return cardkeep_api.merge_card(t.token('ann'), t.id(p_write), t.id('card'), array[p_expected],
	row(p_name, p_template, null, null, null));

create function t.merge_profile(p_write text, p_expected integer, p_name text, p_address text)
returns cardkeep_api.answer language sql
return cardkeep_api.merge_own_profile('personal_info', t.token('ann'), t.id(p_write), array[p_expected],
	jsonb_strip_nulls(jsonb_build_object('full_name', p_name, 'address', p_address)));

-- Histories cut short, versions deleted, histories that somebody held.
create function t.prune(p_versions integer, p_kind text default 'business_cards') returns text language sql
return (select histories || ' ' || deleted || ' ' || busy
	from cardkeep.prune_histories(p_kind, null, p_versions, 0, 24));

-- The same by a key: p_request stands for all that it is bound to.
create function t.keyed_create(p_key text, p_request text, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.create_card(t.token('ann'), t.id(p_request), null, row(p_name, null, null, null, null),
	t.id(p_key));

create function t.keyed_rename(p_key text, p_request text, p_expected integer, p_name text)
returns cardkeep_api.answer language sql
return cardkeep_api.update_card(t.token('ann'), t.id(p_request), t.id('card'), array[p_expected],
	row(p_name, null, null, null, null), t.id(p_key));

create function t.sign_in(p_write text, p_limit integer default 50)
returns cardkeep_api.answer language sql
return cardkeep_api.open_session(t.id(p_write), t.id('ann'), 'hash', t.token(p_write), null, null,
	'1 day', '1 day', p_limit);

create function t.change_password(p_write text) returns cardkeep_api.answer language sql
return cardkeep_api.change_password(t.token('ann'), t.id(p_write), 'hash', 'new');

create function t.delete_account(p_write text) returns cardkeep_api.answer language sql
return cardkeep_api.delete_account(t.token('ann'), t.id(p_write), 'hash');

-- One step of erasing, from the start: how many rows went, and whether there may be more.
create function t.erase_step() returns text language sql
return (select a.version || case when a.detail = '' then ' end' else '' end
	from cardkeep_api.erase_step(null, 400) a);

-- All steps.
create procedure t.erase() language plpgsql as $$
begin
	for v_step in 1..10 loop
		perform t.erase_step();
	end loop;
end
$$;

-- Plays cannot hold braces, so this makes the patch.
create function t.save(p_write text, p_expected integer, p_name text, p_address text default null)
returns cardkeep_api.answer language sql
return cardkeep_api.save_own_profile('personal_info', t.token('ann'), t.id(p_write), array[p_expected],
	jsonb_strip_nulls(jsonb_build_object('full_name', p_name, 'address', p_address)));

-- Ann with a card `Card` at version 1 and no profile; bob.
create procedure t.begin() language plpgsql
set session_replication_role = replica
as $$
begin
	delete from cardkeep.business_card_versions;
	delete from cardkeep.personal_info_versions;
	delete from cardkeep.business_cards;
	delete from cardkeep.personal_info;
	delete from cardkeep.retired_slugs where card_id is not null or user_id is not null;
	delete from cardkeep.writes;
	delete from cardkeep.pruned_histories;
	delete from cardkeep.closed_accounts;
	delete from cardkeep.sessions;
	delete from cardkeep.users;
	perform t.sign_up('ann'), t.sign_up('bob'), t.create_card('ann', 'card', 'Card');
end
$$;

-- All that is written so far was written long ago.
create procedure t.age() language plpgsql
set session_replication_role = replica
as $$
begin
	update cardkeep.business_card_versions set at = at - interval '9 days';
	update cardkeep.personal_info_versions set at = at - interval '9 days';
end
$$;

-- Cards as they are a while later.
create procedure t.age_cards() language plpgsql
set session_replication_role = replica
as $$
begin
	update cardkeep.business_cards set created_at = created_at - interval '1 hour';
end
$$;

-- How the cards came out: each slug with name and version, and how many versions history has.
create view t.cards as
	select t.plain(b.slug) as slug, b.name, b.version,
		(select count(*) from cardkeep.business_card_versions h where h.card_id = b.id) as history
	from cardkeep.business_cards b order by 1, 2;

create view t.profiles as
	select p.full_name, p.address, p.version,
		(select count(*) from cardkeep.personal_info_versions h where h.user_id = p.user_id) as history
	from cardkeep.personal_info p;

-- What there is of ann.
create view t.belongings as
	select (select count(*) from cardkeep.users u where u.id = t.id('ann')) as users,
		(select count(*) from cardkeep.sessions s where s.user_id = t.id('ann')) as sessions,
		(select count(*) from cardkeep.business_cards b where b.user_id = t.id('ann')) as cards,
		(select count(*) from cardkeep.business_card_versions h where h.card_id = t.id('card'))
			as history,
		(select count(*) from cardkeep.retired_slugs r where r.slug = 'card' and r.user_id is null)
			as retired;

-- Whose sessions live, and with which password.
create view t.sessions as
	select u.email, u.password_hash,
		(select count(*) from cardkeep.sessions s where s.user_id = u.id and cardkeep_api.is_live(s))
			as live
	from cardkeep.users u;
grant select on t.sessions to cardkeep_runtime;
