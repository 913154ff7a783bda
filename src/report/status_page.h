/*
 * The page /status: everything an operator looks at, as HTML that is complete without scripts.
 *
 * Pure: from a snapshot, the last minutes and the last hour into a buffer. The markup stands in
 * web/status/page.html; web/status/page.js replaces parts of the page by those of a newer one, so
 * what is shown is written here only.
 */
#ifndef REPORT_STATUS_PAGE_H
#define REPORT_STATUS_PAGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "stats/series.h"
#include "stats/snapshot.h"
#include "stats/window.h"

struct status_page_view {
	const struct snapshot *snapshot;
	const struct window *window;
	const struct series *series;
	int64_t wall_us;     /* when the snapshot was taken, since 1970 */
	const char *unready; /* why no request would be served; NULL when it would be */
};

void status_page_write(struct buf *out, const struct status_page_view *view);

#endif
