-- promise: its latest version in history is of the write, and the time, of the profile
select p.user_id::text, 'version ' || p.version || ' is of another write or time in history'
from cardkeep.:profile p join cardkeep.:profile_versions h
	on h.user_id = p.user_id and h.version = p.version
where h.write_id is distinct from p.last_write or h.at is distinct from p.updated_at;
