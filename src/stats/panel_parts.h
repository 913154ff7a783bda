/*
 * What the parts of the page /status share. Only panel*.c include it.
 *
 * A tone is a class of page.css that says at a glance what the words beside it say: nothing is told
 * by colour alone.
 */
#ifndef STATS_PANEL_PARTS_H
#define STATS_PANEL_PARTS_H

#include "base/template.h"
#include "stats/panel.h"

#define PANEL_GOOD "good"
#define PANEL_WARN "warn"
#define PANEL_BAD  "bad"
#define PANEL_DULL "dull" /* there is nothing to judge */

/* The view, and what was worked out of it once. */
struct panel {
	const struct panel_view *view;
	const char *source; /* page.html */
	struct window_sums windows[WINDOW_COUNT];
	struct window_sums start; /* since the service's start */
};

/* Each appends the rows of its table. */
void panel_workers(struct buf *out, const struct panel *panel);
void panel_routes(struct buf *out, const struct panel *panel);
void panel_functions(struct buf *out, const struct panel *panel);
void panel_sums(struct buf *out, const struct panel *panel);
void panel_events(struct buf *out, const struct panel *panel);
/* Every chart of the last hour. */
void panel_charts(struct buf *out, const struct panel *panel);

/* A row that says that there are none. */
void panel_nothing(struct buf *out, const struct panel *panel, int columns, const char *text);

#endif
