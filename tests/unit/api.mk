# Unit tests of api.
UNIT_API = tests/unit/t_text tests/unit/t_url
check_PROGRAMS += $(UNIT_API)
TESTS += $(UNIT_API)

tests_unit_t_text_SOURCES = tests/unit/t_text.c
tests_unit_t_text_CFLAGS = $(UNIT_CFLAGS) -pthread
tests_unit_t_text_LDADD = libapi.a libbase.a $(API_LIBS) $(CMOCKA_LIBS)

tests_unit_t_url_SOURCES = tests/unit/t_url.c
tests_unit_t_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_url_LDADD = libapi.a libbase.a $(API_LIBS) $(CMOCKA_LIBS)
