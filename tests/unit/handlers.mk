# Handlers of api that need no database.
check_PROGRAMS += tests/unit/t_versioned tests/unit/t_router tests/unit/t_key
TESTS += tests/unit/t_versioned tests/unit/t_router tests/unit/t_key
HANDLER_LIBS = libapi.a libhttp.a libdb.a libstats.a libbase.a $(API_LIBS) $(HTTP_LIBS) $(DB_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_t_versioned_SOURCES = tests/unit/t_versioned.c
tests_unit_t_versioned_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_versioned_LDADD = $(HANDLER_LIBS)
tests_unit_t_router_SOURCES = tests/unit/t_router.c
tests_unit_t_router_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_router_LDADD = $(HANDLER_LIBS)
tests_unit_t_key_SOURCES = tests/unit/t_key.c
tests_unit_t_key_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_key_LDADD = $(HANDLER_LIBS)
