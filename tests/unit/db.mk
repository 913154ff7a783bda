# Unit tests of db.
UNIT_DB = tests/unit/t_call tests/unit/t_dial tests/unit/t_hosts tests/unit/t_outcome tests/unit/t_retry tests/unit/t_sqlstate
check_PROGRAMS += $(UNIT_DB)
TESTS += $(UNIT_DB)

# t_call brings its own pq_result_free, so it takes one file of the room and no libpq.
tests_unit_t_call_SOURCES = tests/unit/t_call.c src/db/call.c
tests_unit_t_call_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_call_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

# t_dial brings its own pq_* and getaddrinfo, so db/pq is never linked.
tests_unit_t_dial_SOURCES = tests/unit/t_dial.c
tests_unit_t_dial_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_t_dial_LDADD = libdb.a libbase.a $(DB_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_hosts_SOURCES = tests/unit/t_hosts.c
tests_unit_t_hosts_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_hosts_LDADD = libdb.a libbase.a $(DB_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_outcome_SOURCES = tests/unit/t_outcome.c
tests_unit_t_outcome_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_outcome_LDADD = libdb.a libbase.a $(CMOCKA_LIBS)

tests_unit_t_retry_SOURCES = tests/unit/t_retry.c
tests_unit_t_retry_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_t_retry_LDADD = libdb.a libbase.a $(CMOCKA_LIBS)

tests_unit_t_sqlstate_SOURCES = tests/unit/t_sqlstate.c
tests_unit_t_sqlstate_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_sqlstate_LDADD = libdb.a libbase.a $(CMOCKA_LIBS)
