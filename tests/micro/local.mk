# What the worst inputs cost, counted by callgrind: tests/micro/run.
EXTRA_DIST += tests/micro/run
if HAVE_CALLGRIND
EXTRA_PROGRAMS += tests/micro/work
tests_micro_work_SOURCES = tests/micro/work.c
tests_micro_work_CFLAGS = $(AM_CFLAGS)
tests_micro_work_LDADD = libstatusd.a libapi.a libhttp.a libdb.a libstats.a libbase.a $(API_LIBS) $(HTTP_LIBS) $(DB_LIBS) $(BASE_LIBS)
endif
