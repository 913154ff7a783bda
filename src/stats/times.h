/*
 * Times as another process wrote them: any number, until it was looked at here. Pure.
 */
#ifndef STATS_TIMES_H
#define STATS_TIMES_H

#include <stdatomic.h>
#include <stdint.h>

/* The end of the year 9999: no time here is later, and the difference of two is no overflow. */
#define STATS_TIME_MAX_US INT64_C(253402300799000000)

/* Within what times can be. */
static inline int64_t stats_time(int64_t us)
{
	if (us < 0)
		return 0;
	return us < STATS_TIME_MAX_US ? us : STATS_TIME_MAX_US;
}

/* The same out of the segment, read once. */
static inline int64_t stats_time_of(const _Atomic int64_t *us)
{
	return stats_time(atomic_load_explicit(us, memory_order_acquire));
}

#endif
