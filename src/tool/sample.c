/* The segment at one moment, with what each thread has done so far. */
#include "tool/sample.h"

#include <stdlib.h>

#include "base/mem.h"

static void read_thread(struct sample_thread *ret, const struct stats_slot *slot)
{
	const struct stats_shape *shape = &stats_shapes[STATS_REQUEST_DURATION];

	ret->answered = atomic_load_explicit(
		&slot->cells[STATS_AT_REQUESTS_FINISHED], memory_order_relaxed);
	for (size_t route = 0; route < shape->counts[0]; route++)
		ret->spent_us += atomic_load_explicit(
			&slot->cells[shape->at + route * HISTOGRAM_CELLS + HISTOGRAM_SUM],
			memory_order_relaxed);
}

struct sample *sample_take(const struct segment *segment, int64_t now_us)
{
	struct sample *sample = mem_zero(sizeof(*sample));
	size_t processes;
	size_t threads;

	sample->snapshot = snapshot_take(segment, now_us);
	processes = sample->snapshot->process_count;
	threads = sample->snapshot->thread_count;
	sample->threads = mem_zero(processes * threads * sizeof(*sample->threads));
	for (size_t p = 0; p < processes; p++)
		for (size_t t = 0; t < threads; t++)
			read_thread(
				&sample->threads[p * threads + t], segment_thread(segment, p, t));
	return sample;
}

void sample_free(struct sample **sample)
{
	if (*sample == NULL)
		return;
	snapshot_free(&(*sample)->snapshot);
	free((*sample)->threads);
	free(*sample);
	*sample = NULL;
}

bool sample_comparable(const struct sample *newer, const struct sample *older)
{
	return newer->snapshot->made_us == older->snapshot->made_us &&
	       newer->snapshot->process_count == older->snapshot->process_count &&
	       newer->snapshot->thread_count == older->snapshot->thread_count;
}
