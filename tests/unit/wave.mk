# The wave against a scripted pipeline: the test defines pq_*, so db/pq is never linked.
check_PROGRAMS += tests/unit/t_wave
TESTS += tests/unit/t_wave
tests_unit_t_wave_SOURCES = tests/unit/t_wave.c
tests_unit_t_wave_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_wave_LDADD = libdb.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
