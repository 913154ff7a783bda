/* What `top` shows: the order of rows, and what is left out where there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tool/view.h"

#define NOW     (1000 * CLOCK_S)
#define WORKERS 8

struct fixture {
	struct snapshot before;
	struct snapshot now;
	struct snapshot_process processes[WORKERS];
	struct snapshot_thread threads[WORKERS];
	struct snapshot_process processes_before[WORKERS];
	struct snapshot_thread threads_before[WORKERS];
	struct window_sums recent;
	struct view view;
	struct page page;
};

/* Eight workers of one thread; in the last second thread i answered i requests of i ms. */
static struct fixture *busy(void)
{
	static struct fixture f;

	page_free(&f.page);
	memset(&f, 0, sizeof(f));
	f.now = (struct snapshot){.taken_us = NOW,
		.supervisor_pid = 1,
		.supervisor_beat_us = NOW,
		.process_count = WORKERS,
		.thread_count = 1,
		.processes = f.processes};
	f.before = f.now;
	f.before.taken_us = NOW - CLOCK_S;
	f.before.processes = f.processes_before;
	for (size_t i = 0; i < WORKERS; i++) {
		f.processes[i] = (struct snapshot_process){.pid = (int32_t)(100 + i),
			.state = STATS_WORKER_READY,
			.threads = &f.threads[i]};
		f.processes_before[i].threads = &f.threads_before[i];
		f.threads[i].activity_known = true;
		f.threads[i].activity.since_us = NOW - (int64_t)((i * 3) % WORKERS) * CLOCK_S;
		f.threads[i].connection = STATS_CONNECTION_OPEN;
		f.threads_before[i].answered = 1000;
		f.threads[i].answered = 1000 + i;
		f.threads[i].spent_us = i * i * 1000;
	}
	return &f;
}

/* So many answers of a route, of that status, in the last second. */
static void answer(struct fixture *f, enum stats_route route, enum stats_code code, uint64_t count,
	uint64_t us)
{
	const struct stats_shape *requests = &stats_shapes[STATS_REQUESTS];
	const struct stats_shape *durations = &stats_shapes[STATS_REQUEST_DURATION];
	uint64_t *cells = f->now.cells;

	cells[requests->at + route * requests->counts[1] + code] += count;
	cells[durations->at + route * HISTOGRAM_CELLS + histogram_bucket(us)] += count;
}

static void make(struct fixture *f, const struct snapshot *before)
{
	view_make(&f->page, &f->view, &f->now, before, &f->recent);
}

/* The first words of the lines that begin with one of `words`, in their order. */
static const char *order(const struct fixture *f, const char *pattern)
{
	static char text[256];

	text[0] = '\0';
	for (size_t i = 0; i < f->page.count; i++) {
		size_t len;
		const char *line = page_line(&f->page, i, &len);
		const size_t word = strcspn(line, " \n");

		if (word == 0 || strspn(line, pattern) < word)
			continue;
		snprintf(
			text + strlen(text), sizeof(text) - strlen(text), "%.*s ", (int)word, line);
	}
	return text;
}

static void threads_stand_by_slot_rate_average_or_time(void **state)
{
	static const struct {
		enum view_threads order;
		const char *rows;
	} cases[] = {
		{VIEW_THREADS_SLOT, "0.0 1.0 2.0 3.0 4.0 5.0 6.0 7.0 "},
		{VIEW_THREADS_RATE, "7.0 6.0 5.0 4.0 3.0 2.0 1.0 0.0 "},
		{VIEW_THREADS_AVERAGE, "7.0 6.0 5.0 4.0 3.0 2.0 1.0 0.0 "},
		{VIEW_THREADS_SINCE, "5.0 2.0 7.0 4.0 1.0 6.0 3.0 0.0 "},
	};
	struct fixture *f = busy();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->view.threads = cases[i].order;
		make(f, &f->before);
		assert_string_equal(order(f, "0123456789."), cases[i].rows);
	}
}

