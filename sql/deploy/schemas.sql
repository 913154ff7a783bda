-- Deploy cardkeep:schemas to pg
--
-- cardkeep holds the tables and the functions promised to everyone; cardkeep_api holds what the
-- service calls, and the parts that both are made of.
--
-- What is called from outside pins its search path: whatever acts as its owner, triggers, and all of
-- cardkeep. What only these call inherits it, for to pin it again costs more than many of them do.

begin;

set local role cardkeep_owner;

create schema cardkeep;
comment on schema cardkeep is 'Digital business cards and profiles, and the functions promised to their users';

create schema cardkeep_api;
comment on schema cardkeep_api is 'What the Cardkeep service calls; not for people';

grant usage on schema cardkeep, cardkeep_api to cardkeep_runtime;

commit;
