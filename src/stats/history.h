/*
 * The last hour, for charts: a ring of points, one for each step of five seconds.
 *
 * Bounded: HISTORY_POINTS points of a few numbers, and the counters as they were at the last one.
 * Not thread-safe; owned by whoever takes the snapshots.
 */
#ifndef STATS_HISTORY_H
#define STATS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "stats/snapshot.h"

#define HISTORY_STEP_S 5
#define HISTORY_POINTS 720

enum history_chart {
#define CHART(id, title, unit) HISTORY_CHART_##id,
#define SERIES(chart, id, name, kind, metric, legend)
#include "stats/history.def"
	HISTORY_CHART_COUNT,
};

enum history_series {
#define CHART(id, title, unit)
#define SERIES(chart, id, name, kind, metric, legend) HISTORY_##id,
#include "stats/history.def"
	HISTORY_SERIES_COUNT,
};

/* One step. */
struct history_point {
	int64_t at_s;                       /* its end, since 1970 */
	float values[HISTORY_SERIES_COUNT]; /* NAN: unknown */
};

struct history;

MUST_CHECK struct history *history_new(void);
void history_free(struct history **history);
/* Call it every second or at every snapshot, with the time since 1970: it keeps what it needs. The
 * first one is what the second is measured from. */
void history_add(struct history *history, const struct snapshot *snapshot, int64_t wall_us);

size_t history_count(const struct history *history);
/* The `i`th of those kept, the oldest first. Valid until the next history_add. */
const struct history_point *history_point(const struct history *history, size_t i);

/* The lists. */
const char *history_chart_title(enum history_chart chart);
const char *history_chart_unit(enum history_chart chart);
enum history_chart history_series_chart(enum history_series series);
const char *history_series_name(enum history_series series);
const char *history_series_legend(enum history_series series);

/* The body of /status/history.json: the points after `after_s`, column by column. */
void history_expose(struct buf *out, const struct history *history, int64_t after_s);

#endif
