/*
 * cardkeep status: the service's figures on one screen, from the segment alone.
 *
 * So it works while every worker hangs, while PostgreSQL is down, and after the service died. All
 * figures are sums since the service's start; what happens now is `cardkeep top`'s to show.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "report/format.h"
#include "report/status_json.h"
#include "stats/cells.h"
#include "stats/indicator.h"
#include "stats/snapshot.h"
#include "stats/window.h"
#include "tool/life.h"
#include "tool/tool.h"

/* ---- figures --------------------------------------------------------------------------------- */

static void add_head(struct buf *out, const struct snapshot *snapshot)
{
	buf_printf(out, "cardkeep %s  ", snapshot->version);
	life_describe(out, snapshot);
	if (life_of(snapshot) == LIFE_RUNS)
		buf_printf(out, "  supervisor %d  generation %u%s", (int)snapshot->supervisor_pid,
			(unsigned)snapshot->generation,
			snapshot->disk.read_only ? "  read-only" : "");
	buf_str(out, "\n\n");
}

static void add_sum(struct buf *out, const struct snapshot *snapshot, const char *name,
	enum stats_metric metric)
{
	buf_printf(out, "  %s ", name);
	format_count(out, snapshot_sum(snapshot, metric));
}

static void add_requests(
	struct buf *out, const struct snapshot *snapshot, const struct window_sums *all)
{
	uint64_t durations[HISTOGRAM_CELLS];

	buf_str(out, "requests ");
	add_sum(out, snapshot, "answered", STATS_REQUESTS_FINISHED);
	buf_str(out, " (");
	format_rate(out, window_rate(all, cells_sum(all->cells, STATS_REQUESTS_FINISHED)));
	buf_str(out, "/s)");
	add_sum(out, snapshot, "in flight", STATS_REQUESTS_IN_FLIGHT);
	add_sum(out, snapshot, "lost", STATS_REQUESTS_LOST);
	add_sum(out, snapshot, "shed", STATS_REQUESTS_SHED);
	cells_histogram(all->cells, STATS_REQUEST_DURATION, durations);
	buf_str(out, "\nlatency    p50 ");
	format_percentile(out, durations, 0.5);
	buf_str(out, "  p90 ");
	format_percentile(out, durations, 0.9);
	buf_str(out, "  p99 ");
	format_percentile(out, durations, 0.99);
	buf_char(out, '\n');
}

/* "NAME 5 (card 4, personal 1)": the sum, and what of it each label value has. */
static void add_split(struct buf *out, const struct snapshot *snapshot, const char *name,
	enum stats_metric metric, enum stats_label label)
{
	bool first = true;

	add_sum(out, snapshot, name, metric);
	for (size_t i = 0; i < metrics_value_count(label); i++) {
		const uint64_t count = snapshot_value(snapshot, metric, i, 0);

		if (count == 0)
			continue;
		buf_printf(out, "%s%s ", first ? " (" : ", ", metrics_value(label, i));
		format_count(out, count);
		first = false;
	}
	if (!first)
		buf_char(out, ')');
}

static void add_work(struct buf *out, const struct snapshot *snapshot)
{
	buf_str(out, "updates  ");
	add_split(out, snapshot, "applied", STATS_UPDATES, STATS_LABEL_ENTITY);
	add_sum(out, snapshot, "merged", STATS_MERGES);
	buf_str(out, "\nconflicts");
	add_split(out, snapshot, "refused", STATS_VERSION_CONFLICTS, STATS_LABEL_ENTITY);
	buf_str(out, "\nretries  ");
	add_split(out, snapshot, "attempts", STATS_RETRY_ATTEMPTS, STATS_LABEL_REASON);
	add_split(out, snapshot, "operations", STATS_RETRIED_OPERATIONS, STATS_LABEL_OUTCOME);
	buf_str(out, "\nwaves    ");
	add_split(out, snapshot, "split", STATS_WAVE_SPLITS, STATS_LABEL_SQLSTATE);
	add_sum(out, snapshot, "busy waits", STATS_BUSY_WAITS);
	buf_str(out, "\nslugs    ");
	add_sum(out, snapshot, "collisions", STATS_SLUG_COLLISIONS);
	add_sum(out, snapshot, "failures", STATS_SLUG_FAILURES);
	buf_str(out, "\n\n");
}

