-- promise: the database is in UTF-8
select d.datname::text, 'is in ' || pg_encoding_to_char(d.encoding)
|| '; a new one in UTF8 takes its dump' from pg_database d
where d.datname = current_database() and pg_encoding_to_char(d.encoding) <> 'UTF8';
