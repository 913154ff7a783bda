/* The tables of the page /status: workers, routes, functions, sums, events. */
#include "stats/panel_parts.h"

#include <string.h>

#include "base/clock.h"
#include "stats/cells.h"
#include "stats/figure.h"
#include "stats/indicator.h"

/* ---- workers ------------------------------------------------------------------------------- */

static const char *worker_tone(enum stats_worker state)
{
	if (state == STATS_WORKER_READY)
		return PANEL_GOOD;
	return state == STATS_WORKER_DEAD ? PANEL_BAD : PANEL_WARN;
}

static void fill_worker(
	struct fill *fill, const struct snapshot *now, const struct snapshot_process *process)
{
	fill_text(fill, "worker_tone", worker_tone(process->state));
	fill_text(fill, "worker_state", metrics_value(STATS_LABEL_WORKER, process->state));
	buf_printf(fill_into(fill, "pid"), "%d", (int)process->pid);
	figure_span(fill_into(fill, "uptime"), now->taken_us - process->started_us);
	figure_count(fill_into(fill, "restarts"), snapshot_restarts(process));
	figure_count(fill_into(fill, "lost"), process->lost);
}

static void add_elapsed(struct buf *out, int64_t us)
{
	if (us < 10 * CLOCK_S)
		figure_latency(out, us > 0 ? (uint64_t)us : 0);
	else
		figure_span(out, us);
}

/* "database, no turn for 12 s": what it does, and when that is no longer to be believed. */
static void fill_activity(struct fill *fill, const struct snapshot *now,
	const struct snapshot_process *process, const struct snapshot_thread *thread)
{
	const struct stats_activity *activity = &thread->activity;
	const bool known = thread->activity_known;
	const bool hangs = snapshot_alive(process->state) && snapshot_hangs(now, thread);
	struct buf *state = fill_into(fill, "state");

	buf_str(state, known ? metrics_value(STATS_LABEL_THREAD, activity->state) : "changing");
	if (hangs) {
		buf_str(state, ", no turn for ");
		figure_span(state, now->taken_us - thread->beat_us);
	}
	fill_text(fill, "tone",
		hangs                                           ? PANEL_BAD
		: known && activity->state == STATS_THREAD_IDLE ? PANEL_DULL
								: PANEL_GOOD);
	if (known)
		add_elapsed(fill_into(fill, "for"), now->taken_us - activity->since_us);
	else
		fill_text(fill, "for", "");
}

static void fill_request(struct fill *fill, const struct snapshot_thread *thread)
{
	const struct stats_activity *activity = &thread->activity;
	const bool busy = snapshot_has_request(thread);
	char request[UUID_TEXT_BYTES] = "";

	if (busy)
		uuid_format(&activity->request, request);
	fill_text(fill, "request", request);
	fill_text(fill, "route", busy ? metrics_value(STATS_LABEL_ROUTE, activity->route) : "");
}

static void fill_database(struct fill *fill, const struct snapshot_thread *thread)
{
	static const char *const tones[] = {
		[STATS_CONNECTION_CLOSED] = PANEL_BAD,
		[STATS_CONNECTION_OPEN] = PANEL_GOOD,
		[STATS_CONNECTION_UNUSED] = PANEL_DULL,
	};

	fill_text(fill, "database_tone", tones[thread->connection]);
	buf_printf(fill_into(fill, "database"), "%s %s",
		metrics_value(STATS_LABEL_CONNECTION, thread->connection), thread->db_sqlstate);
}

static void add_thread(struct buf *out, const struct panel *panel, size_t p, size_t t)
{
	const struct snapshot *now = panel->view->snapshot;
	const struct snapshot_process *process = &now->processes[p];
	const struct snapshot_thread *thread = &process->threads[t];
	struct fill fill = {0};

	buf_printf(fill_into(&fill, "slot"), "%zu", p);
	buf_printf(fill_into(&fill, "thread"), "%zu%s", t, snapshot_slow(now, t) ? " slow" : "");
	fill_worker(&fill, now, process);
	fill_activity(&fill, now, process, thread);
	fill_request(&fill, thread);
	buf_printf(fill_into(&fill, "in_hand"), "%u", (unsigned)thread->in_hand);
	fill_database(&fill, thread);
	template_end(out, panel->source, "thread", &fill);
}

void panel_workers(struct buf *out, const struct panel *panel)
{
	const struct snapshot *now = panel->view->snapshot;

	for (size_t p = 0; p < now->process_count; p++)
		for (size_t t = 0; t < now->thread_count; t++)
			if (now->processes[p].state != STATS_WORKER_FREE)
				add_thread(out, panel, p, t);
}

/* ---- routes and functions ------------------------------------------------------------------ */

static void fill_percentiles(struct fill *fill, const uint64_t *cells)
{
	figure_percentile(fill_into(fill, "p50"), cells, 0.5);
	figure_percentile(fill_into(fill, "p90"), cells, 0.9);
	figure_percentile(fill_into(fill, "p99"), cells, 0.99);
}

static void fill_failed(struct fill *fill, uint64_t failed)
{
	fill_text(fill, "tone", failed > 0 ? PANEL_BAD : "");
	figure_count(fill_into(fill, "failed"), failed);
}

