# Unit tests of http.
UNIT_HTTP = tests/unit/t_json tests/unit/t_request tests/unit/t_reply tests/unit/t_problem \
	tests/unit/t_fcgi tests/unit/t_listen tests/unit/t_record tests/unit/t_prefer tests/unit/t_accept
HTTP_TEST_LIBS = libhttp.a libbase.a $(HTTP_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += $(UNIT_HTTP)
TESTS += $(UNIT_HTTP)
tests_unit_t_record_SOURCES = tests/unit/t_record.c tests/unit/fcgi_client.c tests/unit/fcgi_client.h
tests_unit_t_record_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_record_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_json_SOURCES = tests/unit/t_json.c
tests_unit_t_json_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_json_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_request_SOURCES = tests/unit/t_request.c
tests_unit_t_request_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_request_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_reply_SOURCES = tests/unit/t_reply.c
tests_unit_t_reply_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_reply_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_problem_SOURCES = tests/unit/t_problem.c
tests_unit_t_problem_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_problem_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_prefer_SOURCES = tests/unit/t_prefer.c
tests_unit_t_prefer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_prefer_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_fcgi_SOURCES = tests/unit/t_fcgi.c tests/unit/fcgi_client.c tests/unit/fcgi_client.h
tests_unit_t_fcgi_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_fcgi_LDADD = $(HTTP_TEST_LIBS)
tests_unit_t_listen_SOURCES = tests/unit/t_listen.c tests/unit/fcgi_client.c tests/unit/fcgi_client.h
tests_unit_t_listen_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_listen_LDADD = $(HTTP_TEST_LIBS)

# The catalogue of problems is written from the list that the service itself is built from.
TESTS += scripts/check-problems
EXTRA_DIST += scripts/check-problems scripts/gen-problems doc/problems.md
tests_unit_t_accept_SOURCES = tests/unit/t_accept.c
tests_unit_t_accept_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_accept_LDADD = $(HTTP_TEST_LIBS)
