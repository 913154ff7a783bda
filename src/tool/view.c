/* What `top` shows of two snapshots. */
#include "tool/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/format.h"
#include "stats/cells.h"
#include "stats/indicator.h"
#include "tool/life.h"

/* Of the rows below the head, the threads leave so many to the routes and their titles. */
#define ROUTE_ROWS 8

/* ---- head ------------------------------------------------------------------------------------ */

static void add_bar(struct page *page, const struct view *view, const struct snapshot *snapshot)
{
	struct buf *out = &page->text;
	const size_t from = out->len;

	buf_printf(out, "cardkeep %s  ", snapshot->version);
	life_describe(out, snapshot);
	if (life_of(snapshot) == LIFE_RUNS)
		buf_printf(out, "  supervisor %d", (int)snapshot->supervisor_pid);
	if (view->note != NULL) {
		format_pad(out, from, 78 - strlen(view->note), 2);
		buf_str(out, view->note);
	}
	page_end_line(page, PAGE_BAR);
}

/* The rate of what was counted between the snapshots, or "-" while there is one only. */
static void add_rate(struct buf *out, const struct window_sums *between, uint64_t count)
{
	if (between->span_us > 0)
		format_rate(out, window_rate(between, count));
	else
		buf_char(out, '-');
}

static void add_named(struct buf *out, const char *name, uint64_t count)
{
	buf_printf(out, "  %s ", name);
	format_count(out, count);
}

static void add_request_line(
	struct page *page, const struct snapshot *snapshot, const struct window_sums *between)
{
	struct buf *out = &page->text;
	uint64_t durations[HISTOGRAM_CELLS];

	buf_str(out, "now       ");
	add_rate(out, between, cells_sum(between->cells, STATS_REQUESTS_FINISHED));
	buf_str(out, " requests/s");
	cells_histogram(between->cells, STATS_REQUEST_DURATION, durations);
	buf_str(out, "  p50 ");
	format_percentile(out, durations, 0.5);
	buf_str(out, "  p99 ");
	format_percentile(out, durations, 0.99);
	add_named(out, "in flight", snapshot_sum(snapshot, STATS_REQUESTS_IN_FLIGHT));
	buf_str(out, "  connected ");
	format_count(out, snapshot_value(snapshot, STATS_DB_CONNECTIONS, STATS_CONNECTION_OPEN, 0));
	buf_char(out, '/');
	format_count(out, snapshot_sum(snapshot, STATS_DB_CONNECTIONS));
	page_end_line(page, PAGE_PLAIN);
}

static void add_total_lines(struct page *page, const struct snapshot *snapshot)
{
	struct buf *out = &page->text;

	buf_str(out, "in all  ");
	add_named(out, "answered", snapshot_sum(snapshot, STATS_REQUESTS_FINISHED));
	add_named(out, "lost", snapshot_sum(snapshot, STATS_REQUESTS_LOST));
	add_named(out, "shed", snapshot_sum(snapshot, STATS_REQUESTS_SHED));
	add_named(out, "restarts", snapshot_sum(snapshot, STATS_WORKER_RESTARTS));
	page_end_line(page, PAGE_PLAIN);
	buf_str(out, "        ");
	add_named(out, "conflicts", snapshot_sum(snapshot, STATS_VERSION_CONFLICTS));
	add_named(out, "merges", snapshot_sum(snapshot, STATS_MERGES));
	add_named(out, "retries", snapshot_sum(snapshot, STATS_RETRY_ATTEMPTS));
	add_named(out, "busy", snapshot_sum(snapshot, STATS_BUSY_WAITS));
	add_named(out, "splits", snapshot_sum(snapshot, STATS_WAVE_SPLITS));
	page_end_line(page, PAGE_PLAIN);
}

static void add_indicator_line(struct page *page, enum indicator_id id,
	const struct window_sums *recent, const struct window_sums *all)
{
	struct buf *out = &page->text;
	const size_t from = out->len;
	const struct indicator now = indicator_of(id, recent);
	const struct indicator ever = indicator_of(id, all);

	buf_str(out, indicator_name(id));
	format_pad(out, from, 26, 1);
	format_indicator(out, id, &now);
	format_pad(out, from, 40, 1);
	format_indicator(out, id, &ever);
	format_pad(out, from, 53, 1);
	format_target(out, id);
	format_pad(out, from, 68, 1);
	buf_str(out, now.ok ? "ok" : "MISSED");
	page_end_line(page, now.ok ? PAGE_PLAIN : PAGE_BAD);
}

static void add_indicator_lines(
	struct page *page, const struct snapshot *snapshot, const struct window_sums *recent)
{
	const size_t from = page->text.len;
	struct window_sums all;

