/*
 * The service-level indicators: pure judgements over sums. Thread-safe.
 */
#ifndef STATS_INDICATOR_H
#define STATS_INDICATOR_H

#include <stdbool.h>

#include "stats/window.h"

enum indicator_id {
#define INDICATOR(id, name, side, target) INDICATOR_##id,
#include "stats/indicator.def"
	INDICATOR_COUNT,
};

struct indicator {
	bool known; /* false: nothing happened that could be judged; then ok is true */
	double value;
	bool ok;
};

struct indicator indicator_of(enum indicator_id id, const struct window_sums *sums);
const char *indicator_name(enum indicator_id id);
double indicator_target(enum indicator_id id);

#endif
