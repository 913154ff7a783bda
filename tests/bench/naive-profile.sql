-- Before: look whether there is a profile, then write it over whatever is there by then.
\set n :n + 1
\set user :warm + :client_id * :people + (:n * :stride) % :people
\set version 1 + :n / :people
select user_id as owner from bench.naive_sessions where token_hash = sha256(sha256(convert_to('bench token ' || :user, 'UTF8'))) and expires_at > clock_timestamp() \gset
select count(*) as there from bench.naive_profiles where user_id = :owner::uuid \gset
\if :there
update bench.naive_profiles set full_name = 'Ada ' || :user || ' ' || :version, primary_phone = :n::text, updated_at = clock_timestamp() where user_id = :owner::uuid returning to_jsonb(naive_profiles);
\else
insert into bench.naive_profiles (user_id, full_name, primary_phone) values (:owner::uuid, 'Ada ' || :user || ' ' || :version, :n::text) returning to_jsonb(naive_profiles);
\endif
