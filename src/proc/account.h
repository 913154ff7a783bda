/*
 * What the loop tells the segment: one function for each thing that happens to a request, so that
 * the loop says what happened and the bookkeeping stands in one place.
 *
 * A slot is written by its own thread only, and so is everything here.
 */
#ifndef PROC_ACCOUNT_H
#define PROC_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "db/retry.h"
#include "db/wave.h"
#include "proc/job.h"
#include "stats/stats.h"

/* A request was read; `now_us` is when. */
void account_started(struct stats_slot *slot, const struct job *job, int64_t now_us);
/* It is about to be answered. Before the answer goes out, so that whoever has it finds it counted. */
void account_answer(struct stats_slot *slot, const struct job *job);
/* It was answered. */
void account_finished(struct stats_slot *slot, const struct job *job, int64_t now_us);
/* It is turned away before any work was done for it. */
void account_shed(struct stats_slot *slot, const struct job *job, enum stats_shed why);

/* Its password is not looked at: too many wrong ones came before it. */
void account_slowed(struct stats_slot *slot, const struct job *job);

/* A wave ended that was sent (or should have been) at began_us. */
void account_wave(
	struct stats_slot *slot, const struct wave *wave, int64_t began_us, int64_t now_us);
/* The caller of a request has more than its share, and it is refused. */
void account_limited(struct stats_slot *slot, const struct job *job, enum stats_limit why);
/* A job had its turn in the slow lane after so long. */
void account_turn(struct stats_slot *slot, int64_t waited_us);
/* A call was stopped for taking longer than its kind may. */
void account_overrun(struct stats_slot *slot, const struct job *job);
/* A call found its row or key held and is parked. */
void account_busy(struct stats_slot *slot);
/* A call will be made again, in delay_us. */
void account_retry(
	struct stats_slot *slot, const struct job *job, enum retry_reason reason, int64_t delay_us);

/* How an operation came to an end. */
enum account_end {
	ACCOUNT_ANSWERED, /* by a row */
	ACCOUNT_REFUSED,  /* by an error that no repeat mends */
	ACCOUNT_GAVE_UP,  /* at its limit of attempts or time */
};

/* A call came to an end; before the row is answered. */
void account_operation(struct stats_slot *slot, const struct job *job, enum account_end end);
/* A call failed with an error that no repeat mends and no caller caused. */
void account_failure(struct stats_slot *slot, const struct job *job);

#endif