static void routes_stand_by_rate_percentile_or_errors(void **state)
{
	static const struct {
		enum view_routes order;
		const char *rows;
	} cases[] = {
		{VIEW_ROUTES_RATE, "card-list card-read me "},
		{VIEW_ROUTES_MEDIAN, "card-read me card-list "},
		{VIEW_ROUTES_TAIL, "me card-read card-list "},
		{VIEW_ROUTES_ERRORS, "card-read me card-list "},
	};
	struct fixture *f = busy();

	(void)state;
	answer(f, STATS_ROUTE_CARD_LIST, STATS_CODE_200, 100, 100);
	answer(f, STATS_ROUTE_CARD_READ, STATS_CODE_503, 10, 9000);
	answer(f, STATS_ROUTE_ME, STATS_CODE_401, 5, 500);
	answer(f, STATS_ROUTE_ME, STATS_CODE_200, 3, 50000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->view.routes = cases[i].order;
		make(f, &f->before);
		assert_string_equal(order(f, "cardlistreadme-"), cases[i].rows);
	}
}

static void where_rows_are_short_what_is_left_out_is_counted(void **state)
{
	struct fixture *f = busy();

	(void)state;
	for (int route = 0; route < STATS_ROUTE_COUNT; route++)
		answer(f, (enum stats_route)route, STATS_CODE_200, 1, 100);
	for (size_t rows = 14; rows < 40; rows++) {
		f->view.rows = rows;
		make(f, &f->before);
		assert_true(f->page.count <= rows);
	}
	f->view.rows = 24;
	make(f, &f->before);
	assert_int_equal(f->page.count, 24);
	assert_non_null(strstr(buf_cstr(&f->page.text), "... and 3 more threads\n"));
	assert_non_null(strstr(buf_cstr(&f->page.text), " more routes\n"));
	f->view.rows = 0;
	make(f, &f->before);
	assert_null(strstr(buf_cstr(&f->page.text), " more "));
}

static void without_an_earlier_sample_there_are_no_rates(void **state)
{
	struct fixture *f = busy();

	(void)state;
	make(f, NULL);
	assert_non_null(strstr(buf_cstr(&f->page.text), "now       - requests/s"));
}

static void what_needs_a_look_has_a_style_of_its_own(void **state)
{
	struct fixture *f = busy();
	size_t bad = 0;

	(void)state;
	answer(f, STATS_ROUTE_CARD_READ, STATS_CODE_503, 1, 100);
	f->threads[3].connection = STATS_CONNECTION_CLOSED;
	make(f, &f->before);
	for (size_t i = 0; i < f->page.count; i++)
		bad += f->page.styles[i] == PAGE_BAD;
	assert_int_equal(f->page.styles[0], PAGE_BAR);
	assert_int_equal(bad, 2);
}

static void no_line_is_wider_than_a_terminal(void **state)
{
	struct fixture *f = busy();

	(void)state;
	answer(f, STATS_ROUTE_PROFESSIONAL_SAVE, STATS_CODE_503, 123456789, 60000000);
	for (size_t i = 0; i < WORKERS; i++) {
		f->processes[i].pid = 4194304;
		f->processes[i].state = STATS_WORKER_STARTING;
		f->threads[i].activity.state = STATS_THREAD_ANSWERING;
		f->threads[i].activity.route = STATS_ROUTE_PROFESSIONAL_SAVE;
		f->threads[i].answered = 100000000;
	}
	make(f, &f->before);
	for (size_t i = 0; i < f->page.count; i++) {
		size_t len;

		(void)page_line(&f->page, i, &len);
		assert_true(len <= 80);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_stand_by_slot_rate_average_or_time),
		cmocka_unit_test(routes_stand_by_rate_percentile_or_errors),
		cmocka_unit_test(where_rows_are_short_what_is_left_out_is_counted),
		cmocka_unit_test(without_an_earlier_sample_there_are_no_rates),
		cmocka_unit_test(what_needs_a_look_has_a_style_of_its_own),
		cmocka_unit_test(no_line_is_wider_than_a_terminal),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
