/*
 * Fairness: what one caller may have of the service at a time, in requests and in database time.
 *
 * A caller is an account, or a session while its account is not known. Its requests in flight are
 * counted; database time is a bucket that refills with time and that a call is charged for when it
 * takes longer than FAIR_FREE_US. So the many quick calls of an honest client cost nothing here,
 * however many there are, and a caller whose calls are slow gets as much as the bucket lets through.
 * Whoever is over one of the bounds is refused before anything is done (429). Whose quick call turned
 * out to be slow is kept apart for a while: each of its calls goes by the slow lane, since the next
 * one may be as slow and a wave would wait for that too.
 *
 * The memory is a table of fixed size for each process. Among those who have nothing in flight, the one
 * of whom there is the least to remember gives way; where nobody can, a newcomer is let in uncounted.
 *
 * Thread-safe. Times are monotonic and the caller's argument, so that tests own the clock.
 */
#ifndef WORKER_FAIR_H
#define WORKER_FAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/must.h"

#define FAIR_FREE_US (50 * CLOCK_MS) /* of each call: what it takes at most counts as nothing */

/* So long is kept apart who held a wave up. */
#define FAIR_APART_US (60 * CLOCK_S)

struct fair_limits {
	size_t in_flight; /* requests of one caller */
	int64_t burst_us; /* database time that a full bucket holds */
	int percent;      /* of real time: so fast it fills */
};

/* Who calls: the bytes of a token's hash, or of an account's id. */
struct fair_key {
	uint64_t words[2];
};

enum fair_verdict {
	FAIR_ADMITTED,
	FAIR_MANY, /* too many requests in flight */
	FAIR_LONG, /* its database time is used up */
};

#define FAIR_NOBODY 0 /* a place in the table that stands for none */

struct fair;

MUST_CHECK struct fair *fair_new(const struct fair_limits *limits);
void fair_free(struct fair **fair);

/* One more request of this caller. When ADMITTED, *ret_place is what the others below take, until
 * fair_leave; FAIR_NOBODY where the table has no room. With FAIR_LONG, *ret_wait_us is how long until
 * there is time again. */
enum fair_verdict fair_enter(struct fair *fair, const struct fair_key *key, int64_t now_us,
	size_t *ret_place, int64_t *ret_wait_us);
/* A call of this caller took so long at the database. */
void fair_charge(struct fair *fair, size_t place, int64_t took_us, int64_t now_us);
/* A call of this caller ran over its time amid others. */
void fair_set_apart(struct fair *fair, size_t place, int64_t now_us);
/* Whether its calls are to go by the slow lane, whatever they are. */
bool fair_is_apart(struct fair *fair, size_t place, int64_t now_us);
/* The request is over. */
void fair_leave(struct fair *fair, size_t place);

#endif
