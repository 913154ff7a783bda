-- promise: a slug is words of a-z and 0-9, joined by hyphens
select b.id::text, 'has a slug that is not' from cardkeep.business_cards b
where b.slug is null or char_length(b.slug) > 87 or b.slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$';
