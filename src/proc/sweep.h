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

#include "db/call.h"
#include "db/pq.h"
#include "db/wave.h"

struct sweep {
	int64_t due_us; /* monotonic: the next step */
	int64_t block;  /* where it goes on */
	struct call call;
};

/* Threads that start together do not walk together. */
void sweep_init(struct sweep *sweep, int64_t now_us);

/*
 * Takes one step if it is due: deletes some keys that are older than `keep_hours`. Returns how many
 * went. `wave` is for its use; the connection must be open, and is closed where the step's outcome
 * is not known.
 */
uint64_t sweep_step(struct sweep *sweep, long keep_hours, struct wave *wave, struct pq_conn *conn,
	int64_t now_us);

void sweep_fini(struct sweep *sweep);

#endif
