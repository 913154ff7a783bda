/*
 * The jobs that one thread has in flight, from reading to answering.
 *
 * Where each of them is its state says (worker/job). All of this belongs to its thread: of waves, or of
 * the slow lane.
 */
#ifndef WORKER_IN_FLIGHT_H
#define WORKER_IN_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/segment.h"
#include "stats/stats.h"
#include "worker/audit.h"
#include "worker/fair.h"
#include "worker/hasher.h"
#include "worker/job.h"
#include "worker/lane.h"

struct in_flight {
	struct hasher *hasher;
	struct lane *lane;
	struct fair *fair;
	const struct segment *segment; /* says whether it is read-only */
	bool slow;                     /* of a thread of the slow lane */
	struct audit *audit;
	struct stats_slot *slot; /* the thread's own */
	bool access_log;         /* a line for each request */
	int64_t margin_us;       /* a call is not sent when less than this is left */
	struct job_lists jobs;
};

/* Whether it is too late to send a call for this job. */
bool in_flight_too_late(const struct in_flight *in_flight, const struct job *job, int64_t now_us);
/* Goes where a handler's step leads: to the answer, the next wave or the hasher. */
void in_flight_step(struct in_flight *in_flight, struct job *job, enum step step);
/* Goes where the job's call is carried out: among the ready, or to the threads that have such calls. */
void in_flight_dispatch(struct in_flight *in_flight, struct job *job);
/* Sends the answer that is in the job's reply, and frees the job. */
void in_flight_finish(struct in_flight *in_flight, struct job *job);
/* Out of time, or out of attempts: answers 503, 409 where the Idempotency-Key
 * was held, or 504 where an attempt may have been applied. */
void in_flight_give_up(struct in_flight *in_flight, struct job *job);
/* There was no time for its password's hash: answers 503, or 429 where its network has more waiting. */
void in_flight_unhashed(struct in_flight *in_flight, struct job *job);
/* Puts the job aside for delay_us; in_flight_unpark dispatches those that are due. */
void in_flight_park(struct in_flight *in_flight, struct job *job, int64_t delay_us);
void in_flight_unpark(struct in_flight *in_flight);
/* How long the thread may wait for something to do, at most limit_ms. */
int in_flight_wait_ms(const struct in_flight *in_flight, int limit_ms);

#endif
