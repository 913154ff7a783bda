/*
 * The sweep: what the database is to forget goes, in steps too small to be noticed: Idempotency-Keys
 * that were kept long enough, and all that closed accounts had.
 *
 * A wave thread takes a step between two waves, in a transaction of its own. Each kind is a walk that
 * remembers where it stopped, and rests at its end. Threads that meet pass over what the other one has
 * locked. A sweep belongs to its thread.
 */
#ifndef WORKER_SWEEP_H
#define WORKER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "db/call.h"
#include "db/wave.h"

enum sweep_kind {
	SWEEP_KEYS,     /* through the blocks of their table */
	SWEEP_ACCOUNTS, /* through the ids of closed ones */
	SWEEP_KINDS,
};

struct sweep_walk {
	int64_t due_us; /* monotonic: the next step */
	char from
		[UUID_TEXT_BYTES]; /* where it goes on, as the row of the step before said; "" at the start */
};

struct sweep {
	struct sweep_walk walks[SWEEP_KINDS];
	enum sweep_kind kind; /* of the step that was planned last */
};

/* How many rows a step deleted. */
struct swept {
	uint64_t rows[SWEEP_KINDS];
};

/* Threads that start together do not walk together. */
void sweep_init(struct sweep *sweep, int64_t now_us);
/* Whether the next step of any walk is to be taken. */
bool sweep_due(const struct sweep *sweep, int64_t now_us);
/* Fills the call of the step that was due first; keys go that are older than `keep_hours`. Its
 * arguments live in `arena`. */
void sweep_plan(struct sweep *sweep, struct call *call, struct mem_arena *arena, long keep_hours);
/* Reads what became of it. */
struct swept sweep_take(struct sweep *sweep, const struct wave_call *entry, int64_t now_us);

#endif
