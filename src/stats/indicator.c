/* What is told of a window. */
#include "stats/indicator.h"

#include "base/must.h"
#include "stats/cells.h"

enum side { BELOW, ABOVE, AT_MOST };

static const struct {
	const char *name;
	enum side side;
	double target;
} indicators[] = {
#define INDICATOR(id, name, side, target, definition) {name, side, target},
#define FIGURE(id, name, metric, definition)
#define SPREAD(id, name, metric, definition)
#include "catalog/indicators.def"
};

const struct indicator_item indicator_figures[INDICATOR_FIGURE_COUNT] = {
#define INDICATOR(id, name, side, target, definition)
#define FIGURE(id, name, metric, definition) {name, STATS_##metric},
#define SPREAD(id, name, metric, definition)
#include "catalog/indicators.def"
};

const struct indicator_item indicator_spreads[INDICATOR_SPREAD_COUNT] = {
#define INDICATOR(id, name, side, target, definition)
#define FIGURE(id, name, metric, definition)
#define SPREAD(id, name, metric, definition) {name, STATS_##metric},
#include "catalog/indicators.def"
};

static bool on_side(enum side side, double value, double target)
{
	switch (side) {
	case BELOW:
		return value < target;
	case ABOVE:
		return value > target;
	case AT_MOST:
		return value <= target;
	}
	return false;
}

static bool ratio(uint64_t part, uint64_t whole, double *ret)
{
	if (whole == 0)
		return false;
	*ret = (double)part / (double)whole;
	return true;
}

/* False when there is nothing to judge. */
static bool measure(enum indicator_id id, const uint64_t *cells, double *ret)
{
	const uint64_t conflicts = cells_sum(cells, STATS_VERSION_CONFLICTS);

	switch (id) {
	case INDICATOR_VERSION_CONFLICT_RATE:
		return ratio(conflicts,
			conflicts + cells_sum(cells, STATS_UPDATES) +
				cells_sum(cells, STATS_MERGES),
			ret);
	case INDICATOR_RETRY_SUCCESS_RATE:
		return ratio(
			cells_value(cells, STATS_RETRIED_OPERATIONS, STATS_OUTCOME_ANSWERED, 0),
			cells_sum(cells, STATS_RETRIED_OPERATIONS), ret);
	case INDICATOR_SLUG_GENERATION_FAILURES:
		*ret = (double)cells_sum(cells, STATS_SLUG_FAILURES);
		return true;
	case INDICATOR_AVERAGE_ATTEMPTS:
		return ratio(cells_sum(cells, STATS_OPERATION_ATTEMPTS),
			cells_sum(cells, STATS_OPERATIONS), ret);
	case INDICATOR_COUNT:
		break;
	}
	return false;
}

static void judge(struct indicator *indicator, enum indicator_id id)
{
	indicator->ok = !indicator->known ||
			on_side(indicators[id].side, indicator->value, indicators[id].target);
}

struct indicator indicator_of(enum indicator_id id, const struct window_sums *sums)
{
	struct indicator indicator = {.value = 0};

	MUST(id < INDICATOR_COUNT);
	indicator.known = measure(id, sums->cells, &indicator.value);
	judge(&indicator, id);
	return indicator;
}

struct indicator indicator_conflicts_of(enum stats_entity entity, const struct window_sums *sums)
{
	const uint64_t conflicts = cells_value(sums->cells, STATS_VERSION_CONFLICTS, entity, 0);
	const uint64_t applied = cells_value(sums->cells, STATS_UPDATES, entity, 0);
	const uint64_t merged = cells_value(sums->cells, STATS_MERGES, entity, 0);
	struct indicator indicator = {.value = 0};

	indicator.known = ratio(conflicts, conflicts + applied + merged, &indicator.value);
	judge(&indicator, INDICATOR_VERSION_CONFLICT_RATE);
	return indicator;
}

const char *indicator_name(enum indicator_id id)
{
	MUST(id < INDICATOR_COUNT);
	return indicators[id].name;
}

double indicator_target(enum indicator_id id)
{
	MUST(id < INDICATOR_COUNT);
	return indicators[id].target;
}

const char *indicator_side(enum indicator_id id)
{
	static const char *const sides[] = {
		[BELOW] = "below", [ABOVE] = "above", [AT_MOST] = "at most"};

	MUST(id < INDICATOR_COUNT);
	return sides[indicators[id].side];
}
