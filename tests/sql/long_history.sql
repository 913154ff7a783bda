-- What a stale request costs does not grow with the history of what it wants to change.
\ir lib/people.psql
begin;
select * from no_plan();

select pg_temp.sign_up('ann') \g /dev/null
-- Statistics that make a plan over the whole history look cheap: there, most have one version.
select pg_temp.create_card('ann', 'short ' || i, 'Card') from generate_series(1, 200) i \g /dev/null
analyze cardkeep.business_cards, cardkeep.business_card_versions;
select pg_temp.create_card('ann', 'long', 'Card'),
	pg_temp.rename_card('ann', 'w' || i, 'long', array[i], 'Card ' || i),
	cardkeep_api.save_personal_info(pg_temp.token('ann'), pg_temp.id('p' || i), array[i - 1],
		jsonb_build_object('full_name', 'Ann ' || i)),
	cardkeep_api.save_professional_info(pg_temp.token('ann'), pg_temp.id('q' || i), array[i - 1],
		jsonb_build_object('job_title', 'J ' || i))
from generate_series(1, 300) i \g /dev/null

-- Rows of the histories that indexes led to.
create function pg_temp.looked_at() returns bigint language sql volatile
begin atomic
	select sum(pg_stat_get_xact_tuples_fetched(t)) from unnest(array[
		'cardkeep.business_card_versions', 'cardkeep.personal_info_versions',
		'cardkeep.professional_info_versions']::regclass[]) t;
end;

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
select pg_temp.costs(format('cardkeep_api.save_%s(pg_temp.token(%L), pg_temp.id(%L), %L, %L)',
	kind, 'ann', 'x', e, jsonb_build_object(field, 'New')), 409)
from (values ('personal_info', 'full_name'), ('professional_info', 'job_title')) k(kind, field),
	unnest(array['{298}', '{298,299}']) e;

select * from finish();
rollback;
