\set n :n + 1
\set user :warm + :client_id * :people + (:n * :stride) % :people
\set version 1 + :n / :people
select 1, status, version, replayed, detail, body from cardkeep_api.save_own_profile('personal_info', sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))), gen_random_uuid(), array[:version]::integer[], ('{"full_name":"Ada ' || :user || ' ' || :version || '","primary_phone":"' || :n || '"}')::jsonb);
