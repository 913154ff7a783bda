/*
 * What the parts of the page /status share. Only page*.c include it.
 *
 * A tone is a class of page.css that says at a glance what the words beside it say: nothing is told
 * by colour alone.
 */
#ifndef REPORT_STATUS_PARTS_H
#define REPORT_STATUS_PARTS_H

#include "base/template.h"
#include "report/status_page.h"

#define TONE_GOOD "good"
#define TONE_WARN "warn"
#define TONE_BAD  "bad"
#define TONE_DULL "dull" /* there is nothing to judge */

/* The view, and what was worked out of it once. */
struct status_page {
	const struct status_page_view *view;
	const char *source; /* page.html */
	struct window_sums windows[WINDOW_COUNT];
	struct window_sums start; /* since the service's start */
};

/* Each appends the rows of its table. */
void status_page_workers(struct buf *out, const struct status_page *page);
void status_page_routes(struct buf *out, const struct status_page *page);
void status_page_functions(struct buf *out, const struct status_page *page);
void status_page_sums(struct buf *out, const struct status_page *page);
void status_page_events(struct buf *out, const struct status_page *page);
/* Every chart of the last hour. */
void status_page_charts(struct buf *out, const struct status_page *page);

/* A row that says that there are none. */
void status_page_nothing(
	struct buf *out, const struct status_page *page, int columns, const char *text);

#endif
