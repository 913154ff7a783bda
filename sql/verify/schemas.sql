-- Verify cardkeep:schemas on pg

begin;

do $$
begin
	assert has_schema_privilege('cardkeep_runtime', 'cardkeep', 'usage');
	assert has_schema_privilege('cardkeep_runtime', 'cardkeep_api', 'usage');
	assert not has_schema_privilege('cardkeep_runtime', 'cardkeep', 'create');
	assert not has_schema_privilege('cardkeep_runtime', 'cardkeep_api', 'create');
end
$$;

rollback;
