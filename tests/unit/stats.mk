# Unit tests of stats and report.
UNIT_STATS = tests/unit/t_alert tests/unit/t_event tests/unit/t_prometheus tests/unit/t_format tests/unit/t_histogram \
	tests/unit/t_series tests/unit/t_metrics tests/unit/t_status_page tests/unit/t_segment tests/unit/t_snapshot
check_PROGRAMS += $(UNIT_STATS)
TESTS += $(UNIT_STATS)
UNIT_STATS_LIBS = libreport.a libstats.a libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
UNIT_STATS_CPPFLAGS = $(AM_CPPFLAGS) -DTOP_SRCDIR=\"$(abs_top_srcdir)\"

tests_unit_t_alert_SOURCES = tests/unit/t_alert.c
tests_unit_t_alert_CPPFLAGS = $(UNIT_STATS_CPPFLAGS)
tests_unit_t_alert_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_alert_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_prometheus_SOURCES = tests/unit/t_prometheus.c tests/unit/stats_fixture.h
tests_unit_t_prometheus_CFLAGS = $(UNIT_CFLAGS) $(JSONC_CFLAGS)
tests_unit_t_prometheus_LDADD = libstatusd.a libhttp.a $(UNIT_STATS_LIBS) $(JSONC_LIBS)
tests_unit_t_event_SOURCES = tests/unit/t_event.c tests/unit/stats_fixture.h
tests_unit_t_event_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_event_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_format_SOURCES = tests/unit/t_format.c
tests_unit_t_format_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_format_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_series_SOURCES = tests/unit/t_series.c tests/unit/stats_fixture.h
tests_unit_t_series_CFLAGS = $(UNIT_CFLAGS) $(JSONC_CFLAGS)
tests_unit_t_series_LDADD = $(UNIT_STATS_LIBS) $(JSONC_LIBS)
tests_unit_t_status_page_SOURCES = tests/unit/t_status_page.c tests/unit/stats_fixture.h
tests_unit_t_status_page_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_status_page_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_histogram_SOURCES = tests/unit/t_histogram.c
tests_unit_t_histogram_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_histogram_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_metrics_SOURCES = tests/unit/t_metrics.c
tests_unit_t_metrics_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_metrics_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_segment_SOURCES = tests/unit/t_segment.c tests/unit/stats_fixture.h
tests_unit_t_segment_CPPFLAGS = $(UNIT_STATS_CPPFLAGS)
tests_unit_t_segment_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_segment_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_snapshot_SOURCES = tests/unit/t_snapshot.c tests/unit/stats_fixture.h
tests_unit_t_snapshot_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_snapshot_LDADD = $(UNIT_STATS_LIBS)

# Nanoseconds for what one request counts: built by `make check`, run by hand with `make bench-stats`.
check_PROGRAMS += tests/micro/stats
tests_micro_stats_SOURCES = tests/micro/stats.c
tests_micro_stats_CFLAGS = $(AM_CFLAGS)
tests_micro_stats_LDADD = libstats.a libbase.a $(BASE_LIBS)
bench-stats: tests/micro/stats
	@tests/micro/stats
.PHONY: bench-stats

# What promtool says to it, and whether doc/metrics.md is up to date.
check_PROGRAMS += tests/unit/print_metrics
tests_unit_print_metrics_SOURCES = tests/unit/print_metrics.c tests/unit/stats_fixture.h
tests_unit_print_metrics_CFLAGS = $(AM_CFLAGS)
tests_unit_print_metrics_LDADD = libreport.a libstats.a libbase.a $(BASE_LIBS)
TESTS += tests/unit/metrics-promtool scripts/check-metrics
EXTRA_DIST += tests/unit/metrics-promtool scripts/check-metrics scripts/gen-metrics \
	scripts/lib/prometheus.sh doc/metrics.md doc/segment.md
