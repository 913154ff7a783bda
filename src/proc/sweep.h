/*
 * The sweep: Idempotency-Keys that were kept long enough go, in steps too small to be noticed.
 *
 * A wave thread takes a step between two waves, in a transaction of its own. It walks the table from
 * block to block, remembers where it stopped, and rests at the end. Threads that meet pass over what
 * the other one has locked. A sweep belongs to its thread.
 */
#ifndef PROC_SWEEP_H
#define PROC_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "db/call.h"
#include "db/wave.h"

struct sweep {
	int64_t due_us; /* monotonic: the next step */
	int64_t block;  /* where it goes on */
};

/* Threads that start together do not walk together. */
void sweep_init(struct sweep *sweep, int64_t now_us);
/* Whether the next step is to be taken. */
bool sweep_due(const struct sweep *sweep, int64_t now_us);
/* Fills the call of the next step, which deletes some keys that are older than `keep_hours`. Its
 * arguments live in `arena`. */
void sweep_plan(
	const struct sweep *sweep, struct call *call, struct mem_arena *arena, long keep_hours);
/* Reads what became of it. Returns how many keys went. */
uint64_t sweep_take(struct sweep *sweep, const struct wave_call *entry, int64_t now_us);

#endif
