/*
 * What `top` shows of two snapshots: totals and indicators, then the threads, then the routes.
 *
 * From snapshots into a page, made for 80 columns; where rows are short, what is left out is counted.
 */
#ifndef TOOL_VIEW_H
#define TOOL_VIEW_H

#include "stats/window.h"
#include "tool/page.h"

enum view_threads {
	VIEW_THREADS_SLOT,
	VIEW_THREADS_RATE,
	VIEW_THREADS_AVERAGE,
	VIEW_THREADS_SINCE, /* longest in its state first */
	VIEW_THREADS_COUNT,
};

enum view_routes {
	VIEW_ROUTES_RATE,
	VIEW_ROUTES_MEDIAN,
	VIEW_ROUTES_TAIL,
	VIEW_ROUTES_ERRORS,
	VIEW_ROUTES_COUNT,
};

struct view {
	enum view_threads threads; /* their order */
	enum view_routes routes;
	size_t rows;      /* 0: as many as it takes */
	const char *note; /* at the end of the first line, or NULL */
};

/* `before` is comparable with `now`, or NULL: then there are no rates yet. `recent` is what was
 * counted in the last minutes. */
void view_make(struct page *page, const struct view *view, const struct snapshot *now,
	const struct snapshot *before, const struct window_sums *recent);

#endif
