# stats: what every process tells about itself, and how others read it. Knows only base.
noinst_LIBRARIES += libstats.a
libstats_a_SOURCES = \
	src/stats/alert.c src/stats/alert.def src/stats/alert.h \
	src/stats/cells.c src/stats/cells.h \
	src/stats/expose.c src/stats/expose.h src/stats/expose_accept.c \
	src/stats/expose_json.h src/stats/expose_status.c src/stats/expose_windows.c \
	src/stats/histogram.c src/stats/histogram.h \
	src/stats/indicator.c src/stats/indicator.def src/stats/indicator.h \
	src/stats/labels.def src/stats/metrics.def \
	src/stats/metrics.c src/stats/metrics.h \
	src/stats/procfs.c src/stats/procfs.h \
	src/stats/segment.c src/stats/segment.h \
	src/stats/snapshot.c src/stats/snapshot.h \
	src/stats/stats.c src/stats/stats.h \
	src/stats/window.c src/stats/window.h
libstats_a_CFLAGS = $(AM_CFLAGS)
