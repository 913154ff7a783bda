\set n :n + 1
\set k :warm
\set user :k / 8
select 1 as item, status, version, replayed, detail, body from cardkeep_api.update_card(sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))), gen_random_uuid(), md5('bench card ' || :k)::uuid, array[:version]::integer[], row('Hot ' || :n, null, ('{"email":"ada@example.org","title":"Engineer","phone":"' || :n || '"}')::jsonb, null, null)) \gset
