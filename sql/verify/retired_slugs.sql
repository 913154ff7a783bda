-- Verify cardkeep:retired_slugs on pg

begin;

select slug, card_id, user_id, retired_at
from cardkeep.retired_slugs where false;

rollback;
