# statusd: the status process.
noinst_LIBRARIES += libstatusd.a
libstatusd_a_SOURCES = \
	src/statusd/negotiate.c src/statusd/negotiate.h \
	src/statusd/readiness.c src/statusd/readiness.h \
	src/statusd/statusd.c src/statusd/statusd.h \
	src/statusd/visitor.c src/statusd/visitor.h
libstatusd_a_CFLAGS = $(AM_CFLAGS)
