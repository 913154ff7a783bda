-- What a request costs does not grow with the history of what it is about, nor with the sessions that
-- an account had.
\ir lib/people.psql
begin;
select * from no_plan();
set local enable_seqscan = off; -- as the service's role has it

select pg_temp.sign_up('ann') \g /dev/null
-- Statistics that make a plan over the whole history look cheap: there, most have one version.
select pg_temp.create_card('ann', 'short ' || i, 'Card') from generate_series(1, 200) i \g /dev/null
analyze cardkeep.business_cards, cardkeep.business_card_versions;
select pg_temp.create_card('ann', 'long', 'Card'),
	pg_temp.rename_card('ann', 'w' || i, 'long', array[i], 'Card ' || i),
	cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p' || i), array[i - 1],
		jsonb_build_object('full_name', 'Ann ' || i)),
	cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q' || i), array[i - 1],
		jsonb_build_object('job_title', 'J ' || i))
from generate_series(1, 300) i \g /dev/null

-- Rows that were read: those that indexes led to are counted with the index.
create function pg_temp.read_of(p_tables regclass[]) returns bigint language sql volatile
begin atomic
	select sum(coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0))::bigint
	from pg_stat_xact_user_tables s where s.relid = any (p_tables);
end;
create function pg_temp.looked_at() returns bigint language sql volatile
return pg_temp.read_of(array['cardkeep.business_card_versions', 'cardkeep.personal_info_versions',
	'cardkeep.professional_info_versions']::regclass[]);

create function pg_temp.costs(p_call text, p_status integer) returns text language plpgsql
as $$
declare
	v_before bigint := pg_temp.looked_at();
	v_status integer;
begin
	execute format('select status from %s', p_call) into v_status;
	return is(v_status, p_status, p_call) || E'\n'
		|| cmp_ok(pg_temp.looked_at() - v_before, '<=', 12::bigint, 'reads few versions for it');
end
$$;

create function pg_temp.stale_set(p_expected text) returns setof integer language sql
return (select status from cardkeep_api.update_cards(array[pg_temp.token('ann')],
	array[pg_temp.id('x')::text], array[pg_temp.id('long')::text], array[p_expected],
	array['New'], array[null], array['{"a":1}'], array[null], array[null]) limit 1);

select pg_temp.costs(format('pg_temp.stale_set(%L) status', e), 409)
from unnest(array['{298}', '{298,299}']) e;
select pg_temp.costs(format('pg_temp.rename_card(%L, %L, %L, %L, %L)', 'ann', 'x', 'long', e, 'New'),
	409)
from unnest(array['{298}', '{298,299}']) e;
select pg_temp.costs(format('cardkeep_api.save_own_profile(%L, pg_temp.token(%L), pg_temp.id(%L), %L, %L)',
	kind, 'ann', 'x', e, jsonb_build_object(field, 'New')), 409)
from (values ('personal_info', 'full_name'), ('professional_info', 'job_title')) k(kind, field),
	unnest(array['{298}', '{298,299}']) e;

-- What history tells of an old version was before the next change of each field, however far that is.
-- Fields that nearly never change are found by an index; names and fields_config, which most updates
-- change, by a walk, which here goes to the end for fields_config alone.
create function pg_temp.reads(p_call text) returns bigint language plpgsql as $$
declare
	v_before bigint := pg_temp.looked_at();
begin
	execute p_call;
	return pg_temp.looked_at() - v_before;
end
$$;
select cmp_ok(pg_temp.reads(format('select cardkeep_api.read_card_history(%L, %L, 5, 2)',
	pg_temp.token('ann'), pg_temp.id('long'))), '<=', 330::bigint,
	'an old version is told after one walk through what came since, not one for each field');
-- A card in which one field changed ever since.
select pg_temp.create_card('ann', 'once', 'Card'), cardkeep_api.update_card(pg_temp.token('ann'),
	pg_temp.id('o' || i), pg_temp.id('once'), array[i], row(null, null, null, null, i % 2 = 0))
from generate_series(1, 300) i \g /dev/null
select cmp_ok(pg_temp.reads(format('select cardkeep_api.card_at(%L, 2)', pg_temp.id('once'))), '<=',
	620::bigint, 'a card as of an old version is found by two walks, not by one for each field');

-- Sessions: an account may have signed in and out any number of times.
insert into cardkeep.sessions (id, user_id, token_hash, expires_at, ended_at, ended_by)
select pg_temp.id('s' || i), pg_temp.id('ann'), pg_temp.token('s' || i), now() + interval '1 day',
	now() - i * interval '1 minute', pg_temp.id('e' || i)
from generate_series(1, 3000) i;
create function pg_temp.costs_sessions(p_what text, p_call text, p_status integer,
	p_most bigint default 40)
returns setof text
language plpgsql as $$
declare
	v_before bigint := pg_temp.read_of('{cardkeep.sessions}');
	v_status integer;
begin
	execute format('select status from %s', p_call) into v_status;
	return next is(v_status, p_status, p_what);
	return next cmp_ok(pg_temp.read_of('{cardkeep.sessions}') - v_before, '<=', p_most,
		p_what || ' reads few of 3,000 ended ones');
end
$$;
select pg_temp.costs_sessions('a list of sessions',
	format('cardkeep_api.list_sessions(%L)', pg_temp.token('ann')), 200);
select pg_temp.costs_sessions('a sign-in', format('cardkeep_api.open_session(%L, %L, %L, %L, null, null, %L)',
	pg_temp.id('new'), pg_temp.id('ann'), 'hash of ann', pg_temp.token('new'), '1 day'), 201,
	-- It passes over the 200 that stay, and deletes 100.
	500);
select pg_temp.costs_sessions('the end of one', format('cardkeep_api.end_session(%L, %L, null)',
	pg_temp.token('new'), pg_temp.id('end')), 204);
select pg_temp.costs_sessions('the end of the others', format('cardkeep_api.end_sessions(%L, %L, true)',
	pg_temp.token('ann'), pg_temp.id('end others')), 204);

select * from finish();
rollback;
