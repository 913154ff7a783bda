/* What Prometheus, OpenMetrics readers and /status.json get, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/clock.h"
#include "report/prometheus.h"
#include "report/status_json.h"
#include "stats_fixture.h"
#include "statusd/negotiate.h"

static const struct uuid some_request = {{0x6f, 0x96, 0x19, 0xff, 0x8b, 0x86, 0xd0, 0x11, 0xb4,
	0x2d, 0x00, 0xc0, 0x4f, 0xc9, 0x64, 0xff}};

/* A service ten seconds old, with one worker that has done a little of everything. */
static struct snapshot *some_service(struct fixture *fixture)
{
	struct segment *segment = fixture->segment;
	struct stats_slot *slot = segment_slot(segment, 0, 0);
	int64_t made_us = segment_header(segment)->made_us;

	const struct segment_alert_record firing = {.state = STATS_ALERT_STATE_FIRING,
		.since_wall_us = INT64_C(1769860800123456),
		.known = true,
		.value = 0.25,
		.on = true,
		.threshold = 0.05,
		.fired = 2};

	segment_alert_set(segment, STATS_ALERT_VERSION_CONFLICT_RATE_HIGH, &firing);
	segment_supervisor_set(segment, 4242, 4243, 7);
	segment_log_level_set(segment, LOG_LEVEL_DEBUG);
	segment_log_lost_set(segment, 17);
	segment_disk_set(segment, &(const struct segment_disk){40, 1000, true});
	segment_supervisor_beat(segment, made_us + 9 * CLOCK_S, 12);
	segment_worker_start(segment, 0, 7, made_us + 2 * CLOCK_S);
	segment_worker_pid(segment, 0, 4244);
	segment_worker_state(segment, 0, STATS_WORKER_READY);
	segment_worker_beat(segment, 0, made_us + 10 * CLOCK_S);
	segment_worker_restart(segment, 0, STATS_RESTART_KILLED);
	for (int i = 0; i < 3; i++)
		stats_inc(slot, STATS_REQUESTS_STARTED);
	stats_inc(slot, STATS_REQUESTS_FINISHED);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_UPDATE, STATS_CODE_409);
	stats_observe(slot, STATS_REQUEST_DURATION, STATS_ROUTE_CARD_UPDATE, 1500);
	stats_observe(slot, STATS_WAVE_SIZE, STATS_NO_LABEL, 3);
	stats_add(slot, STATS_OPERATIONS, 4);
	stats_add(slot, STATS_OPERATION_ATTEMPTS, 5);
	stats_count(slot, STATS_VERSION_CONFLICTS, STATS_ENTITY_CARD);
	for (int i = 0; i < 3; i++)
		stats_count(slot, STATS_UPDATES, STATS_ENTITY_CARD);
	stats_count(slot, STATS_RETRIED_OPERATIONS, STATS_OUTCOME_ANSWERED);
	stats_in_flight(slot, 2);
	stats_activity(slot, STATS_THREAD_DATABASE, STATS_ROUTE_CARD_UPDATE, &some_request,
		made_us + 9 * CLOCK_S);
	stats_connection(slot, STATS_CONNECTION_OPEN, NULL, made_us + 2 * CLOCK_S);
	return snapshot_take(segment, made_us + 10 * CLOCK_S);
}

static void expect_lines(const char *text, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char whole[512];

		snprintf(whole, sizeof(whole), "\n%s\n", lines[i]);
		if (strstr(text, whole) == NULL)
			fail_msg("not exposed: %s", lines[i]);
	}
}

/* ---- both formats -------------------------------------------------------------------------- */

