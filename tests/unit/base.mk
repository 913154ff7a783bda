UNIT_BASE = tests/unit/t_base
check_PROGRAMS += $(UNIT_BASE)
TESTS += $(UNIT_BASE)
tests_unit_t_base_SOURCES = tests/unit/t_base.c
tests_unit_t_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_base_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
