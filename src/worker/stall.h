/*
 * Whether a thread still turns: judged by its beats, without a clock.
 *
 * Somebody looks at the beats at regular times and counts how often in a row he found one
 * unchanged. Looks are counted, not seconds: a process that was stopped as a whole, or a machine
 * that slept, misses looks and beats alike, and nothing is stalled when it goes on.
 */
#ifndef WORKER_STALL_H
#define WORKER_STALL_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised is a thread not looked at yet. */
struct stall {
	int64_t beat;  /* as found last; 0: it has never beaten, and is not judged */
	int unchanged; /* looks in a row that found just that */
};

/* One look. True when this one and the `limit` looks before it found the same beat. */
static inline bool stall_look(struct stall *stall, int64_t beat, int limit)
{
	stall->unchanged = beat == stall->beat && beat != 0 ? stall->unchanged + 1 : 0;
	stall->beat = beat;
	return stall->unchanged >= limit;
}

#endif
