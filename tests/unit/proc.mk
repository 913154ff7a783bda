# Unit tests of proc.
check_PROGRAMS += tests/unit/t_supervisor
TESTS += tests/unit/t_supervisor
tests_unit_t_supervisor_SOURCES = tests/unit/t_supervisor.c
tests_unit_t_supervisor_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_supervisor_LDADD = libproc.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/t_readiness
TESTS += tests/unit/t_readiness
tests_unit_t_readiness_SOURCES = tests/unit/t_readiness.c
tests_unit_t_readiness_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_readiness_LDADD = libproc.a libstats.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/t_share
TESTS += tests/unit/t_share
tests_unit_t_share_SOURCES = tests/unit/t_share.c tests/unit/stats_fixture.h
tests_unit_t_share_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_share_LDADD = libproc.a libstats.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