static void add_route(struct buf *out, const struct panel *panel, enum stats_route route)
{
	const struct window_sums *sums = &panel->windows[WINDOW_MAIN];
	const double span_s = (double)sums->span_us / CLOCK_S;
	const double answered = (double)cells_answers(sums->cells, route, 0);
	struct fill fill = {0};

	fill_text(&fill, "name", metrics_value(STATS_LABEL_ROUTE, route));
	figure_rate(fill_into(&fill, "rate"), span_s > 0 ? answered / span_s : 0);
	fill_percentiles(&fill, cells_histogram_of(sums->cells, STATS_REQUEST_DURATION, route));
	figure_count(fill_into(&fill, "refused"), cells_answers(sums->cells, route, '4'));
	fill_failed(&fill, cells_answers(sums->cells, route, '5'));
	figure_count(fill_into(&fill, "ever"), cells_answers(panel->start.cells, route, 0));
	template_end(out, panel->source, "route", &fill);
}

void panel_routes(struct buf *out, const struct panel *panel)
{
	const size_t before = out->len;

	for (int i = 0; i < STATS_ROUTE_COUNT; i++)
		if (cells_answers(panel->start.cells, (enum stats_route)i, 0) > 0)
			add_route(out, panel, (enum stats_route)i);
	if (out->len == before)
		panel_nothing(out, panel, 8, "No request has been answered yet.");
}

static void add_function(struct buf *out, const struct panel *panel, size_t function)
{
	const uint64_t *cells = panel->windows[WINDOW_MAIN].cells;
	const uint64_t *durations = cells_histogram_of(cells, STATS_DB_CALL_DURATION, function);
	struct fill fill = {0};

	fill_text(&fill, "name", metrics_value(STATS_LABEL_FUNCTION, function));
	figure_count(fill_into(&fill, "calls"), histogram_count(durations));
	fill_percentiles(&fill, durations);
	fill_failed(&fill, cells_value(cells, STATS_DB_CALLS_FAILED, function, 0));
	template_end(out, panel->source, "function", &fill);
}

static bool was_called(const uint64_t *cells, size_t function)
{
	return cells_value(cells, STATS_DB_CALLS_FAILED, function, 0) > 0 ||
	       histogram_count(cells_histogram_of(cells, STATS_DB_CALL_DURATION, function)) > 0;
}

void panel_functions(struct buf *out, const struct panel *panel)
{
	const size_t before = out->len;

	for (size_t i = 0; i < STATS_FUNCTION_COUNT; i++)
		if (was_called(panel->windows[WINDOW_MAIN].cells, i))
			add_function(out, panel, i);
	if (out->len == before)
		panel_nothing(out, panel, 6, "The database has not been called.");
}

/* ---- sums ---------------------------------------------------------------------------------- */

static void add_sum(struct buf *out, const struct panel *panel, const char *text,
	const struct indicator_item *item)
{
	struct fill fill = {0};

	fill_text(&fill, "name", text);
	figure_count(fill_into(&fill, "short"),
		cells_sum(panel->windows[WINDOW_SHORT].cells, item->metric));
	figure_count(fill_into(&fill, "main"),
		cells_sum(panel->windows[WINDOW_MAIN].cells, item->metric));
	figure_count(fill_into(&fill, "long"),
		cells_sum(panel->windows[WINDOW_LONG].cells, item->metric));
	figure_count(fill_into(&fill, "start"), cells_sum(panel->start.cells, item->metric));
	template_end(out, panel->source, "sum", &fill);
}

void panel_sums(struct buf *out, const struct panel *panel)
{
	static const char *const texts[] = {
#define INDICATOR(id, name, side, target, definition)
#define FIGURE(id, name, metric, definition) definition,
#define SPREAD(id, name, metric, definition)
#include "stats/indicator.def"
	};

	for (size_t i = 0; i < ARRAY_LEN(indicator_figures); i++)
		add_sum(out, panel, texts[i], &indicator_figures[i]);
}

/* ---- events -------------------------------------------------------------------------------- */

static const char *const event_tones[] = {
	[STATS_EVENT_KIND_CONFLICT] = PANEL_WARN,
	[STATS_EVENT_KIND_RETRY] = PANEL_WARN,
	[STATS_EVENT_KIND_GAVE_UP] = PANEL_BAD,
	[STATS_EVENT_KIND_FAILED] = PANEL_BAD,
};

static void fill_remark(struct fill *fill, const struct event *event)
{
	struct buf *remark = fill_into(fill, "remark");

	if (event->kind == STATS_EVENT_KIND_RETRY)
		buf_printf(remark, "again in %.0f ms", (double)event->delay_us / CLOCK_MS);
	else if (event->version > 0)
		buf_printf(remark, "is at version %u", (unsigned)event->version);
}

static void add_event(struct buf *out, const struct panel *panel, const struct event *event)
{
	char at[CLOCK_TEXT_BYTES];
	char request[UUID_TEXT_BYTES];
	struct fill fill = {0};

	clock_text(event->at_wall_us, at);
	uuid_format(&event->request, request);
	fill_text(&fill, "at", at);
	buf_printf(fill_into(&fill, "at_text"), "%.12s", at + sizeof("2026-01-31T") - 1);
	fill_text(&fill, "tone", event_tones[event->kind]);
	fill_text(&fill, "kind", metrics_value(STATS_LABEL_EVENT_KIND, event->kind));
	fill_text(&fill, "route", metrics_value(STATS_LABEL_ROUTE, event->route));
	buf_printf(fill_into(&fill, "attempts"), "%u", (unsigned)event->attempts);
	fill_text(&fill, "sqlstate", event->sqlstate);
	fill_remark(&fill, event);
	fill_text(&fill, "request", request);
	template_end(out, panel->source, "event", &fill);
}

void panel_events(struct buf *out, const struct panel *panel)
{
	const struct snapshot *now = panel->view->snapshot;

	for (size_t i = 0; i < now->event_count; i++)
		add_event(out, panel, &now->events[i]);
	if (now->event_count == 0)
		panel_nothing(out, panel, 7, "None so far.");
}
