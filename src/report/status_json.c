/* A snapshot as JSON: the body of /status.json. */
#include "report/status_json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "report/windows_json.h"
#include "stats/alert.h"
#include "stats/cells.h"

static void add_sqlstate(struct buf *out, const char *sqlstate)
{
	json_text_member(out, "sqlstate", sqlstate[0] != '\0' ? sqlstate : NULL);
}

/* ---- workers ------------------------------------------------------------------------------- */

static void add_activity(struct buf *out, const struct snapshot_thread *thread, int64_t now_us)
{
	const struct stats_activity *activity = &thread->activity;
	bool known = thread->activity_known;
	bool busy = snapshot_has_request(thread);
	char request[UUID_TEXT_BYTES];

	uuid_format(&activity->request, request);
	json_text_member(
		out, "state", known ? metrics_value(STATS_LABEL_THREAD, activity->state) : NULL);
	buf_char(out, ',');
	json_text_member(
		out, "route", busy ? metrics_value(STATS_LABEL_ROUTE, activity->route) : NULL);
	buf_char(out, ',');
	json_text_member(out, "request", busy ? request : NULL);
	if (known)
		buf_printf(
			out, ",\"for_seconds\":%.6f", clock_seconds(now_us - activity->since_us));
	else
		buf_str(out, ",\"for_seconds\":null");
}

static void add_thread_object(
	struct buf *out, const struct snapshot_thread *thread, bool slow, int64_t now_us)
{
	buf_printf(out, "{\"lane\":\"%s\",", slow ? "slow" : "waves");
	add_activity(out, thread, now_us);
	buf_printf(out, ",\"in_flight\":%" PRIu32 ",\"beat_age_seconds\":%.3f,", thread->in_flight,
		clock_seconds(now_us - thread->beat_us));
	json_text_member(
		out, "connection", metrics_value(STATS_LABEL_CONNECTION, thread->connection));
	buf_char(out, ',');
	add_sqlstate(out, thread->db_sqlstate);
	buf_char(out, '}');
}

/* What binds the process. */
static void add_sandbox(struct buf *out, uint32_t parts)
{
	bool first = true;

	buf_str(out, ",\"sandbox\":[");
	for (size_t i = 0; i < STATS_SANDBOX_COUNT; i++) {
		if ((parts & UINT32_C(1) << i) == 0)
			continue;
		json_text_comma(out, &first);
		buf_printf(out, "\"%s\"", metrics_value(STATS_LABEL_SANDBOX, i));
	}
	buf_char(out, ']');
}

static void add_worker(struct buf *out, const struct snapshot *snapshot, size_t slot)
{
	const struct snapshot_process *process = &snapshot->processes[slot];
	int64_t now_us = snapshot->taken_us;
	bool first = true;

	buf_printf(out,
		"{\"slot\":%zu,\"pid\":%" PRId32 ",\"state\":\"%s\",\"generation\":%" PRIu32, slot,
		process->pid, metrics_value(STATS_LABEL_WORKER, process->state),
		process->generation);
	buf_printf(out, ",\"uptime_seconds\":%.3f,\"heartbeat_age_seconds\":%.3f",
		clock_seconds(now_us - process->started_us),
		clock_seconds(now_us - process->heartbeat_us));
	add_sandbox(out, process->sandbox);
	buf_printf(out,
		",\"connections\":%" PRIu32 ",\"restarts\":%" PRIu64 ",\"lost\":%" PRIu64
		",\"threads\":[",
		process->connections, snapshot_restarts(process), process->lost);
	for (size_t t = 0; t < snapshot->thread_count; t++) {
		json_text_comma(out, &first);
		add_thread_object(out, &process->threads[t], snapshot_slow(snapshot, t), now_us);
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
		json_text_comma(out, &first);
		add_worker(out, snapshot, p);
	}
	buf_char(out, ']');
}

/* ---- figures ------------------------------------------------------------------------------- */

/* "window_seconds", null where there is no window. */
static void add_length(struct buf *out, int64_t length_us)
{
	if (length_us > 0)
		buf_printf(out, "\"window_seconds\":%" PRId64, length_us / CLOCK_S);
	else
		buf_str(out, "\"window_seconds\":null");
}

static void add_recent_requests(struct buf *out, const struct window_sums *recent)
{
	uint64_t durations[HISTOGRAM_CELLS];

	buf_printf(out, ",\"per_second\":%.3f",
		window_rate(recent, cells_sum(recent->cells, STATS_REQUESTS_FINISHED)));
	cells_histogram(recent->cells, STATS_REQUEST_DURATION, durations);
	buf_str(out, ",\"latency_ms\":{");
	windows_json_spread(out, durations, STATS_UNIT_SECONDS);
	buf_str(out, "}}");
}

static void add_request_rates(struct buf *out, const struct snapshot *snapshot,
	const struct window_sums *recent, int64_t length_us)
{
	buf_printf(out, ",\"requests\":{\"started\":%" PRIu64 ",\"finished\":%" PRIu64,
		snapshot_sum(snapshot, STATS_REQUESTS_STARTED),
		snapshot_sum(snapshot, STATS_REQUESTS_FINISHED));
	buf_printf(out, ",\"in_flight\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"shed\":%" PRIu64 ",",
		snapshot_sum(snapshot, STATS_REQUESTS_IN_FLIGHT),
		snapshot_sum(snapshot, STATS_REQUESTS_LOST),
		snapshot_sum(snapshot, STATS_REQUESTS_SHED));
	add_length(out, length_us);
	if (recent != NULL)
		add_recent_requests(out, recent);
	else
		buf_str(out, ",\"per_second\":null,\"latency_ms\":null}");
}

