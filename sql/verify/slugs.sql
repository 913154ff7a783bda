-- Verify cardkeep:slugs on pg

begin;

select 'cardkeep_api.slugify'::regproc;
select 'cardkeep_api.slug_candidate'::regproc;
select 'cardkeep_api.slug_held_here'::regproc;
select 'cardkeep.generate_unique_slug'::regproc;

rollback;
