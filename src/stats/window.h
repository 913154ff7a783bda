/*
 * The last five minutes: a ring of small samples, from which differences are taken.
 *
 * Not thread-safe; owned by whoever takes the snapshots. Bounded: one sample in five seconds.
 */
#ifndef STATS_WINDOW_H
#define STATS_WINDOW_H

#include <stdint.h>

#include "stats/snapshot.h"

#define WINDOW_SECONDS      300
#define WINDOW_STEP_SECONDS 5

enum window_count {
	WINDOW_UPDATES,
	WINDOW_CONFLICTS,
	WINDOW_MERGES,
	WINDOW_RETRIED_ANSWERED,
	WINDOW_RETRIED_FAILED,
	WINDOW_SLUG_FAILURES,
	WINDOW_OPERATIONS,
	WINDOW_ATTEMPTS,
	WINDOW_REQUESTS, /* finished */
	WINDOW_SHED,
	WINDOW_COUNTS,
};

/* The sums that indicators and latencies are made of, at one time or between two. */
struct window_sums {
	int64_t span_us; /* how long it took to count them */
	uint64_t counts[WINDOW_COUNTS];
	uint64_t durations[HISTOGRAM_CELLS]; /* of requests, all routes */
};

struct window;

MUST_CHECK struct window *window_new(void);
void window_free(struct window **window);
/* Call it every second or at every snapshot: it keeps one in WINDOW_STEP_SECONDS. */
void window_add(struct window *window, const struct snapshot *snapshot);
/* What was counted in the last WINDOW_SECONDS before `now`; since the service's start when it is
 * younger; since the first sample when the window is. */
void window_recent(
	const struct window *window, const struct snapshot *now, struct window_sums *ret_sums);
/* What was counted since the service's start. */
void window_since_start(const struct snapshot *now, struct window_sums *ret_sums);

#endif
