# stats: what every process tells about itself, and what is judged by it. Knows only base.
noinst_LIBRARIES += libstats.a
libstats_a_SOURCES = \
	src/stats/alert.c src/stats/alert.h \
	src/stats/cells.c src/stats/cells.h \
	src/stats/event.c src/stats/event.h \
	src/stats/histogram.c src/stats/histogram.h \
	src/stats/indicator.c src/stats/indicator.h \
	src/stats/metrics.c src/stats/metrics.h \
	src/stats/procfs.c src/stats/procfs.h \
	src/stats/segment.c src/stats/segment.h \
	src/stats/seqlock.h \
	src/stats/series.c src/stats/series.h \
	src/stats/snapshot.c src/stats/snapshot.h \
	src/stats/stats.c src/stats/stats.h \
	src/stats/times.h \
	src/stats/window.c src/stats/window.h
libstats_a_CFLAGS = $(AM_CFLAGS)
