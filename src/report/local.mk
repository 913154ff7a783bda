# report: what was counted, as people and programs read it.
noinst_LIBRARIES += libreport.a
libreport_a_SOURCES = \
	src/report/assets.c src/report/assets.h \
	src/report/format.c src/report/format.h \
	src/report/prometheus.c src/report/prometheus.h \
	src/report/series_json.c src/report/series_json.h \
	src/report/status_charts.c \
	src/report/status_json.c src/report/status_json.h \
	src/report/status_page.c src/report/status_page.h \
	src/report/status_parts.h \
	src/report/status_tables.c \
	src/report/windows_json.c src/report/windows_json.h
libreport_a_CFLAGS = $(AM_CFLAGS)

# What /status is made of, within the program: it needs no file to be there, and none of another
# version can be.
STATUS_FILES = web/status/page.html web/status/page.css web/status/page.js web/status/icon.svg \
	web/status/uplot.js web/status/uplot.css
nodist_libreport_a_SOURCES = src/report/assets_data.c
CLEANFILES += src/report/assets_data.c
EXTRA_DIST += scripts/gen-assets $(STATUS_FILES)
# It goes wherever the program goes that holds uPlot.
dist_doc_DATA = web/status/uplot.LICENSE
src/report/assets_data.c: $(srcdir)/scripts/gen-assets $(STATUS_FILES)
	$(AM_V_GEN)$(MKDIR_P) src/report && cd $(srcdir) && \
		scripts/gen-assets $(STATUS_FILES) >$(abs_builddir)/$@.new && \
		mv $(abs_builddir)/$@.new $(abs_builddir)/$@
