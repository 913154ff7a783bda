\set n :n + 1
\set walked :walked + 1
\set k :warm + :client_id * :share + (:walked * :stride) % :share
\set user :k / 8
\set version 1 + :walked / :share
select 1, status, version, replayed, detail, body from cardkeep_api.update_card(sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))), gen_random_uuid(), md5('bench card ' || :k)::uuid, array[:version]::integer[], row('Card ' || :k || ' ' || :version, null, ('{"email":"ada@example.org","title":"Engineer","phone":"' || :n || '"}')::jsonb, null, null));
