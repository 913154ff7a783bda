-- What each kind of caller sees, changes and deletes, as rows; nothing of it stays. Errors are part of it.
\set ON_ERROR_STOP off
\set QUIET on
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on

\set caller anon
\set sub ''
\ir seen-as.sql
\set caller authenticated
\set sub `printf 1 | md5sum | cut -c 1-32`
\ir seen-as.sql
\set sub `printf 2 | md5sum | cut -c 1-32`
\ir seen-as.sql
\set sub `printf nobody | md5sum | cut -c 1-32`
\ir seen-as.sql
\set caller service_role
\set sub `printf 1 | md5sum | cut -c 1-32`
\ir seen-as.sql
