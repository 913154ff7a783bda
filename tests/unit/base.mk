# Unit tests of base.
UNIT_BASE = tests/unit/t_base tests/unit/t_conf tests/unit/t_place tests/unit/t_rule tests/unit/t_sink tests/unit/t_origins tests/unit/t_template
check_PROGRAMS += $(UNIT_BASE)
TESTS += $(UNIT_BASE)
EXTRA_DIST += scripts/gen-conf

tests_unit_t_template_SOURCES = tests/unit/t_template.c
tests_unit_t_template_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_template_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_t_base_SOURCES = tests/unit/t_base.c
tests_unit_t_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_base_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_conf_SOURCES = tests/unit/t_conf.c
tests_unit_t_conf_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_conf_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_rule_SOURCES = tests/unit/t_rule.c
tests_unit_t_rule_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_rule_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_origins_SOURCES = tests/unit/t_origins.c
tests_unit_t_origins_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_origins_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_place_SOURCES = tests/unit/t_place.c
tests_unit_t_place_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_place_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_sink_SOURCES = tests/unit/t_sink.c
tests_unit_t_sink_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_sink_LDADD = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
