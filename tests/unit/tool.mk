# Unit tests of tool.
check_PROGRAMS += tests/unit/t_figure
TESTS += tests/unit/t_figure
tests_unit_t_figure_SOURCES = tests/unit/t_figure.c
tests_unit_t_figure_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_figure_LDADD = libtool.a libstats.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
