-- promise: a session has a token of its own, ends after it began, and says what ended it
select s.id::text, case
	when s.token_hash is null or octet_length(s.token_hash) <> 32 then 'has no token hash'
	when (s.ended_at is null) <> (s.ended_by is null)
		then 'is ended by nothing, or at no time'
	else 'has times out of order' end
from cardkeep.sessions s
where s.token_hash is null or octet_length(s.token_hash) <> 32
	or (s.ended_at is null) <> (s.ended_by is null)
	or s.expires_at <= s.created_at or s.last_seen_at < s.created_at
	or s.ended_at < s.created_at
union all
select min(s.id::text), 'shares its token with ' || count(*) - 1 || ' other sessions'
from cardkeep.sessions s group by s.token_hash having count(*) > 1;
