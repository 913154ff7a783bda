/*
 * Log-linear buckets: the layout of one histogram, pure. Thread-safe, as nothing is kept here.
 *
 * Whole numbers fall into buckets that are four to each doubling, so every bucket is at most a
 * quarter as wide as its value: a percentile read from them is at most 25 % too high, and never too
 * low. A bucket holds what is above its predecessor's bound and not above its own, which is what
 * Prometheus means by `le`. Values above 2^26 (67 seconds, for microseconds) share the last one.
 */
#ifndef STATS_HISTOGRAM_H
#define STATS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_TOP_BITS 26
/* Four unit buckets, four for each doubling from 4 on, and one for what is beyond. */
#define HISTOGRAM_BUCKETS (4 + 4 * (HISTOGRAM_TOP_BITS - 2) + 1)
/* Where a histogram keeps its cells: the buckets, then the sum of the values. */
#define HISTOGRAM_SUM   HISTOGRAM_BUCKETS
#define HISTOGRAM_CELLS (HISTOGRAM_BUCKETS + 1)

/* The bucket that `value` falls into. */
static inline size_t histogram_bucket(uint64_t value)
{
	uint64_t below = value != 0 ? value - 1 : 0;
	unsigned bits;

	if (below < 4)
		return (size_t)below;
	if (below >= UINT64_C(1) << HISTOGRAM_TOP_BITS)
		return HISTOGRAM_BUCKETS - 1;
	bits = 63 - (unsigned)__builtin_clzll(below);
	return 4 * (size_t)(bits - 2) + (size_t)(below >> (bits - 2));
}

/* The highest value of a bucket; UINT64_MAX for the last. */
uint64_t histogram_bound(size_t bucket);
/* How many values the cells hold. */
uint64_t histogram_count(const uint64_t cells[HISTOGRAM_CELLS]);
/* How many of them are at most `bound`, which must be some bucket's bound. */
uint64_t histogram_count_upto(const uint64_t cells[HISTOGRAM_CELLS], uint64_t bound);
/* The bound that `share` (0 to 1) of the values do not exceed; 0 when there is none. For values
 * beyond the last bound, that bound. */
uint64_t histogram_percentile(const uint64_t cells[HISTOGRAM_CELLS], double share);

#endif
