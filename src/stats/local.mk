# stats: what every process tells about itself, and how others read it. Knows only base.
noinst_LIBRARIES += libstats.a
libstats_a_SOURCES = \
	src/stats/alert.c src/stats/alert.def src/stats/alert.h \
	src/stats/assets.c src/stats/assets.h \
	src/stats/cells.c src/stats/cells.h \
	src/stats/event.c src/stats/event.h \
	src/stats/expose.c src/stats/expose.h src/stats/expose_accept.c \
	src/stats/expose_json.h src/stats/expose_status.c src/stats/expose_windows.c \
	src/stats/figure.c src/stats/figure.h \
	src/stats/history.c src/stats/history.def src/stats/history.h \
	src/stats/histogram.c src/stats/histogram.h \
	src/stats/indicator.c src/stats/indicator.def src/stats/indicator.h \
	src/stats/labels.def src/stats/metrics.def \
	src/stats/metrics.c src/stats/metrics.h \
	src/stats/panel.c src/stats/panel.h src/stats/panel_chart.c \
	src/stats/panel_parts.h src/stats/panel_tables.c \
	src/stats/procfs.c src/stats/procfs.h \
	src/stats/segment.c src/stats/segment.h \
	src/stats/snapshot.c src/stats/snapshot.h \
	src/stats/stats.c src/stats/stats.h \
	src/stats/times.h \
	src/stats/window.c src/stats/window.h
libstats_a_CFLAGS = $(AM_CFLAGS)

# What /status is made of, within the program: it needs no file to be there, and none of another
# version can be.
STATUS_FILES = web/status/page.html web/status/page.css web/status/page.js web/status/icon.svg \
	web/status/uplot.js web/status/uplot.css
nodist_libstats_a_SOURCES = src/stats/assets_data.c
CLEANFILES += src/stats/assets_data.c
EXTRA_DIST += scripts/gen-assets $(STATUS_FILES)
# It goes wherever the program goes that holds uPlot.
dist_doc_DATA = web/status/uplot.LICENSE
src/stats/assets_data.c: $(srcdir)/scripts/gen-assets $(STATUS_FILES)
	$(AM_V_GEN)$(MKDIR_P) src/stats && cd $(srcdir) && \
		scripts/gen-assets $(STATUS_FILES) >$(abs_builddir)/$@.new && \
		mv $(abs_builddir)/$@.new $(abs_builddir)/$@
