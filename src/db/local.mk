# db: pq, with cancel, client, hosts and places are the only doors to libpq; outcome, sqlstate and retry are pure.
noinst_LIBRARIES += libdb.a
libdb_a_SOURCES = \
	src/db/call.c src/db/call.h \
	src/db/cancel.c src/db/cancel.h \
	src/db/client.c src/db/client.h \
	src/db/dial.c src/db/dial.h \
	src/db/hosts.c src/db/hosts.h \
	src/db/message.h \
	src/db/outcome.c src/db/outcome.h \
	src/db/places.c src/db/places.h \
	src/db/pq.c src/db/pq.h \
	src/db/resolve.c src/db/resolve.h \
	src/db/retry.c src/db/retry.h \
	src/db/sqlstate.c src/db/sqlstate.h \
	src/db/wave.c src/db/wave.h
libdb_a_CFLAGS = $(AM_CFLAGS) $(LIBPQ_CFLAGS) $(SSL_CFLAGS)
DB_LIBS = $(LIBPQ_LIBS) $(SSL_LIBS)
