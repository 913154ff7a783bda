/*
 * The segment at one moment, with what each thread has done so far; two of them make rates.
 */
#ifndef TOOL_SAMPLE_H
#define TOOL_SAMPLE_H

#include "stats/snapshot.h"

struct sample_thread {
	uint64_t answered; /* requests, since the slot's first tenant */
	uint64_t spent_us; /* on them, from nginx's acceptance to the answer */
};

struct sample {
	struct snapshot *snapshot;
	struct sample_thread *threads; /* of process p and thread t at p * thread_count + t */
};

MUST_CHECK struct sample *sample_take(const struct segment *segment, int64_t now_us);
void sample_free(struct sample **sample);
/* Whether both are of one segment: a restart of the service begins another. */
bool sample_comparable(const struct sample *newer, const struct sample *older);

#endif
