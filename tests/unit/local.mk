# Unit tests. Each is made of the file of its name, and links only the rooms that it may know, so an upward
# call fails at link time; what differs from that stands here.
UNIT_TESTS = \
	tests/unit/t_base tests/unit/t_conf tests/unit/t_json_text tests/unit/t_origins tests/unit/t_place tests/unit/t_rule \
	tests/unit/t_sink tests/unit/t_template \
	$(UNIT_STATS) $(UNIT_DB) $(UNIT_HTTP) $(UNIT_API) $(UNIT_PROCESSES) $(UNIT_TOOL)
AM_CFLAGS += $(CMOCKA_CFLAGS) $(JSONC_CFLAGS)
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
EXTRA_DIST += tests/unit/stats_fixture.h tests/unit/fcgi_client.h
# For tests of base, and for what names nothing else.
LDADD = $(UNIT_BASE_LIBS)
UNIT_BASE_LIBS = libbase.a $(BASE_LIBS) $(CMOCKA_LIBS)
EXTRA_DIST += scripts/gen-conf

# ---- stats, report
UNIT_STATS = tests/unit/t_alert tests/unit/t_event tests/unit/t_format tests/unit/t_histogram \
	tests/unit/t_metrics tests/unit/t_prometheus tests/unit/t_segment tests/unit/t_series \
	tests/unit/t_snapshot tests/unit/t_status_page
UNIT_STATS_LIBS = libreport.a libstats.a $(UNIT_BASE_LIBS) $(JSONC_LIBS)
UNIT_TOP = $(AM_CPPFLAGS) -DTOP_SRCDIR=\"$(abs_top_srcdir)\"
tests_unit_t_alert_CPPFLAGS = $(UNIT_TOP)
tests_unit_t_alert_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_event_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_format_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_histogram_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_metrics_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_prometheus_LDADD = libstatusd.a libhttp.a $(UNIT_STATS_LIBS)
tests_unit_t_segment_CPPFLAGS = $(UNIT_TOP)
tests_unit_t_segment_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_series_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_snapshot_LDADD = $(UNIT_STATS_LIBS)
tests_unit_t_status_page_LDADD = $(UNIT_STATS_LIBS)

# Nanoseconds for what one request counts: built by `make check`, run by hand with `make bench-stats`.
check_PROGRAMS += tests/micro/stats
tests_micro_stats_LDADD = libstats.a $(UNIT_BASE_LIBS)
bench-stats: tests/micro/stats
	@tests/micro/stats
.PHONY: bench-stats

# What promtool says to it, and whether doc/metrics.md is up to date.
check_PROGRAMS += tests/unit/print_metrics
tests_unit_print_metrics_LDADD = $(UNIT_STATS_LIBS)
TESTS += tests/unit/metrics-promtool scripts/check-metrics
EXTRA_DIST += tests/unit/metrics-promtool scripts/check-metrics scripts/gen-metrics \
	scripts/lib/prometheus.sh doc/metrics.md doc/segment.md

# ---- db
UNIT_DB = tests/unit/t_call tests/unit/t_dial tests/unit/t_hosts tests/unit/t_outcome tests/unit/t_retry \
	tests/unit/t_sqlstate tests/unit/t_wave
UNIT_DB_LIBS = libdb.a $(DB_LIBS) $(UNIT_BASE_LIBS)
# It brings its own pq_result_free, so it takes one file of the room and no libpq.
tests_unit_t_call_SOURCES = tests/unit/t_call.c src/db/call.c
# It brings its own pq_* and getaddrinfo, so db/pq is never linked.
tests_unit_t_dial_LDADD = $(UNIT_DB_LIBS)
tests_unit_t_hosts_LDADD = $(UNIT_DB_LIBS)
# Pure, without libpq.
tests_unit_t_outcome_LDADD = libdb.a $(UNIT_BASE_LIBS)
tests_unit_t_retry_LDADD = libdb.a $(UNIT_BASE_LIBS)
tests_unit_t_sqlstate_LDADD = libdb.a $(UNIT_BASE_LIBS)
# Against a scripted pipeline: it brings its own pq_*.
tests_unit_t_wave_LDADD = libdb.a $(UNIT_BASE_LIBS)

# ---- http
UNIT_HTTP = tests/unit/t_accept tests/unit/t_fcgi tests/unit/t_json tests/unit/t_listen \
	tests/unit/t_prefer tests/unit/t_problem tests/unit/t_record tests/unit/t_reply tests/unit/t_request
UNIT_HTTP_LIBS = libhttp.a $(HTTP_LIBS) $(UNIT_BASE_LIBS)
tests_unit_t_accept_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_fcgi_SOURCES = tests/unit/t_fcgi.c tests/unit/fcgi_client.c
tests_unit_t_fcgi_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_json_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_listen_SOURCES = tests/unit/t_listen.c tests/unit/fcgi_client.c
tests_unit_t_listen_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_prefer_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_problem_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_record_SOURCES = tests/unit/t_record.c tests/unit/fcgi_client.c
tests_unit_t_record_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_reply_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_t_request_LDADD = $(UNIT_HTTP_LIBS)
# The catalogue of problems, and what nginx answers itself, are written from the lists that the service is built from.
TESTS += scripts/check-problems
EXTRA_DIST += scripts/check-problems scripts/gen-problems doc/problems.md

