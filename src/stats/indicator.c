/* The service-level indicators. */
#include "stats/indicator.h"

#include "base/must.h"

enum side { BELOW, ABOVE, AT_MOST };

static const struct {
	const char *name;
	enum side side;
	double target;
} indicators[] = {
#define INDICATOR(id, name, side, target) {name, side, target},
#include "stats/indicator.def"
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
static bool measure(enum indicator_id id, const uint64_t *counts, double *ret)
{
	switch (id) {
	case INDICATOR_VERSION_CONFLICT_RATE:
		return ratio(counts[WINDOW_CONFLICTS],
			counts[WINDOW_CONFLICTS] + counts[WINDOW_UPDATES] + counts[WINDOW_MERGES],
			ret);
	case INDICATOR_RETRY_SUCCESS_RATE:
		return ratio(counts[WINDOW_RETRIED_ANSWERED],
			counts[WINDOW_RETRIED_ANSWERED] + counts[WINDOW_RETRIED_FAILED], ret);
	case INDICATOR_SLUG_GENERATION_FAILURES:
		*ret = (double)counts[WINDOW_SLUG_FAILURES];
		return true;
	case INDICATOR_AVERAGE_ATTEMPTS:
		return ratio(counts[WINDOW_ATTEMPTS], counts[WINDOW_OPERATIONS], ret);
	case INDICATOR_COUNT:
		break;
	}
	return false;
}

struct indicator indicator_of(enum indicator_id id, const struct window_sums *sums)
{
	struct indicator indicator = {.known = false, .ok = true};

	MUST(id < INDICATOR_COUNT);
	indicator.known = measure(id, sums->counts, &indicator.value);
	if (indicator.known)
		indicator.ok = on_side(indicators[id].side, indicator.value, indicators[id].target);
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
