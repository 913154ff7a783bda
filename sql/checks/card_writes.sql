-- promise: a card's latest version in history is of the write, and the time, of the card
select b.id::text, case when h.write_id is distinct from b.last_write
	then 'version ' || b.version || ' is of another write in history'
	else 'version ' || b.version || ' is of another time in history' end
from cardkeep.business_cards b join cardkeep.business_card_versions h
	on h.card_id = b.id and h.version = b.version
where h.write_id is distinct from b.last_write or h.at is distinct from b.updated_at;
