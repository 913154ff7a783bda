/* A snapshot as JSON: the body of /status.json. */
#include "stats/expose.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "stats/indicator.h"

/* ---- pieces -------------------------------------------------------------------------------- */

static double seconds(int64_t us)
{
	return (double)(us > 0 ? us : 0) / (double)CLOCK_S;
}

static void add_comma(struct buf *out, bool *first)
{
	if (!*first)
		buf_char(out, ',');
	*first = false;
}

/* Names and values in the catalogue need no escapes. */
static void add_word_or_null(struct buf *out, const char *name, const char *word)
{
	if (word != NULL && word[0] != '\0')
		buf_printf(out, "\"%s\":\"%s\"", name, word);
	else
		buf_printf(out, "\"%s\":null", name);
}

/* ---- workers ------------------------------------------------------------------------------- */

static bool has_request(const struct snapshot_thread *thread)
{
	static const struct uuid none;

	return thread->activity_known &&
	       memcmp(&thread->activity.request, &none, sizeof(none)) != 0;
}

static void add_activity(struct buf *out, const struct snapshot_thread *thread, int64_t now_us)
{
	const struct stats_activity *activity = &thread->activity;
	bool known = thread->activity_known;
	bool busy = has_request(thread);
	char request[UUID_TEXT_BYTES];

	uuid_format(&activity->request, request);
	add_word_or_null(
		out, "state", known ? metrics_value(STATS_LABEL_THREAD, activity->state) : NULL);
	buf_char(out, ',');
	add_word_or_null(
		out, "route", busy ? metrics_value(STATS_LABEL_ROUTE, activity->route) : NULL);
	buf_char(out, ',');
	add_word_or_null(out, "request", busy ? request : NULL);
	if (known)
		buf_printf(out, ",\"for_seconds\":%.6f", seconds(now_us - activity->since_us));
	else
		buf_str(out, ",\"for_seconds\":null");
}

static void add_thread(struct buf *out, const struct snapshot_thread *thread, int64_t now_us)
{
	buf_char(out, '{');
	add_activity(out, thread, now_us);
	buf_printf(out, ",\"in_hand\":%" PRIu32 ",\"beat_age_seconds\":%.3f,", thread->in_hand,
		seconds(now_us - thread->beat_us));
	add_word_or_null(
		out, "connection", metrics_value(STATS_LABEL_CONNECTION, thread->connection));
	buf_char(out, ',');
	add_word_or_null(out, "sqlstate", thread->db_sqlstate);
	buf_char(out, '}');
}

static void add_worker(struct buf *out, const struct snapshot *snapshot, size_t slot)
{
	const struct snapshot_process *process = &snapshot->processes[slot];
	int64_t now_us = snapshot->taken_us;
	uint64_t restarts = 0;
	bool first = true;

	for (size_t i = 0; i < STATS_RESTART_COUNT; i++)
		restarts += process->restarts[i];
	buf_printf(out,
		"{\"slot\":%zu,\"pid\":%" PRId32 ",\"state\":\"%s\",\"generation\":%" PRIu32, slot,
		process->pid, metrics_value(STATS_LABEL_WORKER, process->state),
		process->generation);
	buf_printf(out, ",\"uptime_seconds\":%.3f,\"heartbeat_age_seconds\":%.3f",
		seconds(now_us - process->started_us), seconds(now_us - process->heartbeat_us));
	buf_printf(out, ",\"restarts\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"threads\":[", restarts,
		process->lost);
	for (size_t t = 0; t < snapshot->thread_count; t++) {
		add_comma(out, &first);
		add_thread(out, &process->threads[t], now_us);
	}
	buf_str(out, "]}");
}

static void add_workers(struct buf *out, const struct snapshot *snapshot)
{
	bool first = true;

	buf_str(out, ",\"workers\":[");
	for (size_t p = 0; p < snapshot->process_count; p++) {
		if (snapshot->processes[p].state == STATS_WORKER_FREE)
			continue;
		add_comma(out, &first);
		add_worker(out, snapshot, p);
	}
	buf_char(out, ']');
}

/* ---- figures ------------------------------------------------------------------------------- */

static void add_latency(struct buf *out, const struct window_sums *sums)
{
	static const struct {
		const char *name;
		double share;
	} percentiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
	bool any = histogram_count(sums->durations) > 0;
	bool first = true;

	buf_str(out, ",\"latency_ms\":{");
	for (size_t i = 0; i < ARRAY_LEN(percentiles); i++) {
		uint64_t us = histogram_percentile(sums->durations, percentiles[i].share);

		add_comma(out, &first);
		buf_printf(out, "\"%s\":", percentiles[i].name);
		if (any)
			buf_printf(out, "%.3f", (double)us / 1000);
		else
			buf_str(out, "null");
	}
	buf_char(out, '}');
}

