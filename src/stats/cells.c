/* What an array of cells says. */
#include "stats/cells.h"

#include <string.h>

#include "base/must.h"

uint64_t cells_value(
	const uint64_t cells[STATS_CELLS], enum stats_metric metric, size_t label1, size_t label2)
{
	const struct stats_shape *shape = &stats_shapes[metric];

	MUST(shape->width == 1 && label1 < shape->counts[0] && label2 < shape->counts[1]);
	return cells[shape->at + label1 * shape->counts[1] + label2];
}

uint64_t cells_sum(const uint64_t cells[STATS_CELLS], enum stats_metric metric)
{
	const struct stats_shape *shape = &stats_shapes[metric];
	size_t count = (size_t)shape->counts[0] * shape->counts[1];
	uint64_t sum = 0;

	MUST(shape->width == 1);
	for (size_t i = 0; i < count; i++)
		sum += cells[shape->at + i];
	return sum;
}

uint64_t cells_answers(const uint64_t cells[STATS_CELLS], enum stats_route route, char digit)
{
	uint64_t sum = 0;

	for (size_t code = 0; code < STATS_CODE_COUNT; code++)
		if (digit == 0 || metrics_value(STATS_LABEL_CODE, code)[0] == digit)
			sum += cells_value(cells, STATS_REQUESTS, route, code);
	return sum;
}

const uint64_t *cells_histogram_of(
	const uint64_t cells[STATS_CELLS], enum stats_metric metric, size_t label)
{
	const struct stats_shape *shape = &stats_shapes[metric];

	MUST(shape->width == HISTOGRAM_CELLS && label < shape->counts[0] && shape->counts[1] == 1);
	return &cells[shape->at + label * HISTOGRAM_CELLS];
}

void cells_histogram(const uint64_t cells[STATS_CELLS], enum stats_metric metric,
	uint64_t ret_cells[HISTOGRAM_CELLS])
{
	memset(ret_cells, 0, HISTOGRAM_CELLS * sizeof(*ret_cells));
	for (size_t i = 0; i < stats_shapes[metric].counts[0]; i++) {
		const uint64_t *from = cells_histogram_of(cells, metric, i);

		for (size_t c = 0; c < HISTOGRAM_CELLS; c++)
			ret_cells[c] += from[c];
	}
}

void cells_subtract(uint64_t cells[STATS_CELLS], const uint64_t before[STATS_CELLS])
{
	for (int m = 0; m < STATS_METRIC_COUNT; m++) {
		enum stats_kind kind = metrics_entry((enum stats_metric)m)->kind;
		const struct stats_shape *shape = &stats_shapes[m];
		size_t end = shape->at + (size_t)shape->width * shape->counts[0] * shape->counts[1];

		if (kind == STATS_KIND_GAUGE || kind == STATS_KIND_INFO)
			continue;
		for (size_t i = shape->at; i < end; i++)
			cells[i] = cells[i] > before[i] ? cells[i] - before[i] : 0;
	}
}
