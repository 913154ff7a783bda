# The fuzz targets, made with `configure --enable-fuzz CC=clang` and run by tests/fuzz/run.
FUZZ_TARGETS = tests/fuzz/json tests/fuzz/query tests/fuzz/text tests/fuzz/url tests/fuzz/conf \
	tests/fuzz/request tests/fuzz/segment tests/fuzz/headers
FUZZ_LIBS = libstatusd.a libapi.a libreport.a libhttp.a libdb.a libstats.a libbase.a $(API_LIBS) $(HTTP_LIBS) $(DB_LIBS) $(BASE_LIBS)
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer

if FUZZ
EXTRA_PROGRAMS += $(FUZZ_TARGETS) tests/fuzz/planted

tests_fuzz_json_SOURCES = tests/fuzz/json.c tests/fuzz/fuzz.h
tests_fuzz_json_CFLAGS = $(AM_CFLAGS) $(JSONC_CFLAGS)
tests_fuzz_json_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_json_LDADD = libhttp.a libbase.a $(HTTP_LIBS) $(BASE_LIBS)
tests_fuzz_query_SOURCES = tests/fuzz/query.c tests/fuzz/fuzz.h
tests_fuzz_query_CFLAGS = $(AM_CFLAGS)
tests_fuzz_query_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_query_LDADD = $(FUZZ_LIBS)
tests_fuzz_text_SOURCES = tests/fuzz/text.c tests/fuzz/fuzz.h
tests_fuzz_text_CFLAGS = $(AM_CFLAGS) $(ICU_CFLAGS)
tests_fuzz_text_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_text_LDADD = $(FUZZ_LIBS)
tests_fuzz_url_SOURCES = tests/fuzz/url.c tests/fuzz/fuzz.h
tests_fuzz_url_CFLAGS = $(AM_CFLAGS)
tests_fuzz_url_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_url_LDADD = $(FUZZ_LIBS)
tests_fuzz_conf_SOURCES = tests/fuzz/conf.c tests/fuzz/fuzz.h
tests_fuzz_conf_CFLAGS = $(AM_CFLAGS)
tests_fuzz_conf_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_conf_LDADD = libbase.a $(BASE_LIBS)
tests_fuzz_request_SOURCES = tests/fuzz/request.c tests/fuzz/fuzz.h
tests_fuzz_request_CFLAGS = $(AM_CFLAGS)
tests_fuzz_request_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_request_LDADD = $(FUZZ_LIBS)
tests_fuzz_segment_SOURCES = tests/fuzz/segment.c tests/fuzz/fuzz.h
tests_fuzz_segment_CFLAGS = $(AM_CFLAGS)
tests_fuzz_segment_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_segment_LDADD = $(FUZZ_LIBS)
tests_fuzz_headers_SOURCES = tests/fuzz/headers.c tests/fuzz/fuzz.h
tests_fuzz_headers_CFLAGS = $(AM_CFLAGS)
tests_fuzz_headers_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_headers_LDADD = $(FUZZ_LIBS)
tests_fuzz_planted_SOURCES = tests/fuzz/planted.c tests/fuzz/fuzz.h
tests_fuzz_planted_CFLAGS = $(AM_CFLAGS)
tests_fuzz_planted_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_planted_LDADD = libbase.a $(BASE_LIBS)

fuzz-targets: $(FUZZ_TARGETS) tests/fuzz/planted
.PHONY: fuzz-targets
endif
