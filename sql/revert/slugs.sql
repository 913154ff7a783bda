-- Revert cardkeep:slugs from pg

begin;

drop function cardkeep.generate_unique_slug;
drop function cardkeep_api.slug_held_here;
drop function cardkeep_api.slug_candidate;
drop function cardkeep_api.slugify;

commit;
