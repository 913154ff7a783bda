/* The segment at one moment, with what each thread has done so far. */
#include "tool/sample.h"

#include <stdlib.h>

#include "base/mem.h"

struct sample *sample_take(const struct segment *segment, int64_t now_us)
{
	struct sample *sample = mem_zero(sizeof(*sample));
	const struct snapshot *snapshot;

	sample->snapshot = snapshot_take(segment, now_us);
	snapshot = sample->snapshot;
	sample->threads = mem_zero(
		snapshot->process_count * snapshot->thread_count * sizeof(*sample->threads));
	for (size_t p = 0; p < snapshot->process_count; p++) {
		const struct snapshot_thread *threads = snapshot->processes[p].threads;

		for (size_t t = 0; t < snapshot->thread_count; t++)
			sample->threads[p * snapshot->thread_count + t] =
				(struct sample_thread){threads[t].answered, threads[t].spent_us};
	}
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
