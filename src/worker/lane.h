/*
 * The slow lane: where calls wait that may take the database long, for threads and connections of
 * their own, so that no wave ever waits for one.
 *
 * The order is fair, not first come first served. Each caller has a line; lines take turns, one call
 * a turn. A caller may have calls under way on all threads of the lane but one, so that with two
 * threads or more somebody else's call finds one free, however slow the first caller's are.
 *
 * A job comes by lane_submit from a wave thread and belongs to the lane until lane_next gives it to a
 * slow thread; that one says lane_done when the call is over. A slow thread answers by itself. Where
 * the next step of a request is a quick call, it goes back by lane_return and the wave threads fetch it
 * by lane_collect. Thread-safe.
 */
#ifndef WORKER_LANE_H
#define WORKER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/job.h"

struct lane;

struct lane_limits {
	size_t threads;      /* that fetch by lane_next */
	size_t waiting;      /* jobs, of all callers */
	size_t caller_waits; /* jobs of one caller */
};

enum lane_verdict {
	LANE_TAKEN,
	LANE_FULL,        /* nobody's fault: 503 */
	LANE_CALLER_FULL, /* this caller has enough waiting: 429 */
};

MUST_CHECK struct lane *lane_new(const struct lane_limits *limits);
/* Gives up the jobs that are left (their connections are closed). No thread may be in it. */
void lane_free(struct lane **lane);

/* Takes the job in, by job->caller; unless TAKEN it stays the caller's. */
MUST_CHECK enum lane_verdict lane_submit(struct lane *lane, struct job *job, int64_t now_us);
/* The same for a job of the lane that is to have another turn: there is always room for it. */
void lane_put_back(struct lane *lane, struct job *job, int64_t now_us);
/* The job whose turn it is, waiting at most wait_ms for one; NULL when none came. The time that it
 * has waited is in *ret_waited_us. */
MUST_CHECK struct job *lane_next(struct lane *lane, int wait_ms, int64_t *ret_waited_us);
/* Moves the jobs that are to be answered by then to the end of `queue`. No call of theirs is made. */
void lane_collect_late(struct lane *lane, int64_t until_us, struct job_queue *queue);
/* The call of a job of `caller` that lane_next gave is over. */
void lane_done(struct lane *lane, size_t caller);

/* Gives a job back to the wave threads, and moves those to the end of `queue`. */
void lane_return(struct lane *lane, struct job *job);
void lane_collect(struct lane *lane, struct job_queue *queue);
/* Readable while jobs wait to be collected. */
int lane_fd(const struct lane *lane);

#endif
