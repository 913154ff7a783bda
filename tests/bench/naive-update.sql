-- Before: read the card, change it, write it back over whatever is there by then.
\set n :n + 1
\set k :warm + :client_id * :share + (:n * :stride) % :share
\set user :k / 8
\set version 1 + :n / :share
select user_id as owner from bench.naive_sessions where token_hash = sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))) and expires_at > clock_timestamp() \gset
select id as card, name as name from bench.naive_cards where id = md5('bench card ' || :k)::uuid and user_id = :owner::uuid \gset
update bench.naive_cards set name = 'Card ' || :k || ' ' || :version, fields_config = ('{"email":"ada@example.org","title":"Engineer","phone":"' || :n || '"}')::jsonb, updated_at = clock_timestamp() where id = :card::uuid returning to_jsonb(naive_cards);
