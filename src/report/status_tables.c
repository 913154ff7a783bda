/* The tables of the page /status: workers, routes, functions, sums, events. */
#include "report/status_parts.h"

#include <string.h>

#include "base/clock.h"
#include "report/format.h"
#include "stats/cells.h"
#include "stats/indicator.h"

/* ---- workers ------------------------------------------------------------------------------- */

static const char *worker_tone(enum stats_worker state)
{
	if (state == STATS_WORKER_READY)
		return TONE_GOOD;
	return state == STATS_WORKER_DEAD ? TONE_BAD : TONE_WARN;
}

static void fill_worker(
	struct fill *fill, const struct snapshot *now, const struct snapshot_process *process)
{
	fill_text(fill, "worker_tone", worker_tone(process->state));
	fill_text(fill, "worker_state", metrics_value(STATS_LABEL_WORKER, process->state));
	buf_printf(fill_into(fill, "pid"), "%d", (int)process->pid);
	format_span(fill_into(fill, "uptime"), now->taken_us - process->started_us);
	format_count(fill_into(fill, "restarts"), snapshot_restarts(process));
	format_count(fill_into(fill, "lost"), process->lost);
}

static void add_elapsed(struct buf *out, int64_t us)
{
	if (us < 10 * CLOCK_S)
		format_latency(out, us > 0 ? (uint64_t)us : 0);
	else
		format_span(out, us);
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
		format_span(state, now->taken_us - thread->beat_us);
	}
	fill_text(fill, "tone", hangs ? TONE_BAD : snapshot_busy(thread) ? TONE_GOOD : TONE_DULL);
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
		[STATS_CONNECTION_CLOSED] = TONE_BAD,
		[STATS_CONNECTION_OPEN] = TONE_GOOD,
		[STATS_CONNECTION_UNUSED] = TONE_DULL,
	};

	fill_text(fill, "database_tone", tones[thread->connection]);
	buf_printf(fill_into(fill, "database"), "%s %s",
		metrics_value(STATS_LABEL_CONNECTION, thread->connection), thread->db_sqlstate);
}

static void add_thread_row(struct buf *out, const struct status_page *page, size_t p, size_t t)
{
	const struct snapshot *now = page->view->snapshot;
	const struct snapshot_process *process = &now->processes[p];
	const struct snapshot_thread *thread = &process->threads[t];
	struct fill fill = {0};

	buf_printf(fill_into(&fill, "slot"), "%zu", p);
	buf_printf(fill_into(&fill, "thread"), "%zu%s", t, snapshot_slow(now, t) ? " slow" : "");
	fill_worker(&fill, now, process);
	fill_activity(&fill, now, process, thread);
	fill_request(&fill, thread);
	buf_printf(fill_into(&fill, "in_flight"), "%u", (unsigned)thread->in_flight);
	fill_database(&fill, thread);
	template_end(out, page->source, "thread", &fill);
}

void status_page_workers(struct buf *out, const struct status_page *page)
{
	const struct snapshot *now = page->view->snapshot;

	for (size_t p = 0; p < now->process_count; p++)
		for (size_t t = 0; t < now->thread_count; t++)
			if (now->processes[p].state != STATS_WORKER_FREE)
				add_thread_row(out, page, p, t);
}

/* ---- routes and functions ------------------------------------------------------------------ */

static void fill_percentiles(struct fill *fill, const uint64_t *cells)
{
	format_percentile(fill_into(fill, "p50"), cells, 0.5);
	format_percentile(fill_into(fill, "p90"), cells, 0.9);
	format_percentile(fill_into(fill, "p99"), cells, 0.99);
}

static void fill_failed(struct fill *fill, uint64_t failed)
{
	fill_text(fill, "tone", failed > 0 ? TONE_BAD : "");
	format_count(fill_into(fill, "failed"), failed);
}

static void add_route_row(struct buf *out, const struct status_page *page, enum stats_route route)
{
	const struct window_sums *sums = &page->windows[WINDOW_MAIN];
	const uint64_t answered = cells_answers(sums->cells, route, 0);
	struct fill fill = {0};

	fill_text(&fill, "name", metrics_value(STATS_LABEL_ROUTE, route));
	format_rate(fill_into(&fill, "rate"), window_rate(sums, answered));
	fill_percentiles(&fill, cells_histogram_of(sums->cells, STATS_REQUEST_DURATION, route));
	format_count(fill_into(&fill, "refused"), cells_answers(sums->cells, route, '4'));
	fill_failed(&fill, cells_answers(sums->cells, route, '5'));
	format_count(fill_into(&fill, "ever"), cells_answers(page->start.cells, route, 0));
	template_end(out, page->source, "route", &fill);
}

