/* Log-linear buckets. */
#include "stats/histogram.h"

#include "base/must.h"

uint64_t histogram_bound(size_t bucket)
{
	unsigned doubling;

	if (bucket < 4)
		return bucket + 1;
	if (bucket >= HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	doubling = (unsigned)(bucket - 4) / 4;
	return ((uint64_t)(bucket - 4) % 4 + 5) << doubling;
}

uint64_t histogram_count(const uint64_t cells[HISTOGRAM_CELLS])
{
	uint64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += cells[i];
	return count;
}

uint64_t histogram_count_upto(const uint64_t cells[HISTOGRAM_CELLS], uint64_t bound)
{
	size_t last = histogram_bucket(bound);
	uint64_t count = 0;

	MUST(histogram_bound(last) == bound);
	for (size_t i = 0; i <= last; i++)
		count += cells[i];
	return count;
}

uint64_t histogram_percentile(const uint64_t cells[HISTOGRAM_CELLS], double share)
{
	uint64_t count = histogram_count(cells);
	double wanted = share * (double)count;
	uint64_t seen = 0;

	if (count == 0)
		return 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += cells[i];
		if (seen > 0 && (double)seen >= wanted)
			return histogram_bound(i);
	}
	return histogram_bound(HISTOGRAM_BUCKETS - 2);
}
