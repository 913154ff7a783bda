/*
 * Whose turn it is to take the next connection: keeps the connections of nginx spread evenly over
 * the worker processes.
 *
 * The kernel wakes whichever process waits, so under light load one would get nearly all, and its
 * waves would queue behind each other while the others are idle. Each worker tells its number of
 * connections in the segment; one that has more than its share lets the others be woken first.
 */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/segment.h"

struct balance {
	struct segment *segment;
	size_t processes; /* slots to look at */
	size_t slot;      /* the caller's own */
};

/* Whether a process with `own` of `total` connections has more than its share among `serving`
 * processes, itself included: half a connection above the mean. Pure. */
bool balance_exceeded(uint64_t own, uint64_t total, uint64_t serving);

/*
 * Tells that this worker has `connections` now (a struct balance; for fcgi_options.counted). True when
 * others should be woken first for the next one: those that serve, and have lately given a sign of
 * life.
 * Thread-safe, never waits.
 */
bool balance_tell(void *balance, size_t connections);

#endif
