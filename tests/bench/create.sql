\set n :n + 1
\set user random(0, :users - 1)
select 1, status, version, replayed, detail, body from cardkeep_api.create_card(sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))), gen_random_uuid(), 'card-' || :client_id || '-' || :n, row('Card ' || :client_id || ' ' || :n, null, ('{"email":"ada@example.org","title":"Engineer","phone":"' || :n || '"}')::jsonb, '{"accent":"#204060","font":"serif","layout":"two-columns"}'::jsonb, null));