	buf_str(&page->text, "INDICATOR");
	format_pad(&page->text, from, 26, 1);
	buf_str(&page->text, "LAST ");
	format_span(&page->text, recent->span_us);
	format_pad(&page->text, from, 40, 1);
	buf_str(&page->text, "SINCE START  TARGET");
	page_end_line(page, PAGE_TITLE);
	window_since_start(snapshot, &all);
	for (int i = 0; i < INDICATOR_COUNT; i++)
		add_indicator_line(page, (enum indicator_id)i, recent, &all);
}

/* A line of its own, while there is something to say. */
static void add_alert_line(struct page *page, const struct snapshot *snapshot)
{
	struct buf alerts = {0};
	const bool fires = format_alerts(&alerts, snapshot);

	if (alerts.len > 0) {
		buf_printf(&page->text, "alerts    %s", buf_cstr(&alerts));
		page_end_line(page, fires ? PAGE_BAD : PAGE_PLAIN);
	}
	buf_free(&alerts);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* A column of a table: where it begins, or for figures, which are aligned to the right, ends. */
struct column {
	const char *name;
	size_t at;
	bool right;
	int order; /* the order in which the rows go down this column, or -1 */
};

/* The titles; the column that the rows are sorted by has a star. */
static void add_titles(struct page *page, const struct column *columns, size_t count, int order)
{
	struct buf *out = &page->text;
	const size_t from = out->len;

	for (size_t i = 0; i < count; i++) {
		const char *star = columns[i].order == order ? "*" : "";
		const size_t width = strlen(columns[i].name) + strlen(star);

		format_pad(out, from, columns[i].right ? columns[i].at - width : columns[i].at,
			i > 0 ? 1 : 0);
		buf_printf(out, "%s%s", columns[i].name, star);
	}
	page_end_line(page, PAGE_TITLE);
}

/* A word at the column where `out` is, then blanks up to the next one. */
static void add_words(struct buf *out, size_t from, size_t next, const char *words)
{
	buf_str(out, words);
	format_pad(out, from, next, 1);
}

/* A figure that ends at that column; `figure` is emptied. */
static void add_figure(struct buf *out, size_t from, size_t end, struct buf *figure)
{
	const size_t at = out->len - from;

	if (at + figure->len < end)
		format_pad(out, from, end - figure->len, 0);
	buf_str(out, buf_cstr(figure));
	buf_reset(figure);
}

/* ---- threads --------------------------------------------------------------------------------- */

struct thread_row {
	size_t process;
	size_t thread;
	uint64_t answered; /* between the snapshots */
	uint64_t spent_us;
	int64_t since_us;
};

static double average_us(const struct thread_row *row)
{
	return row->answered > 0 ? (double)row->spent_us / (double)row->answered : 0;
}

static int descending(double a, double b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int by_slot(const void *a, const void *b)
{
	const struct thread_row *x = a;
	const struct thread_row *y = b;

	return x->process != y->process ? (x->process > y->process ? 1 : -1)
					: (x->thread > y->thread ? 1 : -1);
}

static int by_rate(const void *a, const void *b)
{
	const struct thread_row *x = a;
	const struct thread_row *y = b;
	const int order = descending((double)x->answered, (double)y->answered);

	return order != 0 ? order : by_slot(a, b);
}

static int by_average(const void *a, const void *b)
{
	const int order = descending(average_us(a), average_us(b));

	return order != 0 ? order : by_slot(a, b);
}

static int by_since(const void *a, const void *b)
{
	const struct thread_row *x = a;
	const struct thread_row *y = b;
	const int order = descending(-(double)x->since_us, -(double)y->since_us);

	return order != 0 ? order : by_slot(a, b);
}

typedef int compare_fn(const void *, const void *);

static compare_fn *const thread_orders[VIEW_THREADS_COUNT] = {
	[VIEW_THREADS_SLOT] = by_slot,
	[VIEW_THREADS_RATE] = by_rate,
	[VIEW_THREADS_AVERAGE] = by_average,
	[VIEW_THREADS_SINCE] = by_since,
};

static const struct column thread_columns[] = {
	{"THREAD", 0, false, VIEW_THREADS_SLOT},
	{"PID", 15, true, -1},
	{"WORKER", 16, false, -1},
	{"DOES", 26, false, -1},
	{"ROUTE", 36, false, -1},
	{"FOR", 61, true, VIEW_THREADS_SINCE},
	{"REQ/S", 70, true, VIEW_THREADS_RATE},
	{"AVG", 79, true, VIEW_THREADS_AVERAGE},
};

/* One row for each thread of a slot that is in use; their number. */
static size_t collect_threads(
	struct thread_row *rows, const struct snapshot *now, const struct snapshot *before)
{
	size_t count = 0;

	for (size_t p = 0; p < now->process_count; p++) {
		if (now->processes[p].state == STATS_WORKER_FREE)
			continue;
		for (size_t t = 0; t < now->thread_count; t++) {
			const struct snapshot_thread *thread = &now->processes[p].threads[t];
			struct thread_row *row = &rows[count++];

			*row = (struct thread_row){
				.process = p, .thread = t, .since_us = thread->activity.since_us};
			if (before == NULL)
				continue;
			row->answered = thread->answered - before->processes[p].threads[t].answered;
			row->spent_us = thread->spent_us - before->processes[p].threads[t].spent_us;
		}
	}
	return count;
}

static void add_thread_line(struct page *page, const struct snapshot *snapshot,
	const struct thread_row *row, const struct window_sums *between, struct buf *figure)
{
	const struct snapshot_process *process = &snapshot->processes[row->process];
	const struct snapshot_thread *thread = &process->threads[row->thread];
	const bool known = thread->activity_known;
	const bool idle = known && thread->activity.state == STATS_THREAD_IDLE;
	struct buf *out = &page->text;
	const size_t from = out->len;

	buf_printf(out, "%zu.%zu%s", row->process, row->thread,
		snapshot_slow(snapshot, row->thread) ? " slow" : "");
	buf_printf(figure, "%d", (int)process->pid);
	add_figure(out, from, 15, figure);
	buf_char(out, ' ');
	add_words(out, from, 26, metrics_value(STATS_LABEL_WORKER, process->state));
	add_words(out, from, 36,
		known ? metrics_value(STATS_LABEL_THREAD, thread->activity.state) : "?");
	add_words(out, from, 53,
		known && !idle ? metrics_value(STATS_LABEL_ROUTE, thread->activity.route) : "");
	if (known)
		format_span(figure, snapshot->taken_us - thread->activity.since_us);
	add_figure(out, from, 61, figure);
	add_rate(figure, between, row->answered);
	add_figure(out, from, 70, figure);
	buf_char(out, ' ');
	if (row->answered > 0)
		format_latency(figure, (uint64_t)average_us(row));
	add_figure(out, from, 79, figure);
	page_end_line(page, thread->connection == STATS_CONNECTION_CLOSED ? PAGE_BAD
			    : idle                                        ? PAGE_FAINT
									  : PAGE_PLAIN);
}

static void add_more(struct page *page, size_t hidden, const char *what)
{
	if (hidden == 0)
		return;
	buf_printf(&page->text, "... and %zu more %s", hidden, what);
	page_end_line(page, PAGE_FAINT);
}

static void add_threads(struct page *page, const struct view *view, const struct snapshot *now,
	const struct snapshot *before, const struct window_sums *between)
{
	struct thread_row *rows = mem_zero(now->process_count * now->thread_count * sizeof(*rows));
	const size_t count = collect_threads(rows, now, before);
	const size_t used = page->count + 1 + ROUTE_ROWS;
	const size_t room = view->rows == 0 ? count : view->rows > used + 2 ? view->rows - used : 2;
	size_t shown = count <= room ? count : room - 1;
	struct buf figure = {0};

	add_titles(page, thread_columns, ARRAY_LEN(thread_columns), (int)view->threads);
	qsort(rows, count, sizeof(*rows), thread_orders[view->threads]);
	for (size_t i = 0; i < shown; i++)
		add_thread_line(page, now, &rows[i], between, &figure);
	add_more(page, count - shown, "threads");
	buf_free(&figure);
	free(rows);
}

/* ---- routes ---------------------------------------------------------------------------------- */

struct route_row {
	enum stats_route route;
	uint64_t answered; /* between the snapshots */
	uint64_t refused;  /* 4xx */
	uint64_t failed;   /* 5xx */
	uint64_t p50_us;
	uint64_t p99_us;
	uint64_t ever; /* since the service's start */
};

static int routes_by(const struct route_row *a, const struct route_row *b, uint64_t x, uint64_t y)
{
	if (x != y)
		return x < y ? 1 : -1;
	if (a->ever != b->ever)
		return a->ever < b->ever ? 1 : -1;
	return a->route > b->route ? 1 : -1;
}

static int routes_by_rate(const void *a, const void *b)
{
	const struct route_row *x = a;
	const struct route_row *y = b;

	return routes_by(x, y, x->answered, y->answered);
}

static int routes_by_median(const void *a, const void *b)
{
	const struct route_row *x = a;
	const struct route_row *y = b;

	return routes_by(x, y, x->p50_us, y->p50_us);
}

static int routes_by_tail(const void *a, const void *b)
{
	const struct route_row *x = a;
	const struct route_row *y = b;

	return routes_by(x, y, x->p99_us, y->p99_us);
}

static int routes_by_errors(const void *a, const void *b)
{
	const struct route_row *x = a;
	const struct route_row *y = b;

	if (x->failed != y->failed)
		return x->failed < y->failed ? 1 : -1;
	return routes_by(x, y, x->refused, y->refused);
}

static compare_fn *const route_orders[VIEW_ROUTES_COUNT] = {
	[VIEW_ROUTES_RATE] = routes_by_rate,
	[VIEW_ROUTES_MEDIAN] = routes_by_median,
	[VIEW_ROUTES_TAIL] = routes_by_tail,
	[VIEW_ROUTES_ERRORS] = routes_by_errors,
};

static const struct column route_columns[] = {
	{"ROUTE", 0, false, -1},
	{"REQ/S", 28, true, VIEW_ROUTES_RATE},
	{"P50", 38, true, VIEW_ROUTES_MEDIAN},
	{"P99", 48, true, VIEW_ROUTES_TAIL},
	{"4XX/S", 57, true, -1},
	{"5XX/S", 66, true, VIEW_ROUTES_ERRORS},
	{"IN ALL", 79, true, -1},
};

/* One row for each route that was ever asked for; their number. */
static size_t collect_routes(
	struct route_row rows[STATS_ROUTE_COUNT], const uint64_t *all, const uint64_t *between)
{
	size_t count = 0;

	for (int i = 0; i < STATS_ROUTE_COUNT; i++) {
		const enum stats_route route = (enum stats_route)i;
		const uint64_t *durations =
			cells_histogram_of(between, STATS_REQUEST_DURATION, route);
		const struct route_row row = {
			.route = route,
			.answered = cells_answers(between, route, 0),
			.refused = cells_answers(between, route, '4'),
			.failed = cells_answers(between, route, '5'),
			.p50_us = histogram_percentile(durations, 0.5),
			.p99_us = histogram_percentile(durations, 0.99),
			.ever = cells_answers(all, route, 0),
		};

		if (row.ever > 0)
			rows[count++] = row;
	}
	return count;
}

static void add_route_line(struct page *page, const struct route_row *row,
	const struct window_sums *between, struct buf *figure)
{
	struct buf *out = &page->text;
	const size_t from = out->len;

	buf_str(out, metrics_value(STATS_LABEL_ROUTE, row->route));
	add_rate(figure, between, row->answered);
	add_figure(out, from, 28, figure);
	if (row->answered > 0) {
		format_latency(figure, row->p50_us);
		add_figure(out, from, 38, figure);
		format_latency(figure, row->p99_us);
		add_figure(out, from, 48, figure);
	}
	add_rate(figure, between, row->refused);
	add_figure(out, from, 57, figure);
	add_rate(figure, between, row->failed);
	add_figure(out, from, 66, figure);
	format_count(figure, row->ever);
	add_figure(out, from, 79, figure);
	page_end_line(page, row->failed > 0     ? PAGE_BAD
			    : row->answered > 0 ? PAGE_PLAIN
						: PAGE_FAINT);
}

static void add_routes(struct page *page, const struct view *view, const struct snapshot *now,
	const struct window_sums *between)
{
	struct route_row rows[STATS_ROUTE_COUNT];
	struct buf figure = {0};
	size_t count;
	size_t room;
	size_t shown;

	count = collect_routes(rows, now->cells, between->cells);
	add_titles(page, route_columns, ARRAY_LEN(route_columns), (int)view->routes);
	room = view->rows == 0 ? count : view->rows > page->count ? view->rows - page->count : 0;
	shown = count <= room ? count : room > 0 ? room - 1 : 0;
	qsort(rows, count, sizeof(*rows), route_orders[view->routes]);
	for (size_t i = 0; i < shown; i++)
		add_route_line(page, &rows[i], between, &figure);
	add_more(page, count - shown, "routes");
	buf_free(&figure);
}

/* ---- all of it ------------------------------------------------------------------------------- */

void view_make(struct page *page, const struct view *view, const struct snapshot *now,
	const struct snapshot *before, const struct window_sums *recent)
{
	struct window_sums between;

	if (before != NULL) {
		window_between(before, now, &between);
	} else {
		/* All there is for the latencies, and no time to make rates of. */
		window_since_start(now, &between);
		between.span_us = 0;
	}
	page_reset(page);
	add_bar(page, view, now);
	add_request_line(page, now, &between);
	add_total_lines(page, now);
	add_indicator_lines(page, now, recent);
	add_alert_line(page, now);
	add_threads(page, view, now, before, &between);
	add_routes(page, view, now, &between);
}
