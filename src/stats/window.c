/* The last five minutes. */
#include "stats/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* One more than fit into the span, so that one of them is always as old as the span. */
#define SAMPLES (WINDOW_SECONDS / WINDOW_STEP_SECONDS + 2)

struct sample {
	int64_t at_us;
	struct window_sums sums; /* since the service's start */
};

struct window {
	struct sample samples[SAMPLES];
	size_t count; /* ever taken; the latest is at (count - 1) % SAMPLES */
};

struct window *window_new(void)
{
	return mem_zero(sizeof(struct window));
}

void window_free(struct window **window)
{
	free(*window);
	*window = NULL;
}

void window_since_start(const struct snapshot *now, struct window_sums *ret_sums)
{
	uint64_t *counts = ret_sums->counts;

	ret_sums->span_us = now->taken_us - now->made_us;
	counts[WINDOW_UPDATES] = snapshot_sum(now, STATS_UPDATES);
	counts[WINDOW_CONFLICTS] = snapshot_sum(now, STATS_VERSION_CONFLICTS);
	counts[WINDOW_MERGES] = snapshot_sum(now, STATS_MERGES);
	counts[WINDOW_RETRIED_ANSWERED] =
		snapshot_value(now, STATS_RETRIED_OPERATIONS, STATS_OUTCOME_ANSWERED, 0);
	counts[WINDOW_RETRIED_FAILED] =
		snapshot_value(now, STATS_RETRIED_OPERATIONS, STATS_OUTCOME_FAILED, 0);
	counts[WINDOW_SLUG_FAILURES] = snapshot_sum(now, STATS_SLUG_FAILURES);
	counts[WINDOW_OPERATIONS] = snapshot_sum(now, STATS_OPERATIONS);
	counts[WINDOW_ATTEMPTS] = snapshot_sum(now, STATS_OPERATION_ATTEMPTS);
	counts[WINDOW_REQUESTS] = snapshot_sum(now, STATS_REQUESTS_FINISHED);
	counts[WINDOW_SHED] = snapshot_sum(now, STATS_REQUESTS_SHED);
	snapshot_histogram(now, STATS_REQUEST_DURATION, ret_sums->durations);
}

static const struct sample *sample_back(const struct window *window, size_t back)
{
	return &window->samples[(window->count - 1 - back) % SAMPLES];
}

void window_add(struct window *window, const struct snapshot *snapshot)
{
	struct sample *sample;

	if (window->count > 0 &&
		snapshot->taken_us < sample_back(window, 0)->at_us + WINDOW_STEP_SECONDS * CLOCK_S)
		return;
	sample = &window->samples[window->count++ % SAMPLES];
	sample->at_us = snapshot->taken_us;
	window_since_start(snapshot, &sample->sums);
}

/* The sample to take as the window's beginning, or NULL for the service's start. */
static const struct sample *sample_begin(const struct window *window, const struct snapshot *now)
{
	int64_t begin_us = now->taken_us - WINDOW_SECONDS * CLOCK_S;
	size_t kept = window->count < SAMPLES ? window->count : SAMPLES;

	if (now->made_us >= begin_us)
		return NULL;
	for (size_t back = 0; back < kept; back++)
		if (sample_back(window, back)->at_us <= begin_us)
			return sample_back(window, back);
	return kept > 0 ? sample_back(window, kept - 1) : NULL;
}

void window_recent(
	const struct window *window, const struct snapshot *now, struct window_sums *ret_sums)
{
	const struct sample *begin = sample_begin(window, now);

	window_since_start(now, ret_sums);
	if (begin == NULL)
		return;
	ret_sums->span_us = now->taken_us - begin->at_us;
	for (size_t i = 0; i < WINDOW_COUNTS; i++)
		ret_sums->counts[i] -= begin->sums.counts[i];
	for (size_t i = 0; i < HISTOGRAM_CELLS; i++)
		ret_sums->durations[i] -= begin->sums.durations[i];
}
