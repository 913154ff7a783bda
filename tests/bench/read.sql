\set k random(0, :users * 8 - 1)
\set user :k / 8
select 1, status, version, replayed, detail, body from cardkeep_api.read_card(sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))), md5('bench card ' || :k)::uuid);
