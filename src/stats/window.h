/*
 * The last minutes: what was counted in three sliding windows, and since the service's start.
 *
 * Each window keeps a ring of samples, WINDOW_STEPS to its length, and takes the difference between
 * now and the sample that is as old as the window: it is at most one step longer than it says.
 * Bounded, whatever the lengths are. Not thread-safe; owned by whoever takes the snapshots.
 */
#ifndef STATS_WINDOW_H
#define STATS_WINDOW_H

#include <stdint.h>

#include "base/conf.h"
#include "stats/snapshot.h"

#define WINDOW_STEPS 30

enum window_id {
	WINDOW_SHORT,
	WINDOW_MAIN, /* by which indicators and alerts are judged */
	WINDOW_LONG,
	WINDOW_COUNT,
};

/* What was counted between two moments. */
struct window_sums {
	int64_t span_us; /* how long that took */
	uint64_t cells[STATS_CELLS];
};

struct window;

/* `lengths_us`: of each window, above 0. */
MUST_CHECK struct window *window_new(const int64_t lengths_us[WINDOW_COUNT]);
/* With the lengths that the configuration gives. */
MUST_CHECK struct window *window_of_conf(const struct conf *conf);
void window_free(struct window **window);
int64_t window_length_us(const struct window *window, enum window_id id);
/* Call it every second or at every snapshot: it keeps what it needs. */
void window_add(struct window *window, const struct snapshot *snapshot);
/* What was counted in that window before `now`; since the service's start when it is younger; since
 * the first sample when the window is. */
void window_recent(const struct window *window, enum window_id id, const struct snapshot *now,
	struct window_sums *ret_sums);
/* What was counted since the service's start. */
void window_since_start(const struct snapshot *now, struct window_sums *ret_sums);
/* What was counted since an earlier snapshot of the same segment. */
void window_between(
	const struct snapshot *before, const struct snapshot *now, struct window_sums *ret_sums);
/* So many of what was counted, as a rate: a second; 0 when it took no time. */
double window_rate(const struct window_sums *sums, uint64_t count);

#endif
