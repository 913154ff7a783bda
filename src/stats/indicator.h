/*
 * What is told of a window: indicators judged against targets, figures, and spreads. Pure functions
 * over sums. Thread-safe.
 */
#ifndef STATS_INDICATOR_H
#define STATS_INDICATOR_H

#include <stdbool.h>

#include "stats/window.h"

enum indicator_id {
#define INDICATOR(id, name, side, target, definition) INDICATOR_##id,
#define FIGURE(id, name, metric, definition)
#define SPREAD(id, name, metric, definition)
#include "catalog/indicators.def"
	INDICATOR_COUNT,
};

struct indicator {
	bool known; /* false: nothing happened that could be judged; then ok is true */
	double value;
	bool ok;
};

struct indicator indicator_of(enum indicator_id id, const struct window_sums *sums);
/* The version conflict rate of one kind of entity, against the same target. */
struct indicator indicator_conflicts_of(enum stats_entity entity, const struct window_sums *sums);
const char *indicator_name(enum indicator_id id);
double indicator_target(enum indicator_id id);
/* On which side of the target a good value is: "below", "above" or "at most". */
const char *indicator_side(enum indicator_id id);

/* A metric under the name it has in /status.json. */
struct indicator_item {
	const char *name;
	enum stats_metric metric;
};

enum {
#define INDICATOR(id, name, side, target, definition)
#define FIGURE(id, name, metric, definition) INDICATOR_FIGURE_##id,
#define SPREAD(id, name, metric, definition)
#include "catalog/indicators.def"
	INDICATOR_FIGURE_COUNT,
};

enum {
#define INDICATOR(id, name, side, target, definition)
#define FIGURE(id, name, metric, definition)
#define SPREAD(id, name, metric, definition) INDICATOR_SPREAD_##id,
#include "catalog/indicators.def"
	INDICATOR_SPREAD_COUNT,
};

extern const struct indicator_item indicator_figures[INDICATOR_FIGURE_COUNT];
extern const struct indicator_item indicator_spreads[INDICATOR_SPREAD_COUNT];

#endif