# ---- api, as far as it needs no database
UNIT_API = tests/unit/t_cookie tests/unit/t_cors tests/unit/t_exchange tests/unit/t_key tests/unit/t_known \
	tests/unit/t_origin tests/unit/t_query tests/unit/t_rest tests/unit/t_router tests/unit/t_secret tests/unit/t_text \
	tests/unit/t_url tests/unit/t_versioned
UNIT_API_LIBS = libapi.a libhttp.a libdb.a libstats.a $(API_LIBS) $(HTTP_LIBS) $(DB_LIBS) $(UNIT_BASE_LIBS)
tests_unit_t_cookie_LDADD = $(UNIT_API_LIBS)
tests_unit_t_cors_LDADD = $(UNIT_API_LIBS)
# It looks through memory as it is given back.
tests_unit_t_exchange_LDFLAGS = -Wl,--wrap=free
tests_unit_t_exchange_LDADD = $(UNIT_API_LIBS)
tests_unit_t_key_LDADD = $(UNIT_API_LIBS)
tests_unit_t_known_LDADD = $(UNIT_API_LIBS)
tests_unit_t_origin_LDADD = $(UNIT_API_LIBS)
tests_unit_t_query_LDADD = $(UNIT_API_LIBS)
tests_unit_t_rest_LDADD = $(UNIT_API_LIBS)
tests_unit_t_router_LDADD = $(UNIT_API_LIBS)
tests_unit_t_secret_LDADD = $(UNIT_API_LIBS)
tests_unit_t_text_LDADD = libapi.a $(API_LIBS) $(UNIT_BASE_LIBS)
tests_unit_t_url_LDADD = libapi.a $(API_LIBS) $(UNIT_BASE_LIBS)
tests_unit_t_versioned_LDADD = $(UNIT_API_LIBS)

# ---- proc, worker, supervisor, statusd
UNIT_PROCESSES = tests/unit/t_admit tests/unit/t_audit tests/unit/t_balance tests/unit/t_disk \
	tests/unit/t_fair tests/unit/t_hasher tests/unit/t_in_flight tests/unit/t_job tests/unit/t_lane \
	tests/unit/t_last_seen tests/unit/t_policy tests/unit/t_readiness tests/unit/t_sandbox \
	tests/unit/t_signals tests/unit/t_tries tests/unit/t_visitor
tests_unit_t_admit_LDADD = libworker.a libproc.a $(UNIT_BASE_LIBS)
tests_unit_t_audit_LDADD = libworker.a libproc.a libstats.a $(UNIT_BASE_LIBS)
tests_unit_t_balance_LDADD = libworker.a libstats.a $(UNIT_BASE_LIBS)
tests_unit_t_disk_LDADD = libsupervisor.a libstats.a $(UNIT_BASE_LIBS)
tests_unit_t_fair_LDADD = libworker.a $(UNIT_BASE_LIBS)
tests_unit_t_hasher_LDADD = libworker.a libproc.a $(UNIT_API_LIBS)
# It brings its own hasher and its own door to nginx.
tests_unit_t_in_flight_LDADD = libworker.a libproc.a $(UNIT_API_LIBS)
# Jobs without a request: these take files of the room and nothing of those above.
tests_unit_t_job_SOURCES = tests/unit/t_job.c src/worker/job.c
tests_unit_t_job_LDADD = libstats.a $(UNIT_BASE_LIBS)
tests_unit_t_lane_SOURCES = tests/unit/t_lane.c src/worker/lane.c src/worker/job.c
tests_unit_t_lane_LDADD = libstats.a $(UNIT_BASE_LIBS)
tests_unit_t_last_seen_LDADD = libworker.a $(UNIT_BASE_LIBS)
tests_unit_t_policy_LDADD = libsupervisor.a libproc.a $(UNIT_BASE_LIBS)
tests_unit_t_readiness_LDADD = libstatusd.a libdb.a libstats.a $(UNIT_BASE_LIBS)
tests_unit_t_sandbox_LDADD = libproc.a libdb.a libstats.a $(PROC_LIBS) $(DB_LIBS) $(UNIT_BASE_LIBS)
tests_unit_t_signals_LDADD = libproc.a $(UNIT_BASE_LIBS)
tests_unit_t_tries_LDADD = libproc.a $(UNIT_BASE_LIBS)
tests_unit_t_visitor_LDADD = libstatusd.a $(UNIT_BASE_LIBS)

# ---- tool
UNIT_TOOL = tests/unit/t_hostile tests/unit/t_life tests/unit/t_view
UNIT_TOOL_LIBS = libtool.a $(UNIT_STATS_LIBS)
tests_unit_t_hostile_LDADD = $(UNIT_TOOL_LIBS)
tests_unit_t_life_LDADD = $(UNIT_TOOL_LIBS)
tests_unit_t_view_LDADD = $(UNIT_TOOL_LIBS)
