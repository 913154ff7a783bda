-- promise: an account has an address of its own and an Argon2id hash, or neither and waits
select u.id::text, case when (u.email is null) <> (u.password_hash is null)
		then 'has one of address and password alone'
	when u.email <> lower(u.email collate "C") or u.email = '' then 'has an address that is not lower case'
	else 'has a password that is no Argon2id hash' end
from cardkeep.users u
where (u.email is null) <> (u.password_hash is null) or u.email <> lower(u.email collate "C")
	or u.email = '' or u.password_hash !~ '^[$]argon2id[$]'
union all
select min(u.id::text), 'shares its address with ' || count(*) - 1 || ' other accounts'
from cardkeep.users u where u.email is not null group by u.email having count(*) > 1;