static void add_requests(
	struct buf *out, const struct snapshot *snapshot, const struct window_sums *recent)
{
	double span = seconds(recent->span_us);

	buf_printf(out, ",\"requests\":{\"started\":%" PRIu64 ",\"finished\":%" PRIu64,
		snapshot_sum(snapshot, STATS_REQUESTS_STARTED),
		snapshot_sum(snapshot, STATS_REQUESTS_FINISHED));
	buf_printf(out, ",\"in_flight\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"shed\":%" PRIu64,
		snapshot_sum(snapshot, STATS_REQUESTS_IN_FLIGHT),
		snapshot_sum(snapshot, STATS_REQUESTS_LOST),
		snapshot_sum(snapshot, STATS_REQUESTS_SHED));
	buf_printf(out, ",\"window_seconds\":%d,\"per_second\":%.3f", WINDOW_SECONDS,
		span > 0 ? (double)recent->counts[WINDOW_REQUESTS] / span : 0.0);
	add_latency(out, recent);
	buf_char(out, '}');
}

static void add_writes(struct buf *out, const struct snapshot *snapshot)
{
	static const struct {
		const char *name;
		enum stats_metric metric;
	} sums[] = {{"updates", STATS_UPDATES}, {"version_conflicts", STATS_VERSION_CONFLICTS},
		{"merges", STATS_MERGES}, {"retry_attempts", STATS_RETRY_ATTEMPTS},
		{"busy_waits", STATS_BUSY_WAITS}, {"wave_splits", STATS_WAVE_SPLITS},
		{"slug_collisions", STATS_SLUG_COLLISIONS}, {"slug_failures", STATS_SLUG_FAILURES}};
	bool first = true;

	buf_str(out, ",\"totals\":{");
	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		add_comma(out, &first);
		buf_printf(out, "\"%s\":%" PRIu64, sums[i].name,
			snapshot_sum(snapshot, sums[i].metric));
	}
	buf_char(out, '}');
}

/* ---- indicators ---------------------------------------------------------------------------- */

static void add_judgement(struct buf *out, const struct indicator *indicator)
{
	if (indicator->known)
		buf_printf(out, "\"value\":%.6g", indicator->value);
	else
		buf_str(out, "\"value\":null");
	buf_printf(out, ",\"ok\":%s", indicator->ok ? "true" : "false");
}

static void add_indicators(
	struct buf *out, const struct snapshot *snapshot, const struct window_sums *recent)
{
	struct window_sums all;
	bool first = true;

	window_since_start(snapshot, &all);
	buf_str(out, ",\"indicators\":{");
	for (int i = 0; i < INDICATOR_COUNT; i++) {
		enum indicator_id id = (enum indicator_id)i;
		struct indicator now = indicator_of(id, recent);
		struct indicator ever = indicator_of(id, &all);

		add_comma(out, &first);
		buf_printf(out, "\"%s\":{\"target\":%g,\"window_seconds\":%d,", indicator_name(id),
			indicator_target(id), WINDOW_SECONDS);
		add_judgement(out, &now);
		buf_str(out, ",\"since_start\":{");
		add_judgement(out, &ever);
		buf_str(out, "}}");
	}
	buf_char(out, '}');
}

void expose_status(struct buf *out, const struct snapshot *snapshot, const struct window *window)
{
	int64_t now_us = snapshot->taken_us;
	struct window_sums recent;

	window_recent(window, snapshot, &recent);
	buf_printf(out, "{\"version\":\"%s\",\"uptime_seconds\":%.3f,\"generation\":%" PRIu32,
		snapshot->version, seconds(now_us - snapshot->made_us), snapshot->generation);
	buf_printf(out, ",\"supervisor\":{\"pid\":%" PRId32 ",\"heartbeat_age_seconds\":%.3f}",
		snapshot->supervisor_pid, seconds(now_us - snapshot->supervisor_beat_us));
	buf_printf(out, ",\"status\":{\"pid\":%" PRId32 "}", snapshot->status_pid);
	add_workers(out, snapshot);
	add_requests(out, snapshot, &recent);
	add_writes(out, snapshot);
	add_indicators(out, snapshot, &recent);
	buf_str(out, ",\"alerts\":[]}\n");
}
