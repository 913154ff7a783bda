# Unit tests of tool.
UNIT_TOOL = tests/unit/t_hostile tests/unit/t_life tests/unit/t_view
check_PROGRAMS += $(UNIT_TOOL)
TESTS += $(UNIT_TOOL)
UNIT_TOOL_LIBS = libtool.a libreport.a libstats.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)

tests_unit_t_hostile_SOURCES = tests/unit/t_hostile.c tests/unit/stats_fixture.h
tests_unit_t_hostile_CFLAGS = $(UNIT_CFLAGS) $(JSONC_CFLAGS)
tests_unit_t_hostile_LDADD = $(UNIT_TOOL_LIBS) $(JSONC_LIBS)

tests_unit_t_life_SOURCES = tests/unit/t_life.c
tests_unit_t_life_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_life_LDADD = $(UNIT_TOOL_LIBS)

tests_unit_t_view_SOURCES = tests/unit/t_view.c
tests_unit_t_view_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_view_LDADD = $(UNIT_TOOL_LIBS)