void status_page_routes(struct buf *out, const struct status_page *page)
{
	const size_t before = out->len;

	for (int i = 0; i < STATS_ROUTE_COUNT; i++)
		if (cells_answers(page->start.cells, (enum stats_route)i, 0) > 0)
			add_route_row(out, page, (enum stats_route)i);
	if (out->len == before)
		status_page_nothing(out, page, 8, "No request has been answered yet.");
}

static void add_function(struct buf *out, const struct status_page *page, size_t function)
{
	const uint64_t *cells = page->windows[WINDOW_MAIN].cells;
	const uint64_t *durations = cells_histogram_of(cells, STATS_DB_CALL_DURATION, function);
	struct fill fill = {0};

	fill_text(&fill, "name", metrics_value(STATS_LABEL_FUNCTION, function));
	format_count(fill_into(&fill, "calls"), histogram_count(durations));
	fill_percentiles(&fill, durations);
	fill_failed(&fill, cells_value(cells, STATS_DB_CALLS_FAILED, function, 0));
	template_end(out, page->source, "function", &fill);
}

static bool was_called(const uint64_t *cells, size_t function)
{
	return cells_value(cells, STATS_DB_CALLS_FAILED, function, 0) > 0 ||
	       histogram_count(cells_histogram_of(cells, STATS_DB_CALL_DURATION, function)) > 0;
}

void status_page_functions(struct buf *out, const struct status_page *page)
{
	const size_t before = out->len;

	for (size_t i = 0; i < STATS_FUNCTION_COUNT; i++)
		if (was_called(page->windows[WINDOW_MAIN].cells, i))
			add_function(out, page, i);
	if (out->len == before)
		status_page_nothing(out, page, 6, "The database has not been called.");
}

/* ---- sums ---------------------------------------------------------------------------------- */

static void add_sum_row(struct buf *out, const struct status_page *page, const char *text,
	const struct indicator_item *item)
{
	struct fill fill = {0};

	fill_text(&fill, "name", text);
	format_count(fill_into(&fill, "short"),
		cells_sum(page->windows[WINDOW_SHORT].cells, item->metric));
	format_count(fill_into(&fill, "main"),
		cells_sum(page->windows[WINDOW_MAIN].cells, item->metric));
	format_count(fill_into(&fill, "long"),
		cells_sum(page->windows[WINDOW_LONG].cells, item->metric));
	format_count(fill_into(&fill, "start"), cells_sum(page->start.cells, item->metric));
	template_end(out, page->source, "sum", &fill);
}

void status_page_sums(struct buf *out, const struct status_page *page)
{
	static const char *const texts[] = {
#define INDICATOR(id, name, side, target, definition)
#define FIGURE(id, name, metric, definition) definition,
#define SPREAD(id, name, metric, definition)
#include "catalog/indicators.def"
	};

	for (size_t i = 0; i < ARRAY_LEN(indicator_figures); i++)
		add_sum_row(out, page, texts[i], &indicator_figures[i]);
}

/* ---- events -------------------------------------------------------------------------------- */

static const char *const event_tones[] = {
	[STATS_EVENT_KIND_CONFLICT] = TONE_WARN,
	[STATS_EVENT_KIND_RETRY] = TONE_WARN,
	[STATS_EVENT_KIND_GAVE_UP] = TONE_BAD,
	[STATS_EVENT_KIND_FAILED] = TONE_BAD,
};

static void fill_remark(struct fill *fill, const struct event *event)
{
	struct buf *remark = fill_into(fill, "remark");

	if (event->kind == STATS_EVENT_KIND_RETRY)
		buf_printf(remark, "again in %.0f ms", (double)event->delay_us / CLOCK_MS);
	else if (event->version > 0)
		buf_printf(remark, "is at version %u", (unsigned)event->version);
}

static void add_event_row(
	struct buf *out, const struct status_page *page, const struct event *event)
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
	template_end(out, page->source, "event", &fill);
}

void status_page_events(struct buf *out, const struct status_page *page)
{
	const struct snapshot *now = page->view->snapshot;

	for (size_t i = 0; i < now->event_count; i++)
		add_event_row(out, page, &now->events[i]);
	if (now->event_count == 0)
		status_page_nothing(out, page, 7, "None so far.");
}