static void samples_are_the_same_in_both_formats(void **state)
{
	static const char *const lines[] = {
		"cardkeep_requests_total{route=\"card-update\",code=\"409\"} 1",
		"cardkeep_requests_started_total 3",
		"cardkeep_requests_finished_total 1",
		"cardkeep_requests_lost_total 0",
		"cardkeep_requests_in_flight 2",
		"cardkeep_request_duration_seconds_bucket{route=\"card-update\",le=\"0.001024\"} 0",
		"cardkeep_request_duration_seconds_bucket{route=\"card-update\",le=\"0.002048\"} 1",
		"cardkeep_request_duration_seconds_bucket{route=\"card-update\",le=\"8.388608\"} 1",
		"cardkeep_request_duration_seconds_bucket{route=\"card-update\",le=\"+Inf\"} 1",
		"cardkeep_request_duration_seconds_sum{route=\"card-update\"} 0.0015",
		"cardkeep_request_duration_seconds_count{route=\"card-update\"} 1",
		"cardkeep_request_duration_seconds_sum{route=\"me\"} 0.0",
		"cardkeep_wave_size_bucket{le=\"2.0\"} 0",
		"cardkeep_wave_size_bucket{le=\"4.0\"} 1",
		"cardkeep_wave_size_bucket{le=\"+Inf\"} 1",
		"cardkeep_wave_size_sum 3",
		"cardkeep_wave_size_count 1",
		"cardkeep_updates_total{entity=\"card\"} 3",
		"cardkeep_updates_total{entity=\"personal\"} 0",
		"cardkeep_version_conflicts_total{entity=\"card\"} 1",
		"cardkeep_retry_attempts_total{reason=\"stale_plan\"} 0",
		"cardkeep_retried_operations_total{outcome=\"answered\"} 1",
		"cardkeep_operation_attempts_total 5",
		"cardkeep_requests_shed_total{reason=\"hash-queue\"} 0",
		"cardkeep_wave_splits_total{sqlstate=\"40P01\"} 0",
		"cardkeep_workers{state=\"ready\"} 1",
		"cardkeep_workers{state=\"dead\"} 0",
		"cardkeep_threads 3",
		"cardkeep_threads_busy 1",
		"cardkeep_worker_restarts_total{reason=\"killed\"} 1",
		"cardkeep_db_connections{state=\"open\"} 1",
		"cardkeep_db_connections{state=\"closed\"} 0",
		"cardkeep_db_connections{state=\"unused\"} 2",
		"cardkeep_db_connections_max 12",
		"cardkeep_logins_total{outcome=\"refused\"} 0",
		"cardkeep_threads_held 3",
		"cardkeep_alert_firing{alert=\"VersionConflictRateHigh\"} 1",
		"cardkeep_alert_firing{alert=\"DatabaseUnreachable\"} 0",
		"cardkeep_operations_excessive_total 0",
		"cardkeep_db_calls_failed_total{function=\"read_card\"} 0",
		"cardkeep_build_info{version=\"1.2.3\"} 1",
	};
	struct snapshot *snapshot = some_service(*state);
	struct buf text = {0};
	struct buf open = {0};

	prometheus_write(&text, snapshot, PROMETHEUS_TEXT);
	prometheus_write(&open, snapshot, PROMETHEUS_OPENMETRICS);
	expect_lines(buf_cstr(&text), lines, ARRAY_LEN(lines));
	expect_lines(buf_cstr(&open), lines, ARRAY_LEN(lines));
	assert_null(strstr(buf_cstr(&text), "state=\"\""));
	assert_null(strstr(buf_cstr(&text), "code=\"500\""));
	buf_free(&text);
	buf_free(&open);
	snapshot_free(&snapshot);
}

/* The lines of `from` that are samples, in order. */
static void only_samples(const char *from, struct buf *to)
{
	while (*from != '\0') {
		size_t len = strcspn(from, "\n") + 1;

		if (*from != '#')
			buf_add(to, from, len);
		from += len;
	}
}

static void no_sample_line_differs_between_the_formats(void **state)
{
	struct snapshot *snapshot = some_service(*state);
	struct buf bufs[4] = {{0}};

	prometheus_write(&bufs[0], snapshot, PROMETHEUS_TEXT);
	prometheus_write(&bufs[1], snapshot, PROMETHEUS_OPENMETRICS);
	only_samples(buf_cstr(&bufs[0]), &bufs[2]);
	only_samples(buf_cstr(&bufs[1]), &bufs[3]);
	assert_string_equal(buf_cstr(&bufs[2]), buf_cstr(&bufs[3]));
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_free(&bufs[i]);
	snapshot_free(&snapshot);
}

static void text_names_counters_whole_and_knows_no_info(void **state)
{
	static const char *const lines[] = {
		"# HELP cardkeep_logins_total Sign-ins, by how they ended.",
		"# TYPE cardkeep_updates_total counter",
		"# TYPE cardkeep_request_duration_seconds histogram",
		"# TYPE cardkeep_workers gauge",
		"# TYPE cardkeep_build_info gauge",
		"# TYPE process_cpu_seconds_total counter",
	};
	struct snapshot *snapshot = some_service(*state);
	struct buf out = {0};

	prometheus_write(&out, snapshot, PROMETHEUS_TEXT);
	expect_lines(buf_cstr(&out), lines, ARRAY_LEN(lines));
	assert_null(strstr(buf_cstr(&out), "# UNIT"));
	assert_null(strstr(buf_cstr(&out), "# EOF"));
	assert_string_equal(prometheus_content_type(PROMETHEUS_TEXT),
		"text/plain; version=0.0.4; charset=utf-8");
	buf_free(&out);
	snapshot_free(&snapshot);
}

