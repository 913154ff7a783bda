-- Before: look whether the slug is taken, then insert.
\set n :n + 1
\set user random(0, :users - 1)
select user_id as owner from bench.naive_sessions where token_hash = sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))) and expires_at > clock_timestamp() \gset
select count(*) as taken from bench.naive_cards where slug = 'card-' || :client_id || '-' || :n \gset
\if :taken
select 1 / 0;
\endif
insert into bench.naive_cards (user_id, name, slug, fields_config, design_config) values (:owner::uuid, 'Card ' || :client_id || ' ' || :n, 'card-' || :client_id || '-' || :n, ('{"email":"ada@example.org","title":"Engineer","phone":"' || :n || '"}')::jsonb, '{"accent":"#204060","font":"serif","layout":"two-columns"}'::jsonb) returning to_jsonb(naive_cards);
