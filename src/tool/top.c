/*
 * cardkeep top: what the service does now, screen after screen.
 *
 * The segment is opened anew for each screen: a restart of the service makes another file, and an
 * operator who watches one goes on watching.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/clock.h"
#include "tool/screen.h"
#include "tool/tool.h"
#include "tool/view.h"

#define DELAY_PRESET_US (2 * CLOCK_S)
#define DELAY_LEAST_US  (CLOCK_S / 10)
#define DELAY_MOST_US   (3600 * CLOCK_S)
/* The first rates are there so soon. */
#define FIRST_US (CLOCK_S / 4)

struct top {
	const struct tool *tool;
	struct window *window; /* of the segment that `now` is of */
	struct snapshot *now;
	struct snapshot *before;
	struct view view;
	struct page page;
	int64_t delay_us;
	int64_t shown_us; /* when the latest snapshot was taken */
	bool first;       /* there was one only */
	bool paused;
	bool helping;
	char why[512]; /* the segment cannot be read any more; "" */
};

/* ---- looking --------------------------------------------------------------------------------- */

static void keep(struct top *top, const struct segment *segment)
{
	snapshot_free(&top->before);
	top->before = top->now;
	top->now = snapshot_take(segment, clock_mono_us());
	if (top->before == NULL || !snapshot_comparable(top->now, top->before)) {
		snapshot_free(&top->before);
		window_free(&top->window);
		top->window = window_of_conf(&top->tool->conf);
	}
	window_add(top->window, top->now);
}

/* Takes the next snapshot. EX_OK; or `why` the segment cannot be read, and nothing is changed. */
static int look_again(struct top *top)
{
	struct segment *segment;
	const int status = tool_try_attach(top->tool, &segment, top->why, sizeof(top->why));

	if (status != EX_OK)
		return status;
	top->why[0] = '\0';
	keep(top, segment);
	segment_close(&segment);
	return EX_OK;
}

static void make_page(struct top *top)
{
	struct window_sums recent;

	window_recent(top->window, WINDOW_MAIN, top->now, &recent);
	view_make(&top->page, &top->view, top->now, top->before, &recent);
}

/* ---- plain text ------------------------------------------------------------------------------ */