static void openmetrics_names_families_without_suffix_and_ends_in_eof(void **state)
{
	static const char *const lines[] = {
		"# TYPE cardkeep_updates counter",
		"# HELP cardkeep_logins Sign-ins, by how they ended.",
		"# TYPE cardkeep_request_duration_seconds histogram",
		"# UNIT cardkeep_request_duration_seconds seconds",
		"# TYPE cardkeep_build info",
		"# TYPE process_cpu_seconds counter",
		"# UNIT process_cpu_seconds seconds",
		"# UNIT process_resident_memory_bytes bytes",
	};
	struct snapshot *snapshot = some_service(*state);
	struct buf out = {0};

	prometheus_write(&out, snapshot, PROMETHEUS_OPENMETRICS);
	expect_lines(buf_cstr(&out), lines, ARRAY_LEN(lines));
	assert_string_equal(out.data + out.len - 6, "# EOF\n");
	assert_ptr_equal(strstr(out.data, "# EOF"), out.data + out.len - 6);
	assert_string_equal(prometheus_content_type(PROMETHEUS_OPENMETRICS),
		"application/openmetrics-text; version=1.0.0; charset=utf-8");
	buf_free(&out);
	snapshot_free(&snapshot);
}

static void a_histogram_has_at_most_twenty_buckets(void **state)
{
	struct snapshot *snapshot = some_service(*state);
	struct buf out = {0};
	const char *at;
	int count = 0;

	prometheus_write(&out, snapshot, PROMETHEUS_TEXT);
	for (at = buf_cstr(&out); (at = strstr(at, "queue_wait_seconds_bucket")) != NULL; at++)
		count++;
	assert_in_range(count, 10, 20);
	buf_free(&out);
	snapshot_free(&snapshot);
}

static void every_living_process_is_told_of_by_its_slot(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snapshot;
	struct buf out = {0};

	segment_supervisor_set(fixture->segment, getpid(), 0, 1);
	segment_worker_start(fixture->segment, 1, 1, 0);
	segment_worker_pid(fixture->segment, 1, getpid());
	segment_worker_start(fixture->segment, 2, 1, 0);
	segment_worker_pid(fixture->segment, 2, getpid());
	segment_worker_end(fixture->segment, 2);
	snapshot = snapshot_take(fixture->segment, clock_mono_us());
	snapshot_measure(snapshot);
	prometheus_write(&out, snapshot, PROMETHEUS_TEXT);
	assert_non_null(strstr(out.data, "\nprocess_cpu_seconds_total{worker=\"supervisor\"} "));
	assert_non_null(strstr(out.data, "\nprocess_open_fds{worker=\"1\"} "));
	assert_non_null(strstr(out.data, "\nprocess_start_time_seconds{worker=\"1\"} 1"));
	assert_null(strstr(out.data, "worker=\"status\""));
	assert_null(strstr(out.data, "worker=\"2\""));
	buf_free(&out);
	snapshot_free(&snapshot);
}

static void openmetrics_is_for_those_who_ask_for_it(void **state)
{
	static const struct {
		const char *accept;
		enum prometheus_format want;
	} cases[] = {
		{NULL, PROMETHEUS_TEXT},
		{"", PROMETHEUS_TEXT},
		{"*/*", PROMETHEUS_TEXT},
		{"text/html,application/xhtml+xml,*/*;q=0.8", PROMETHEUS_TEXT},
		{"text/plain;version=0.0.4", PROMETHEUS_TEXT},
		{"application/openmetrics-text", PROMETHEUS_OPENMETRICS},
		{"Application/OpenMetrics-Text; version=1.0.0", PROMETHEUS_OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			PROMETHEUS_OPENMETRICS},
		{"text/plain;q=0.5, application/openmetrics-text; q=0.6", PROMETHEUS_OPENMETRICS},
		{"text/plain, application/openmetrics-text;q=0.9", PROMETHEUS_TEXT},
		{"application/openmetrics-text;q=0", PROMETHEUS_TEXT},
		{"application/openmetrics-text;q=0.000", PROMETHEUS_TEXT},
		{"application/openmetrics-text;q=0.001", PROMETHEUS_OPENMETRICS},
		{"text/plain;q=0.75,application/openmetrics-text;q=0.751", PROMETHEUS_OPENMETRICS},
		{"application/openmetrics-text;q=nan", PROMETHEUS_TEXT},
		{"application/openmetrics-text;q=", PROMETHEUS_TEXT},
		{"application/openmetrics-text;", PROMETHEUS_OPENMETRICS},
		{"application/openmetrics-textile", PROMETHEUS_TEXT},
		{",,;,", PROMETHEUS_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(negotiate_metrics(cases[i].accept), cases[i].want);
}

/* ---- /status.json -------------------------------------------------------------------------- */

/* The value at a path of member names and indexes, "workers.0.pid". */
static struct json_object *member(struct json_object *root, const char *path)
{
	struct json_object *at = root;
	char copy[128];
	char *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, ".", &save); name != NULL;
		name = strtok_r(NULL, ".", &save)) {
		if (json_object_is_type(at, json_type_array))
			at = json_object_array_get_idx(at, (size_t)atoi(name));
		else if (!json_object_object_get_ex(at, name, &at))
			fail_msg("no member %s in %s", name, path);
	}
	return at;
}

