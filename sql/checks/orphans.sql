-- promise: every row belongs to a user that is there
select o.what || ' ' || o.id, 'belongs to no user'
from (select 'card' as what, b.id, b.user_id from cardkeep.business_cards b
	union all select 'session', s.id, s.user_id from cardkeep.sessions s
	union all select 'personal profile', p.user_id, p.user_id from cardkeep.personal_info p
	union all select 'professional profile', p.user_id, p.user_id
		from cardkeep.professional_info p
	union all select distinct 'history of personal profile', v.user_id, v.user_id
		from cardkeep.personal_info_versions v
	union all select distinct 'history of professional profile', v.user_id, v.user_id
		from cardkeep.professional_info_versions v
	union all select 'retired slug of card', r.card_id, r.user_id
		from cardkeep.retired_slugs r where r.user_id is not null) o
left join cardkeep.users u on u.id = o.user_id where u.id is null;