static void add_indicators(struct buf *out, const struct window_sums *all)
{
	buf_str(out, "INDICATOR                 SINCE START  TARGET\n");
	for (int i = 0; i < INDICATOR_COUNT; i++) {
		const enum indicator_id id = (enum indicator_id)i;
		const struct indicator indicator = indicator_of(id, all);
		const size_t from = out->len;

		buf_str(out, indicator_name(id));
		format_pad(out, from, 26, 1);
		format_indicator(out, id, &indicator);
		format_pad(out, from, 39, 1);
		format_target(out, id);
		format_pad(out, from, 54, 1);
		buf_str(out, indicator.ok ? "ok\n" : "MISSED\n");
	}
	buf_char(out, '\n');
}

static void add_alerts(struct buf *out, const struct snapshot *snapshot)
{
	const size_t from = out->len;

	buf_str(out, "alerts     ");
	(void)format_alerts(out, snapshot);
	if (out->len - from == strlen("alerts     "))
		buf_str(out, "none");
	buf_str(out, "\n\n");
}

/* ---- workers --------------------------------------------------------------------------------- */

static void add_thread(struct buf *out, const struct snapshot *snapshot,
	const struct snapshot_process *process, size_t t)
{
	const struct snapshot_thread *thread = &process->threads[t];
	const size_t from = out->len;
	const bool idle = thread->activity.state == STATS_THREAD_IDLE;

	buf_printf(out, "    %s%s %s", snapshot_slow(snapshot, t) ? "slow lane: " : "",
		thread->activity_known ? metrics_value(STATS_LABEL_THREAD, thread->activity.state)
				       : "?",
		thread->activity_known && !idle
			? metrics_value(STATS_LABEL_ROUTE, thread->activity.route)
			: "");
	format_pad(out, from, 34, 1);
	if (thread->activity_known) {
		buf_str(out, "for ");
		format_span(out, snapshot->taken_us - thread->activity.since_us);
	}
	format_pad(out, from, 50, 1);
	buf_printf(out, "in flight %u  database %s %s\n", (unsigned)thread->in_flight,
		metrics_value(STATS_LABEL_CONNECTION, thread->connection), thread->db_sqlstate);
}

static void add_worker(struct buf *out, const struct snapshot *snapshot, size_t slot)
{
	const struct snapshot_process *process = &snapshot->processes[slot];

	buf_printf(out, "worker %zu  pid %d  %s  up ", slot, (int)process->pid,
		metrics_value(STATS_LABEL_WORKER, process->state));
	format_span(out, snapshot->taken_us - process->started_us);
	buf_str(out, "  restarts ");
	format_count(out, snapshot_restarts(process));
	buf_str(out, "  lost ");
	format_count(out, process->lost);
	buf_char(out, '\n');
	for (size_t t = 0; t < snapshot->thread_count; t++)
		add_thread(out, snapshot, process, t);
}

static void add_workers(struct buf *out, const struct snapshot *snapshot)
{
	for (size_t p = 0; p < snapshot->process_count; p++)
		if (snapshot->processes[p].state != STATS_WORKER_FREE)
			add_worker(out, snapshot, p);
}

static void add_screen(struct buf *out, const struct snapshot *snapshot)
{
	struct window_sums all;

	window_since_start(snapshot, &all);
	add_head(out, snapshot);
	add_requests(out, snapshot, &all);
	add_work(out, snapshot);
	add_indicators(out, &all);
	add_alerts(out, snapshot);
	add_workers(out, snapshot);
}

/* ---- the command ----------------------------------------------------------------------------- */

int tool_status(const struct tool *tool)
{
	struct snapshot *snapshot;
	struct buf out = {0};
	int status = tool_snapshot(tool, &snapshot);

	if (status != EX_OK)
		return status;
	if ((tool->given & TOOL_JSON) != 0)
		status_json(&out, snapshot, NULL);
	else
		add_screen(&out, snapshot);
	fputs(buf_cstr(&out), stdout);
	status = life_of(snapshot) == LIFE_RUNS ? EX_OK : TOOL_FINDING;
	buf_free(&out);
	snapshot_free(&snapshot);
	return status;
}