static void sleep_us(int64_t us)
{
	struct timespec left = {.tv_sec = us / CLOCK_S, .tv_nsec = us % CLOCK_S * 1000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* `count` screens, 0 for no end. */
static int print_screens(struct top *top, long count)
{
	for (long shown = 0; count == 0 || shown < count; shown++) {
		int status;

		sleep_us(top->delay_us);
		status = look_again(top);
		if (status != EX_OK)
			return tool_fail(status, "%s", top->why);
		make_page(top);
		printf("%s%s", shown > 0 ? "\n" : "", buf_cstr(&top->page.text));
		/* stdout is closed: stop. */
		if (fflush(stdout) != 0)
			break;
	}
	return EX_OK;
}

/* ---- the terminal ---------------------------------------------------------------------------- */

static void make_help(struct page *page)
{
	static const char *const lines[] = {
		"",
		"  t        next order of the threads: slot, rate, average, time in state",
		"  r        next order of the routes: rate, p50, p99, errors",
		"  p blank  pause, go on",
		"  + -      longer, shorter time between two screens",
		"  h ?      this help; any key leads back",
		"  q        quit",
		"",
		"  Rates and percentiles are of the time between two screens; indicators are",
		"  judged by the last minutes. Bold red: an indicator that misses its target,",
		"  a thread without a database connection, a route that answered 5xx.",
	};

	page_reset(page);
	buf_str(&page->text, "cardkeep top: keys");
	page_end_line(page, PAGE_BAR);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		buf_str(&page->text, lines[i]);
		page_end_line(page, PAGE_PLAIN);
	}
}

static void note(const struct top *top, char *text, size_t size)
{
	if (top->why[0] != '\0')
		snprintf(text, size, "SEGMENT IS GONE");
	else if (top->paused)
		snprintf(text, size, "PAUSED, h: help");
	else
		snprintf(text, size, "every %.3g s, h: help", clock_seconds(top->delay_us));
}

static void draw(struct top *top)
{
	char text[64];

	note(top, text, sizeof(text));
	top->view.note = text;
	top->view.rows = screen_rows();
	if (top->helping)
		make_help(&top->page);
	else
		make_page(top);
	screen_show(&top->page);
}

static int64_t bounded(int64_t delay_us)
{
	return delay_us < DELAY_LEAST_US  ? DELAY_LEAST_US
	       : delay_us > DELAY_MOST_US ? DELAY_MOST_US
					  : delay_us;
}

/* False: it is time to go. */
static bool press(struct top *top, int key)
{
	struct view *view = &top->view;

	if (top->helping && key != 'q') {
		top->helping = false;
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 't':
		view->threads = (view->threads + 1) % VIEW_THREADS_COUNT;
		break;
	case 'r':
		view->routes = (view->routes + 1) % VIEW_ROUTES_COUNT;
		break;
	case 'p':
	case ' ':
		top->paused = !top->paused;
		break;
	case '+':
		top->delay_us = bounded(top->delay_us * 2);
		break;
	case '-':
		top->delay_us = bounded(top->delay_us / 2);
		break;
	case 'h':
	case '?':
		top->helping = true;
		break;
	default:
		break;
	}
	return true;
}

/* When the next screen is due; the first rates shall not be waited for. */
static int64_t due_us(const struct top *top)
{
	const int64_t delay_us = top->first && top->delay_us > FIRST_US ? FIRST_US : top->delay_us;

	return top->shown_us + delay_us;
}

/* Waits for keys until the next screen is due; false: it is time to go. */
static bool wait_keys(struct top *top)
{
	int64_t now_us;

	while ((now_us = clock_mono_us()) < due_us(top)) {
		const int key = screen_key(clock_wait_ms(now_us, due_us(top)));

		if (key == SCREEN_NOTHING)
			continue;
		if (key != SCREEN_RESIZED && !press(top, key))
			return false;
		draw(top);
	}
	return true;
}

static void run_screens(struct top *top, long count)
{
	top->first = true;
	top->shown_us = clock_mono_us();
	draw(top);
	for (long shown = 0; (count == 0 || shown < count) && wait_keys(top); shown++) {
		/* Where the segment cannot be read, the last screen stays and says so. */
		if (!top->paused)
			(void)look_again(top);
		top->first = false;
		top->shown_us = clock_mono_us();
		draw(top);
	}
}

/* ---- the command ----------------------------------------------------------------------------- */

/* A number of at least `least`, or false. */
static bool parse_number(const char *text, double least, double most, double *ret)
{
	char *end;
	const double number = strtod(text, &end);

	if (end == text || *end != '\0' || !(number >= least && number <= most))
		return false;
	*ret = number;
	return true;
}

static int read_top_options(const struct tool *tool, struct top *top, long *ret_count)
{
	const char *count = tool->values[TOOL_OPTION_SCREENS];
	const char *delay = tool->values[TOOL_OPTION_DELAY];
	double number;

	if (delay != NULL) {
		if (!parse_number(delay, 0.1, 3600, &number))
			return tool_fail(
				EX_USAGE, "--delay: '%s' is not 0.1 to 3600 seconds", delay);
		top->delay_us = (int64_t)(number * (double)CLOCK_S);
	}
	if (count != NULL) {
		if (!parse_number(count, 1, 1e9, &number))
			return tool_fail(
				EX_USAGE, "--count: '%s' is not a number of screens", count);
		*ret_count = (long)number;
	}
	return EX_OK;
}

static int run_top(struct top *top, long count)
{
	const int status = look_again(top);

	if (status != EX_OK)
		return tool_fail(status, "%s", top->why);
	if ((top->tool->given & TOOL_BATCH) != 0)
		return print_screens(top, count);
	if (!screen_open())
		return tool_fail(EX_UNAVAILABLE,
			"there is no terminal that can show this; --batch prints plain text");
	run_screens(top, count);
	screen_close();
	return EX_OK;
}

int tool_top(const struct tool *tool)
{
	struct top top = {.tool = tool, .delay_us = DELAY_PRESET_US};
	long count = 0;
	int status = read_top_options(tool, &top, &count);

	if (status == EX_OK)
		status = run_top(&top, count);
	snapshot_free(&top.now);
	snapshot_free(&top.before);
	window_free(&top.window);
	page_free(&top.page);
	return status;
}
