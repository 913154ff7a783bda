/*
 * The hand: the jobs that one thread holds, from reading to answering.
 *
 * A job in hand is in exactly one place: on its way through a handler, ready for the next wave,
 * riding in a wave, or parked until it is due. It leaves the hand when it is answered, or while the
 * hasher or the slow lane has it. A hand belongs to its thread: of waves, or of the slow lane.
 */
#ifndef PROC_HAND_H
#define PROC_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/audit.h"
#include "proc/fair.h"
#include "proc/hasher.h"
#include "proc/job.h"
#include "proc/lane.h"
#include "stats/segment.h"
#include "stats/stats.h"

struct hand {
	struct hasher *hasher;
	struct lane *lane;
	struct fair *fair;
	const struct segment *segment; /* says whether it is read-only */
	bool slow;                     /* of a thread of the slow lane */
	struct audit *audit;
	struct stats_slot *slot; /* the thread's own */
	bool access_log;         /* a line for each request */
	int64_t margin_us;       /* a call is not sent when less than this is left */
	struct job_queue ready;  /* calls for the next waves */
	struct job *parked;      /* by due time, the next first */
	size_t count;            /* jobs in hand */
};

/* Takes a job in: one that was just read, or that comes from the hasher or the lane. */
void hand_take(struct hand *hand, struct job *job);
/* Whether it is too late to send a call for this job. */
bool hand_too_late(const struct hand *hand, const struct job *job, int64_t now_us);
/* Goes where a handler's step leads: to the answer, the next wave or the hasher. */
void hand_step(struct hand *hand, struct job *job, enum step step);
/* Goes where the job's call is carried out: among the ready, or to the threads that have such calls. */
void hand_dispatch(struct hand *hand, struct job *job);
/* Sends the answer that is in the job's reply, and frees the job. */
void hand_finish(struct hand *hand, struct job *job);
/* Out of time, or out of attempts: answers 503, 409 where the Idempotency-Key
 * was held, or 504 where an attempt may have been applied. */
void hand_give_up(struct hand *hand, struct job *job);
/* There was no time for its password's hash: answers 503, or 429 where its network has more waiting. */
void hand_unhashed(struct hand *hand, struct job *job);
/* Puts the job aside for delay_us; hand_unpark dispatches those that are due. */
void hand_park(struct hand *hand, struct job *job, int64_t delay_us);
void hand_unpark(struct hand *hand);
/* How long the thread may wait for something to do, at most limit_ms. */
int hand_wait_ms(const struct hand *hand, int limit_ms);

#endif
