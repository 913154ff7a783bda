/*
 * The last hour, for charts: a ring of points, one for each step of five seconds.
 *
 * Bounded: SERIES_POINTS points of a few numbers, and the counters as they were at the last one.
 * Not thread-safe; owned by whoever takes the snapshots.
 */
#ifndef STATS_SERIES_H
#define STATS_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "stats/snapshot.h"

#define SERIES_STEP_S 5
#define SERIES_POINTS 720

enum series_chart {
#define CHART(id, title, unit) SERIES_CHART_##id,
#define SERIES(chart, id, name, kind, metric, legend)
#include "catalog/series.def"
	SERIES_CHART_COUNT,
};

enum series_id {
#define CHART(id, title, unit)
#define SERIES(chart, id, name, kind, metric, legend) SERIES_##id,
#include "catalog/series.def"
	SERIES_COUNT,
};

/* One step. */
struct series_point {
	int64_t at_s;               /* its end, since 1970 */
	float values[SERIES_COUNT]; /* NAN: unknown */
};

struct series;

MUST_CHECK struct series *series_new(void);
void series_free(struct series **series);
/* Call it every second or at every snapshot, with the time since 1970: it keeps what it needs. The
 * first one is what the second is measured from. */
void series_add(struct series *series, const struct snapshot *snapshot, int64_t wall_us);

size_t series_count(const struct series *series);
/* The `i`th of those kept, the oldest first. Valid until the next series_add. */
const struct series_point *series_point(const struct series *series, size_t i);

/* The lists. */
const char *series_chart_title(enum series_chart chart);
const char *series_chart_unit(enum series_chart chart);
enum series_chart series_chart_of(enum series_id series);
const char *series_name(enum series_id series);
const char *series_legend(enum series_id series);

#endif
