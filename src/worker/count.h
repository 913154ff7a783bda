/*
 * What the loop tells the segment: one function for each thing that happens to a request, so that
 * the loop says what happened and the bookkeeping stands in one place.
 *
 * A slot is written by its own thread only, and so is everything here.
 */
#ifndef WORKER_COUNT_H
#define WORKER_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "db/retry.h"
#include "db/wave.h"
#include "stats/stats.h"
#include "worker/job.h"

/* A request was read; `now_us` is when. */
void count_started(struct stats_slot *slot, const struct job *job, int64_t now_us);
/* It is about to be answered. Before the answer goes out, so that whoever has it finds it counted. */
void count_answer(struct stats_slot *slot, const struct job *job);
/* It was answered. */
void count_finished(struct stats_slot *slot, const struct job *job, int64_t now_us);
/* It is turned away before any work was done for it. */
void count_shed(struct stats_slot *slot, const struct job *job, enum stats_shed why);

/* Its password is not looked at: too many wrong ones came before it. */
void count_slowed(struct stats_slot *slot, const struct job *job);

/* A wave ended that was sent (or should have been) at began_us. */
void count_wave(struct stats_slot *slot, const struct wave *wave, int64_t began_us, int64_t now_us);
/* The caller of a request has more than its share, and it is refused. */
void count_limited(struct stats_slot *slot, const struct job *job, enum stats_limit why);
/* A job had its turn in the slow lane after so long. */
void count_turn(struct stats_slot *slot, int64_t waited_us);
/* A call was stopped for taking longer than its kind may. */
void count_overrun(struct stats_slot *slot, const struct job *job);
/* A call found its row or key held and is parked. */
void count_busy(struct stats_slot *slot);
/* A call will be made again, in delay_us. */
void count_retry(
	struct stats_slot *slot, const struct job *job, enum retry_reason reason, int64_t delay_us);

/* How an operation came to an end. */
enum count_end {
	COUNT_ANSWERED, /* by a row */
	COUNT_REFUSED,  /* by an error that no repeat mends */
	COUNT_GAVE_UP,  /* at its limit of attempts or time */
};

/* A call came to an end; before the row is answered. */
void count_operation(struct stats_slot *slot, const struct job *job, enum count_end end);
/* A call failed with an error that no repeat mends and no caller caused. */
void count_failure(struct stats_slot *slot, const struct job *job);

#endif
