/* The last hour, for charts. */
#include "stats/history.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/cells.h"

struct history {
	size_t count; /* ever taken; the latest is at (count - 1) % HISTORY_POINTS */
	struct history_point points[HISTORY_POINTS];
	/* What the next point is measured from. */
	int64_t before_us;            /* monotonic; 0: there was no snapshot yet */
	uint64_t before[STATS_CELLS]; /* since the service's start */
};

struct history *history_new(void)
{
	return mem_zero(sizeof(struct history));
}

void history_free(struct history **history)
{
	free(*history);
	*history = NULL;
}

/* ---- the list ------------------------------------------------------------------------------ */

enum kind { RATE, ERRORS, LEVEL, MEDIAN, TAIL };

static const struct {
	enum history_chart chart;
	const char *name;
	enum kind kind;
	enum stats_metric metric;
	const char *legend;
} series[] = {
#define CHART(id, title, unit)
#define SERIES(chart, id, name, kind, metric, legend) \
	{HISTORY_CHART_##chart, name, kind, STATS_##metric, legend},
#include "stats/history.def"
};

static const struct {
	const char *title;
	const char *unit;
} charts[] = {
#define CHART(id, title, unit) {title, unit},
#define SERIES(chart, id, name, kind, metric, legend)
#include "stats/history.def"
};

const char *history_chart_title(enum history_chart chart)
{
	MUST(chart < HISTORY_CHART_COUNT);
	return charts[chart].title;
}

const char *history_chart_unit(enum history_chart chart)
{
	MUST(chart < HISTORY_CHART_COUNT);
	return charts[chart].unit;
}

enum history_chart history_series_chart(enum history_series id)
{
	MUST(id < HISTORY_SERIES_COUNT);
	return series[id].chart;
}

const char *history_series_name(enum history_series id)
{
	MUST(id < HISTORY_SERIES_COUNT);
	return series[id].name;
}

const char *history_series_legend(enum history_series id)
{
	MUST(id < HISTORY_SERIES_COUNT);
	return series[id].legend;
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
static float value_of(enum history_series id, const uint64_t cells[STATS_CELLS], double span_s)
{
	const enum stats_metric metric = series[id].metric;

	switch (series[id].kind) {
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

static void take_point(struct history *history, const struct snapshot *snapshot, int64_t wall_us)
{
	struct history_point *point = &history->points[history->count++ % HISTORY_POINTS];
	const double span_s = (double)(snapshot->taken_us - history->before_us) / CLOCK_S;
	uint64_t step[STATS_CELLS];

	memcpy(step, snapshot->cells, sizeof(step));
	cells_subtract(step, history->before);
	point->at_s = wall_us / CLOCK_S;
	for (size_t i = 0; i < HISTORY_SERIES_COUNT; i++)
		point->values[i] = value_of((enum history_series)i, step, span_s);
}

void history_add(struct history *history, const struct snapshot *snapshot, int64_t wall_us)
{
	if (history->before_us != 0) {
		if (snapshot->taken_us - history->before_us < HISTORY_STEP_S * CLOCK_S)
			return;
		take_point(history, snapshot, wall_us);
	}
	history->before_us = snapshot->taken_us;
	memcpy(history->before, snapshot->cells, sizeof(history->before));
}

/* ---- reading ------------------------------------------------------------------------------- */

size_t history_count(const struct history *history)
{
	return history->count < HISTORY_POINTS ? history->count : HISTORY_POINTS;
}

const struct history_point *history_point(const struct history *history, size_t i)
{
	const size_t kept = history_count(history);

	MUST(i < kept);
	return &history->points[(history->count - kept + i) % HISTORY_POINTS];
}

/* How many of the points are not after that time. */
static size_t points_until(const struct history *history, int64_t after_s)
{
	size_t i = history_count(history);

	while (i > 0 && history_point(history, i - 1)->at_s > after_s)
		i--;
	return i;
}

static void add_column(
	struct buf *out, const struct history *history, size_t from, enum history_series id)
{
	buf_printf(out, ",\"%s\":[", series[id].name);
	for (size_t i = from; i < history_count(history); i++) {
		const float value = history_point(history, i)->values[id];

		if (i > from)
			buf_char(out, ',');
		if (isnan(value))
			buf_str(out, "null");
		else
			buf_printf(out, "%.4g", (double)value);
	}
	buf_char(out, ']');
}

void history_expose(struct buf *out, const struct history *history, int64_t after_s)
{
	const size_t from = points_until(history, after_s);

	buf_printf(out, "{\"step_seconds\":%d,\"at\":[", HISTORY_STEP_S);
	for (size_t i = from; i < history_count(history); i++)
		buf_printf(out, "%s%" PRId64, i > from ? "," : "", history_point(history, i)->at_s);
	buf_char(out, ']');
	for (size_t i = 0; i < HISTORY_SERIES_COUNT; i++)
		add_column(out, history, from, (enum history_series)i);
	buf_str(out, "}\n");
}