static void expect_json(struct json_object *root, const char *path, const char *want)
{
	const char *got =
		json_object_to_json_string_ext(member(root, path), JSON_C_TO_STRING_PLAIN);

	if (strcmp(got, want) != 0)
		fail_msg("%s is %s, not %s", path, got, want);
}

static struct json_object *status_of(const struct snapshot *snapshot)
{
	static const int64_t lengths_us[WINDOW_COUNT] = {
		[WINDOW_SHORT] = 60 * CLOCK_S,
		[WINDOW_MAIN] = 300 * CLOCK_S,
		[WINDOW_LONG] = 900 * CLOCK_S,
	};
	struct window *window = window_new(lengths_us);
	struct json_object *root;
	struct buf out = {0};

	window_add(window, snapshot);
	status_json(&out, snapshot, window);
	root = json_tokener_parse(buf_cstr(&out));
	assert_non_null(root);
	buf_free(&out);
	window_free(&window);
	return root;
}

static void the_status_tells_who_runs_and_what_they_do(void **state)
{
	static const char *const expected[][2] = {
		{"version", "\"1.2.3\""},
		{"uptime_seconds", "10.000"},
		{"generation", "7"},
		{"supervisor.pid", "4242"},
		{"supervisor.heartbeat_age_seconds", "1.000"},
		{"status.pid", "4243"},
		{"log_level", "\"debug\""},
		{"log_lines_lost", "17"},
		{"read_only", "true"},
		{"workers.0.slot", "0"},
		{"workers.0.pid", "4244"},
		{"workers.0.state", "\"ready\""},
		{"workers.0.generation", "7"},
		{"workers.0.uptime_seconds", "8.000"},
		{"workers.0.heartbeat_age_seconds", "0.000"},
		{"workers.0.restarts", "1"},
		{"workers.0.threads.0.state", "\"database\""},
		{"workers.0.threads.0.route", "\"card-update\""},
		{"workers.0.threads.0.request", "\"6f9619ff-8b86-d011-b42d-00c04fc964ff\""},
		{"workers.0.threads.0.for_seconds", "1.000000"},
		{"workers.0.threads.0.in_flight", "2"},
		{"workers.0.threads.0.connection", "\"open\""},
		{"workers.0.threads.1.state", "\"idle\""},
		{"workers.0.threads.1.route", "null"},
		{"workers.0.threads.1.request", "null"},
		{"workers.0.threads.1.connection", "\"unused\""},
		{"requests.in_flight", "2"},
		{"requests.per_second", "0.100"},
		{"requests.latency_ms.p99", "1.536"},
		{"totals.version_conflicts", "1"},
		{"alerts.0.name", "\"VersionConflictRateHigh\""},
		{"alerts.0.state", "\"FIRING\""},
		{"alerts.0.since", "\"2026-01-31T12:00:00.123456Z\""},
		{"alerts.0.value", "0.25"},
		{"alerts.0.threshold", "0.05"},
		{"alerts.0.fired", "2"},
		{"alerts.1.name", "\"SlugGenerationFailing\""},
		{"alerts.1.state", "\"OK\""},
		{"alerts.1.value", "null"},
		{"alerts.1.threshold", "null"},
	};
	struct snapshot *snapshot = some_service(*state);
	struct json_object *root = status_of(snapshot);

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		expect_json(root, expected[i][0], expected[i][1]);
	/* Free slots are no workers. */
	assert_int_equal(json_object_array_length(member(root, "workers")), 1);
	assert_int_equal(json_object_array_length(member(root, "workers.0.threads")), 3);
	assert_int_equal(json_object_array_length(member(root, "alerts")), STATS_ALERT_COUNT);
	json_object_put(root);
	snapshot_free(&snapshot);
}

