/*
 * What an array of cells says, whether it was counted since the start or in some window: the values
 * of a metric, as metrics.h lays them out. Pure, thread-safe.
 */
#ifndef STATS_CELLS_H
#define STATS_CELLS_H

#include "stats/metrics.h"

/* One value; the sum over all label values. Not for histograms. */
uint64_t cells_value(
	const uint64_t cells[STATS_CELLS], enum stats_metric metric, size_t label1, size_t label2);
uint64_t cells_sum(const uint64_t cells[STATS_CELLS], enum stats_metric metric);
/* The answers of a route by the first digit of their status: 0 for all of them. */
uint64_t cells_answers(const uint64_t cells[STATS_CELLS], enum stats_route route, char digit);
/* A histogram, summed over the values of its label. */
void cells_histogram(const uint64_t cells[STATS_CELLS], enum stats_metric metric,
	uint64_t ret_cells[HISTOGRAM_CELLS]);
/* The histogram of one label value, within `cells`. */
const uint64_t *cells_histogram_of(
	const uint64_t cells[STATS_CELLS], enum stats_metric metric, size_t label);
/* Takes from what counts up what it was before; gauges stay. What is less than before has begun
 * anew, and nothing is known of what it counted: that is 0. */
void cells_subtract(uint64_t cells[STATS_CELLS], const uint64_t before[STATS_CELLS]);

#endif
