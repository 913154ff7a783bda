/* The last hour, for charts. */
#include "stats/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/cells.h"

struct series {
	size_t count; /* ever taken; the latest is at (count - 1) % SERIES_POINTS */
	struct series_point points[SERIES_POINTS];
	/* What the next point is measured from. */
	int64_t before_us;            /* monotonic; 0: there was no snapshot yet */
	uint64_t before[STATS_CELLS]; /* since the service's start */
};

struct series *series_new(void)
{
	return mem_zero(sizeof(struct series));
}

void series_free(struct series **series)
{
	free(*series);
	*series = NULL;
}

/* ---- the list ------------------------------------------------------------------------------ */

enum kind { RATE, ERRORS, LEVEL, MEDIAN, TAIL };

static const struct {
	enum series_chart chart;
	const char *name;
	enum kind kind;
	enum stats_metric metric;
	const char *legend;
} listed[] = {
#define CHART(id, title, unit)
#define SERIES(chart, id, name, kind, metric, legend) \
	{SERIES_CHART_##chart, name, kind, STATS_##metric, legend},
#include "catalog/series.def"
};

static const struct {
	const char *title;
	const char *unit;
} charts[] = {
#define CHART(id, title, unit) {title, unit},
#define SERIES(chart, id, name, kind, metric, legend)
#include "catalog/series.def"
};

const char *series_chart_title(enum series_chart chart)
{
	MUST(chart < SERIES_CHART_COUNT);
	return charts[chart].title;
}

const char *series_chart_unit(enum series_chart chart)
{
	MUST(chart < SERIES_CHART_COUNT);
	return charts[chart].unit;
}

enum series_chart series_chart_of(enum series_id id)
{
	MUST(id < SERIES_COUNT);
	return listed[id].chart;
}

const char *series_name(enum series_id id)
{
	MUST(id < SERIES_COUNT);
	return listed[id].name;
}

const char *series_legend(enum series_id id)
{
	MUST(id < SERIES_COUNT);
	return listed[id].legend;
}

/* ---- taking points ------------------------------------------------------------------------- */

static uint64_t server_errors(const uint64_t cells[STATS_CELLS])
{
	uint64_t sum = 0;

	for (int route = 0; route < STATS_ROUTE_COUNT; route++)
		sum += cells_answers(cells, (enum stats_route)route, '5');
	return sum;
}

static float percentile_ms(
	const uint64_t cells[STATS_CELLS], enum stats_metric metric, double share)
{
	uint64_t histogram[HISTOGRAM_CELLS];

	cells_histogram(cells, metric, histogram);
	if (histogram_count(histogram) == 0)
		return NAN;
	return (float)histogram_percentile(histogram, share) / CLOCK_MS;
}

/* From what was counted in a step of `span_s`. */
static float value_in(enum series_id id, const uint64_t cells[STATS_CELLS], double span_s)
{
	const enum stats_metric metric = listed[id].metric;

	switch (listed[id].kind) {
	case RATE:
		return (float)((double)cells_sum(cells, metric) / span_s);
	case ERRORS:
		return (float)((double)server_errors(cells) / span_s);
	case LEVEL:
		return (float)cells_sum(cells, metric);
	case MEDIAN:
		return percentile_ms(cells, metric, 0.5);
	case TAIL:
		return percentile_ms(cells, metric, 0.99);
	}
	return NAN;
}

static void take_point(struct series *series, const struct snapshot *snapshot, int64_t wall_us)
{
	struct series_point *point = &series->points[series->count++ % SERIES_POINTS];
	const double span_s = (double)(snapshot->taken_us - series->before_us) / CLOCK_S;
	uint64_t step[STATS_CELLS];

	memcpy(step, snapshot->cells, sizeof(step));
	cells_subtract(step, series->before);
	point->at_s = wall_us / CLOCK_S;
	for (size_t i = 0; i < SERIES_COUNT; i++)
		point->values[i] = value_in((enum series_id)i, step, span_s);
}

void series_add(struct series *series, const struct snapshot *snapshot, int64_t wall_us)
{
	if (series->before_us != 0) {
		if (snapshot->taken_us - series->before_us < SERIES_STEP_S * CLOCK_S)
			return;
		take_point(series, snapshot, wall_us);
	}
	series->before_us = snapshot->taken_us;
	memcpy(series->before, snapshot->cells, sizeof(series->before));
}

/* ---- reading ------------------------------------------------------------------------------- */

size_t series_count(const struct series *series)
{
	return series->count < SERIES_POINTS ? series->count : SERIES_POINTS;
}

const struct series_point *series_point(const struct series *series, size_t i)
{
	const size_t kept = series_count(series);

	MUST(i < kept);
	return &series->points[(series->count - kept + i) % SERIES_POINTS];
}
