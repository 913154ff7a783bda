-- Deploy cardkeep:adoption to pg
--
-- Rows that came from before Cardkeep keep the user id that they came with. Where no account has
-- that id, a user without address and password stands for it and waits: the cards answer at their
-- addresses meanwhile, and nobody can sign in. Adoption gives that user an address and a password,
-- or gives the rows to an account that is there. For administrators, who may wait.

begin;

set local role cardkeep_owner;

create view cardkeep.waiting_users as
	select u.id, w.cards, w.personal is not null as has_personal_info,
		w.professional is not null as has_professional_info, w.personal ->> 'full_name' as full_name,
		coalesce(w.personal ->> 'primary_email', w.professional ->> 'work_email') as email
	from cardkeep.users u
	cross join lateral (select
		(select count(*) from cardkeep.business_cards b where b.user_id = u.id) as cards,
		(select to_jsonb(p) from cardkeep.personal_info p where p.user_id = u.id) as personal,
		(select to_jsonb(p) from cardkeep.professional_info p where p.user_id = u.id) as professional
	) w
	where u.email is null and u.closed_at is null and (w.cards > 0 or num_nonnulls(w.personal, w.professional) > 0);
comment on view cardkeep.waiting_users is 'Users that nobody can sign in as, who have rows from before Cardkeep: their id then, what they have, and what their profiles say about who they are';

create function cardkeep_api.give_profile(p_kind text, p_old uuid, p_new uuid) returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
begin
	perform pg_advisory_xact_lock(cardkeep_api.lock_key(p_kind, p_new::text));
	perform from cardkeep_api.profiles p where p.kind = p_kind and p.user_id = p_new;
	if found then
		return false;
	elsif p_kind = 'personal_info' then
		insert into cardkeep.personal_info_versions
		select p_new, v.version, v.session_id, v.write_id, v.at, v.before
		from cardkeep.personal_info_versions v where v.user_id = p_old;
		update cardkeep.personal_info p set user_id = p_new where p.user_id = p_old;
	else
		insert into cardkeep.professional_info_versions
		select p_new, v.version, v.session_id, v.write_id, v.at, v.before
		from cardkeep.professional_info_versions v where v.user_id = p_old;
		update cardkeep.professional_info p set user_id = p_new where p.user_id = p_old;
	end if;
	if not found then
		return false;
	end if;
	insert into cardkeep.upgrade_changes (kind, entity_id, field, was, became, reason)
	values (p_kind, p_new, 'user_id', to_jsonb(p_old), to_jsonb(p_new), 'adopted')
	on conflict do nothing;
	update cardkeep.pruned_histories h set id = p_new where h.kind = p_kind and h.id = p_old;
	-- Nothing stays under the old id: a profile that an old program begins there begins its history.
	if p_kind = 'personal_info' then
		delete from cardkeep.personal_info_versions v where v.user_id = p_old;
	else
		delete from cardkeep.professional_info_versions v where v.user_id = p_old;
	end if;
	return true;
end
$$;
comment on function cardkeep_api.give_profile is 'Gives a waiting user''s profile and its history to another, unless that one has a profile, and lists that: whether it was given. Waits for the advisory lock of the first profile, then for the profile''s row.';

create function cardkeep_api.adopted(p_user uuid, p_old uuid, p_status integer, p_cards bigint,
	p_given text[])
returns cardkeep_api.answer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
	v_user text;
	v_left text[];
begin
	select cardkeep_api.user_json(u) into v_user from cardkeep.users u where u.id = p_user;
	if p_old <> p_user then
		v_left := array(select p.kind from cardkeep_api.profiles p where p.user_id = p_old order by 1);
	end if;
	return cardkeep_api.reply(p_status, 0, format('{"user":%s,"cards":%s,"profiles":%s,"left":%s}',
		v_user, p_cards, to_json(p_given), to_json(coalesce(v_left, '{}'))));
end
$$;
comment on function cardkeep_api.adopted is 'What an adoption came to, as JSON: the account, how many cards and which profiles it got, and which profiles it did not get because it has its own. Locks nothing.';

create function cardkeep_api.adopt_into(p_old uuid, p_user uuid) returns cardkeep_api.answer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_cards bigint;
	v_given text[] := '{}';
	v_kind text;
	a cardkeep_api.answer;
begin
	perform from cardkeep.business_cards b where b.user_id = p_old order by b.id for no key update;
	update cardkeep.business_cards b set user_id = p_user where b.user_id = p_old;
	get diagnostics v_cards = row_count;
	update cardkeep.retired_slugs r set user_id = p_user where r.user_id = p_old;
	foreach v_kind in array array['personal_info', 'professional_info']
	loop
		if cardkeep_api.give_profile(v_kind, p_old, p_user) then
			v_given := v_given || v_kind;
		end if;
	end loop;
	a := cardkeep_api.adopted(p_user, p_old, 200, v_cards, v_given);
	-- With nothing left the user goes.
	delete from cardkeep.users u where u.id = p_old
		and not exists (select from cardkeep_api.profiles p where p.user_id = p_old);
	return a;
end
$$;
comment on function cardkeep_api.adopt_into is 'Gives a waiting user''s rows to an account, under the versions that they have; a profile that the account has already stays its own, and the waiting one goes on waiting; a waiting user without any rows left goes. The caller has locked both users; waits for the cards in the order of their ids, then for the profiles.';

create function cardkeep_api.adopt_user(p_old uuid, p_email text, p_password_hash text default null)
returns cardkeep_api.answer
language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
declare
	v_email text := lower(p_email collate "C");
	v_user uuid;
begin
	perform pg_advisory_xact_lock(cardkeep_api.lock_key('email', v_email));
	perform from cardkeep.users u where u.id = p_old and u.email is null and u.closed_at is null
	for update;
	if not found then
		return cardkeep_api.reply(404, 0, '', false, 'not_waiting');
	end if;
	select u.id into v_user from cardkeep.users u where u.email = v_email for key share;
	if found then
		return cardkeep_api.adopt_into(p_old, v_user);
	end if;
	if p_password_hash is null then
		return cardkeep_api.reply(409, 0, '', false, 'password_needed');
	end if;
	update cardkeep.users u
	set email = v_email, password_hash = p_password_hash, updated_at = clock_timestamp()
	where u.id = p_old;
	return cardkeep_api.adopted(p_old, p_old, 201,
		(select count(*) from cardkeep.business_cards b where b.user_id = p_old),
		array(select p.kind from cardkeep_api.profiles p where p.user_id = p_old order by 1));
end
$$;
comment on function cardkeep_api.adopt_user is 'For administrators: makes the rows of a waiting user an account''s. Where an account has the address they become its own: 200. Otherwise the waiting user itself becomes the account, with this Argon2id hash, and keeps its id: 201; without a hash 409 password_needed. 404 not_waiting where nobody waits under that id. The body tells what was given: {user, cards, profiles, left}. Waits for the address''s advisory lock, the waiting user (update), the account (key share), then as adopt_into.';

commit;
