-- Tables that came after the changes were applied; nothing where there are none.
do $$
begin
	perform cardkeep_legacy.close_schema('cardkeep_console');
	perform cardkeep_legacy.close_to_others('cardkeep_console.changes'::regclass);
	perform cardkeep_legacy.upgrade();
end
$$;

commit;

select 'cards' as what, count(*) as how_many from cardkeep.business_cards
union all
select 'slugs that had to change: cardkeep.upgrade_changes', count(*) from cardkeep.upgrade_changes
where kind = 'business_cards' and field = 'slug'
union all
select 'other values that had to change: cardkeep.upgrade_changes', count(*)
from cardkeep.upgrade_changes where kind <> 'business_cards' or field <> 'slug'
union all
select 'users without an account: cardkeep.waiting_users', count(*) from cardkeep.waiting_users;