static void the_status_judges_each_indicator(void **state)
{
	static const char *const expected[][2] = {
		{"indicators.version_conflict_rate.value", "0.25"},
		{"indicators.version_conflict_rate.target", "0.01"},
		{"indicators.version_conflict_rate.ok", "false"},
		{"indicators.version_conflict_rate.window_seconds", "300"},
		{"indicators.version_conflict_rate.since_start.value", "0.25"},
		{"indicators.retry_success_rate.value", "1"},
		{"indicators.retry_success_rate.target", "0.95"},
		{"indicators.retry_success_rate.ok", "true"},
		{"indicators.slug_generation_failures.value", "0"},
		{"indicators.slug_generation_failures.ok", "true"},
		{"indicators.average_attempts.value", "1.25"},
		{"indicators.average_attempts.target", "1.5"},
		{"indicators.average_attempts.ok", "true"},
	};
	struct snapshot *snapshot = some_service(*state);
	struct json_object *root = status_of(snapshot);

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		expect_json(root, expected[i][0], expected[i][1]);
	json_object_put(root);
	snapshot_free(&snapshot);
}

static void the_status_tells_of_each_window_and_of_all_time(void **state)
{
	static const char *const expected[][2] = {
		{"windows.0.window_seconds", "60"},
		{"windows.1.window_seconds", "300"},
		{"windows.2.window_seconds", "900"},
		{"windows.3.window_seconds", "null"},
		{"windows.0.span_seconds", "10.000"},
		{"windows.0.requests_per_second", "0.100"},
		{"windows.0.indicators.version_conflict_rate.value", "0.25"},
		{"windows.0.indicators.version_conflict_rate.ok", "false"},
		{"windows.3.indicators.average_attempts.value", "1.25"},
		{"windows.1.version_conflict_rate_by_entity.card.value", "0.25"},
		{"windows.1.version_conflict_rate_by_entity.card.ok", "false"},
		{"windows.1.version_conflict_rate_by_entity.personal.value", "null"},
		{"windows.1.version_conflict_rate_by_entity.personal.ok", "true"},
		{"windows.1.figures.requests", "1"},
		{"windows.1.figures.updates", "3"},
		{"windows.1.figures.requests_lost", "0"},
		{"windows.1.latency_ms.all.count", "1"},
		{"windows.1.latency_ms.all.p50", "1.536"},
		{"windows.1.latency_ms.card-update.p99", "1.536"},
		{"windows.1.queue_wait_ms.all.count", "0"},
		{"windows.1.queue_wait_ms.all.p90", "null"},
		{"windows.1.wave_size.all.p50", "3"},
		{"windows.1.database_ms.all.count", "0"},
	};
	struct snapshot *snapshot = some_service(*state);
	struct json_object *root = status_of(snapshot);

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		expect_json(root, expected[i][0], expected[i][1]);
	/* Of routes, those that were asked for. */
	assert_int_equal(json_object_object_length(member(root, "windows.1.latency_ms")), 2);
	json_object_put(root);
	snapshot_free(&snapshot);
}

static void a_service_that_did_nothing_has_no_rates_and_is_well(void **state)
{
	static const char *const expected[][2] = {
		{"indicators.version_conflict_rate.value", "null"},
		{"indicators.version_conflict_rate.ok", "true"},
		{"indicators.average_attempts.value", "null"},
		{"indicators.average_attempts.since_start.value", "null"},
		{"requests.latency_ms.p50", "null"},
		{"workers", "[]"},
	};
	struct fixture *fixture = *state;
	struct snapshot *snapshot =
		snapshot_take(fixture->segment, segment_header(fixture->segment)->made_us);
	struct json_object *root = status_of(snapshot);

	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		expect_json(root, expected[i][0], expected[i][1]);
	json_object_put(root);
	snapshot_free(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(samples_are_the_same_in_both_formats),
		FIXTURE_TEST(no_sample_line_differs_between_the_formats),
		FIXTURE_TEST(text_names_counters_whole_and_knows_no_info),
		FIXTURE_TEST(openmetrics_names_families_without_suffix_and_ends_in_eof),
		FIXTURE_TEST(a_histogram_has_at_most_twenty_buckets),
		FIXTURE_TEST(every_living_process_is_told_of_by_its_slot),
		cmocka_unit_test(openmetrics_is_for_those_who_ask_for_it),
		FIXTURE_TEST(the_status_tells_who_runs_and_what_they_do),
		FIXTURE_TEST(the_status_judges_each_indicator),
		FIXTURE_TEST(the_status_tells_of_each_window_and_of_all_time),
		FIXTURE_TEST(a_service_that_did_nothing_has_no_rates_and_is_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
