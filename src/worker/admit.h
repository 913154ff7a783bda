/*
 * Who is hashed next, and who need not wait for it: the policy of the hasher's queue.
 *
 * More passwords come than can be hashed; that is what a flood is. Then a queue that serves the
 * oldest first serves nobody: each is reached when its time is over. So:
 *
 *   - a job waits only where its answer would come in time, by what a hash costs here and now;
 *   - who signed in to this account from this network lately goes first, a few times: a flood of made-up
 *     addresses has no such;
 *   - of the others each account and each network has a first job before anybody has a second (its
 *     *turn*), so nobody is held up by another's number. Those that came lately count, not only those
 *     that still wait: where there is room for one, the flood's is always the first that waits;
 *   - of equal ones the oldest goes first while the queue is short, and the newest once it is not:
 *     some are answered quickly, instead of all too late;
 *   - where there is no room, the last in that order gives way, and is told so at once.
 *
 * Pure functions, thread-safe.
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What there is to know about a job that wants to wait. */
struct admit_ticket {
	uint64_t account; /* whose password; a keyed hash, known or not. 0: nobody's */
	uint64_t
		place; /* the network it came from, likewise; 0: this machine's, which counts as none */
	bool known; /* somebody signed in to that account from there lately, or has a session */
	uint64_t number; /* in the order of coming */
	size_t turn;     /* how many of the same account or place came lately, before it */
	int64_t deadline_us;
};

/* What a hash costs by the latest measurement of one, and those before it. Never more than `most_us`:
 * who believed that no hash could be done in time would never measure one again. */
int64_t admit_cost(int64_t cost_us, int64_t measured_us, int64_t most_us);

/* How many jobs may wait, for a job that has left_us: those whose hashes take half of that, at most
 * `limit`, at least one a thread. */
size_t admit_room(int64_t left_us, int64_t cost_us, size_t threads, size_t limit);

/* Whether so many waiting jobs, of the room there is, are enough to serve the newest first. */
bool admit_newest_first(size_t waiting, size_t room);

/* Whether `a` is served before `b`. */
bool admit_before(const struct admit_ticket *a, const struct admit_ticket *b, bool newest_first);

/* Whether a hash that begins now is done before the job's deadline. */
bool admit_in_time(const struct admit_ticket *ticket, int64_t cost_us, int64_t now_us);

#endif