static void add_totals(struct buf *out, const struct snapshot *snapshot)
{
	buf_str(out, ",\"totals\":{");
	windows_json_figures(out, snapshot->cells);
	buf_char(out, '}');
}

/* ---- indicators ---------------------------------------------------------------------------- */

static void add_recent_indicators(struct buf *out, const struct snapshot *snapshot,
	const struct window_sums *recent, int64_t length_us)
{
	static const struct indicator unknown = {.ok = true};
	struct window_sums all;
	bool first = true;

	window_since_start(snapshot, &all);
	buf_str(out, ",\"indicators\":{");
	for (int i = 0; i < INDICATOR_COUNT; i++) {
		enum indicator_id id = (enum indicator_id)i;
		struct indicator now = recent != NULL ? indicator_of(id, recent) : unknown;
		struct indicator ever = indicator_of(id, &all);

		json_text_comma(out, &first);
		buf_printf(out, "\"%s\":{\"target\":%g,", indicator_name(id), indicator_target(id));
		add_length(out, length_us);
		buf_char(out, ',');
		windows_json_judgement(out, &now);
		buf_str(out, ",\"since_start\":{");
		windows_json_judgement(out, &ever);
		buf_str(out, "}}");
	}
	buf_char(out, '}');
}

/* ---- alerts -------------------------------------------------------------------------------- */

static void add_alert_object(
	struct buf *out, enum stats_alert id, const struct segment_alert_record *record)
{
	char since[CLOCK_TEXT_BYTES];

	clock_text(record->since_wall_us, since);
	buf_printf(out, "{\"name\":\"%s\",\"state\":\"%s\",\"since\":\"%s\"", alert_name(id),
		metrics_value(STATS_LABEL_ALERT_STATE, record->state), since);
	buf_char(out, ',');
	json_text_number(out, "value", record->known, record->value);
	buf_char(out, ',');
	json_text_number(out, "threshold", record->on, record->threshold);
	buf_printf(out, ",\"fired\":%" PRIu64 ",\"summary\":\"%s\"}", record->fired,
		alert_summary(id));
}

void status_json_alerts(struct buf *out, const struct snapshot *snapshot)
{
	bool first = true;

	buf_char(out, '[');
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		json_text_comma(out, &first);
		add_alert_object(out, (enum stats_alert)i, &snapshot->alerts[i]);
	}
	buf_char(out, ']');
}

/* ---- events -------------------------------------------------------------------------------- */

/* What an event of its kind does not tell is null. */
static void add_event_object(struct buf *out, const struct event *event)
{
	char at[CLOCK_TEXT_BYTES];
	char request[UUID_TEXT_BYTES];

	clock_text(event->at_wall_us, at);
	uuid_format(&event->request, request);
	buf_printf(out, "{\"at\":\"%s\",\"kind\":\"%s\",\"route\":\"%s\",\"request\":\"%s\"", at,
		metrics_value(STATS_LABEL_EVENT_KIND, event->kind),
		metrics_value(STATS_LABEL_ROUTE, event->route), request);
	buf_printf(out, ",\"attempts\":%" PRIu32 ",", event->attempts);
	add_sqlstate(out, event->sqlstate);
	buf_char(out, ',');
	json_text_number(out, "delay_ms", event->kind == STATS_EVENT_KIND_RETRY,
		(double)event->delay_us / CLOCK_MS);
	buf_char(out, ',');
	json_text_number(out, "current_version", event->version > 0, event->version);
	buf_char(out, '}');
}

static void add_events(struct buf *out, const struct snapshot *snapshot)
{
	bool first = true;

	buf_str(out, ",\"events\":[");
	for (size_t i = 0; i < snapshot->event_count; i++) {
		json_text_comma(out, &first);
		add_event_object(out, &snapshot->events[i]);
	}
	buf_char(out, ']');
}

void status_json(struct buf *out, const struct snapshot *snapshot, const struct window *window)
{
	const int64_t now_us = snapshot->taken_us;
	const int64_t length_us = window != NULL ? window_length_us(window, WINDOW_MAIN) : 0;
	struct window_sums sums;
	const struct window_sums *recent = window != NULL ? &sums : NULL;

	if (window != NULL)
		window_recent(window, WINDOW_MAIN, snapshot, &sums);
	buf_printf(out, "{\"version\":\"%s\",\"uptime_seconds\":%.3f,\"generation\":%" PRIu32,
		snapshot->version, clock_seconds(now_us - snapshot->made_us), snapshot->generation);
	buf_printf(out, ",\"supervisor\":{\"pid\":%" PRId32 ",\"heartbeat_age_seconds\":%.3f}",
		snapshot->supervisor_pid, clock_seconds(now_us - snapshot->supervisor_beat_us));
	buf_printf(out, ",\"status\":{\"pid\":%" PRId32 "},\"log_level\":\"%s\"",
		snapshot->status_pid, log_level_name(snapshot->log_level));
	buf_printf(out, ",\"log_lines_lost\":%" PRIu64, snapshot->log_lost);
	buf_printf(out, ",\"read_only\":%s", snapshot->disk.read_only ? "true" : "false");
	add_workers(out, snapshot);
	add_request_rates(out, snapshot, recent, length_us);
	add_totals(out, snapshot);
	add_recent_indicators(out, snapshot, recent, length_us);
	buf_str(out, ",\"windows\":");
	windows_json(out, snapshot, window);
	buf_str(out, ",\"alerts\":");
	status_json_alerts(out, snapshot);
	add_events(out, snapshot);
	buf_str(out, "}\n");
}
