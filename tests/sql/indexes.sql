-- No index on version, and what that is good for (doc/decisions/0001-no-index-on-version.md).
\ir lib/people.psql
begin;
select * from no_plan();

-- Tables whose version changes in place. The history has a row for each version: there it is a key.
create function pg_temp.indexes_on_version() returns setof text language sql
begin atomic
	select i.indexrelid::regclass::text from pg_index i
	where i.indrelid in ('cardkeep.business_cards'::regclass, 'cardkeep.personal_info'::regclass,
			'cardkeep.professional_info'::regclass)
		and pg_get_indexdef(i.indexrelid) ~ '\mversion\M';
end;
select is_empty('select pg_temp.indexes_on_version()', 'no index has the version in it');

select pg_temp.sign_up('ann'), pg_temp.create_card('ann', 'c', 'Card'),
	cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('p'), '{0}',
		'{"full_name": "Ann"}'),
	cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('q'), '{0}',
		'{"job_title": "J"}') \g /dev/null
select pg_temp.rename_card('ann', 'u', 'c', '{1}', 'Other'),
	cardkeep_api.save_own_profile('personal_info', pg_temp.token('ann'), pg_temp.id('r'), '{1}',
		'{"full_name": "Anna"}'),
	cardkeep_api.save_own_profile('professional_info', pg_temp.token('ann'), pg_temp.id('s'), '{1}',
		'{"job_title": "K"}') \g /dev/null
select is(pg_stat_get_xact_tuples_hot_updated(t), 1::bigint,
	format('so an update of %s writes no index', t))
from unnest(array['cardkeep.business_cards', 'cardkeep.personal_info',
	'cardkeep.professional_info']::regclass[]) t;

create index on cardkeep.business_cards (id) include (version);
create index on cardkeep.personal_info (user_id) where version > 1;
select is((select count(*) from pg_temp.indexes_on_version()), 2::bigint,
	'one that only carries it, or has it in its condition, is found too');

select * from finish();
rollback;
