/* What comes of a call after its wave. */
#include "worker/settle.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/count.h"

#define KEY_WAIT_US (5 * CLOCK_S)

/* Until when a busy call is tried again. A key that somebody else's request holds is waited for
 * KEY_WAIT_US at most, however long requests may take. */
static int64_t patience(const struct in_flight *in_flight, struct job *job, int64_t now_us)
{
	int64_t limit_us = job->deadline_us - in_flight->margin_us;

	job->try.key_held = strcmp(job->x.call.row.detail, CALL_DETAIL_KEY_BUSY) == 0;
	if (!job->try.key_held)
		return limit_us;
	if (job->try.key_until_us == 0)
		job->try.key_until_us = now_us + KEY_WAIT_US;
	return job->try.key_until_us < limit_us ? job->try.key_until_us : limit_us;
}

/* Somebody holds the row or key: nothing was done, and nobody waited. */
static void settle_busy(
	const struct settle_rules *rules, struct in_flight *in_flight, struct job *job)
{
	int64_t limit_us = patience(in_flight, job, clock_mono_us());
	int64_t delay_us = retry_busy_delay(
		&rules->limits, ++job->try.busy, clock_mono_us(), limit_us, randombytes_random());

	if (delay_us < 0) {
		in_flight_give_up(in_flight, job);
		return;
	}
	count_busy(in_flight->slot);
	log_debug("call found its row held fn=%s waits=%d delay_ms=%lld request=%s",
		call_name(job->x.call.id), job->try.busy, (long long)(delay_us / CLOCK_MS),
		job->x.request.id_text);
	in_flight_park(in_flight, job, delay_us);
}

static void settle_row(
	const struct settle_rules *rules, struct in_flight *in_flight, struct job *job)
{
	if (job->x.call.row.status == CALL_STATUS_BUSY) {
		settle_busy(rules, in_flight, job);
		return;
	}
	/* Its session ended meanwhile, and a keyed write is not told of to one that is over: what became of
	 * the first try stays unknown here. */
	if (job->try.maybe_applied && job->x.call.row.status == 401) {
		in_flight_give_up(in_flight, job);
		return;
	}
	count_operation(in_flight->slot, job, COUNT_ANSWERED);
	job_set_state(&in_flight->jobs, job, JOB_HANDLED);
	in_flight_step(in_flight, job, api_resume(&job->x));
}

/* The text of an error may quote what the client sent, where the client's input caused it. */
static const char *loggable(const struct wave_call *entry)
{
	return entry->class == SQLSTATE_INPUT ? "(withheld)" : entry->error.message;
}

static void settle_refused(
	struct in_flight *in_flight, struct job *job, const struct wave_call *entry)
{
	/* An account that was deleted meanwhile is nobody's fault. */
	log_write(entry->class == SQLSTATE_NO_ACCOUNT ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		"call failed fn=%s code=%s class=%s request=%s error=%s", call_name(job->x.call.id),
		entry->error.sqlstate, sqlstate_class_name(entry->class), job->x.request.id_text,
		LOG_QUOTED(loggable(entry)));
	if (entry->class == SQLSTATE_FAILED)
		count_failure(in_flight->slot, job);
	if (job->try.maybe_applied) {
		in_flight_give_up(in_flight, job);
		return;
	}
	count_operation(in_flight->slot, job, COUNT_REFUSED);
	api_failed(&job->x, entry->class);
	in_flight_finish(in_flight, job);
}

static bool settle_again(const struct settle_rules *rules, struct in_flight *in_flight,
	struct job *job, const struct wave_call *entry, enum retry_reason reason, int64_t delay_us)
{
	log_warn("Retry attempt %d/%d fn=%s reason=%s outcome=%s code=%s delay_ms=%lld request=%s "
		 "error=%s",
		job->try.attempts + 1, rules->limits.max_attempts, call_name(job->x.call.id),
		retry_reason_name(reason), outcome_name(entry->outcome), entry->error.sqlstate,
		(long long)(delay_us / CLOCK_MS), job->x.request.id_text,
		LOG_QUOTED(loggable(entry)));
	count_retry(in_flight->slot, job, reason, delay_us);
	if (reason == RETRY_STALE_PLAN)
		job->try.stale_retried = true;
	in_flight_park(in_flight, job, delay_us);
	return reason != RETRY_STALE_PLAN && reason != RETRY_STANDBY;
}

/* Only work done over costs budget, as opposed to asking what happened, or knocking again. */
static bool budget_for(const struct settle_rules *rules, const struct wave_call *entry)
{
	if (entry->outcome != OUTCOME_ROLLED_BACK || entry->class != SQLSTATE_TRANSIENT)
		return true;
	return retry_budget_take(rules->budget, clock_mono_us());
}

static bool settle_failed(const struct settle_rules *rules, struct in_flight *in_flight,
	struct job *job, const struct wave_call *entry)
{
	struct retry_state state = {
		.attempts = job->try.attempts,
		.stale_retried = job->try.stale_retried,
		.now_us = clock_mono_us(),
		.deadline_us = job->deadline_us - in_flight->margin_us,
		.random = randombytes_random(),
		.budget_left = budget_for(rules, entry),
	};
	enum retry_reason reason = RETRY_TRANSIENT;
	int64_t delay_us = 0;

	memcpy(job->try.sqlstate, entry->error.sqlstate, sizeof(job->try.sqlstate));
	if (entry->outcome == OUTCOME_UNKNOWN && call_kind(job->x.call.id) == CALL_WRITE)
		job->try.maybe_applied = true;
	switch (retry_decide(
		&rules->limits, entry->outcome, entry->class, &state, &delay_us, &reason)) {
	case RETRY_AGAIN:
		return settle_again(rules, in_flight, job, entry, reason, delay_us);
	case RETRY_STOP:
		log_warn(
			"Retries exhausted after attempt %d/%d fn=%s outcome=%s code=%s request=%s "
			"error=%s",
			job->try.attempts, rules->limits.max_attempts, call_name(job->x.call.id),
			outcome_name(entry->outcome), entry->error.sqlstate, job->x.request.id_text,
			LOG_QUOTED(loggable(entry)));
		in_flight_give_up(in_flight, job);
		break;
	case RETRY_REFUSE:
		settle_refused(in_flight, job, entry);
		break;
	}
	return true;
}

/*
 * It took longer than its kind may, and was cancelled. From a wave it goes on alone, by the slow lane,
 * where it holds nobody up. Where it was alone already it is the cause, and another try would take as long.
 *
 * A server that does not let itself be stopped leaves the outcome open: then it is asked what became
 * of the write, and has its locks until it is done, so the answer may be busy for a while.
 */
static void settle_overrun(
	struct in_flight *in_flight, struct job *job, const struct wave_call *entry)
{
	memcpy(job->try.sqlstate, entry->error.sqlstate, sizeof(job->try.sqlstate));
	if (entry->outcome == OUTCOME_UNKNOWN && call_kind(job->x.call.id) == CALL_WRITE)
		job->try.maybe_applied = true;
	log_warn("call ran over its time fn=%s outcome=%s lane=%s request=%s error=%s",
		call_name(job->x.call.id), outcome_name(entry->outcome),
		job->slow ? "slow" : "waves", job->x.request.id_text, LOG_QUOTED(loggable(entry)));
	count_overrun(in_flight->slot, job);
	/* Of an unknown outcome any of the calls may be the cause. */
	if (!job->slow && entry->outcome == OUTCOME_ROLLED_BACK)
		fair_set_apart(in_flight->fair, job->caller, clock_mono_us());
	if (!job->slow) {
		job->slow = true;
		in_flight_dispatch(in_flight, job);
	} else if (job->try.maybe_applied || entry->outcome == OUTCOME_UNKNOWN) {
		in_flight_give_up(in_flight, job);
	} else {
		count_operation(in_flight->slot, job, COUNT_REFUSED);
		api_failed(&job->x, entry->class);
		in_flight_finish(in_flight, job);
	}
}

/* Whether the wave was an attempt at the call. It was none where nothing was tried (a busy answer, no
 * connection), where another call failed, and where any call of the wave may have run over. */
static bool is_attempt(const struct job *job, const struct wave_call *entry)
{
	switch (entry->outcome) {
	case OUTCOME_COMMITTED:
		return job->x.call.row.status != CALL_STATUS_BUSY;
	case OUTCOME_ROLLED_BACK:
	case OUTCOME_UNKNOWN:
		return job->slow || entry->class != SQLSTATE_OVERRUN;
	case OUTCOME_NEIGHBOUR:
	case OUTCOME_NOT_SENT:
		break;
	}
	return false;
}

/* The only place where attempts go up. */
static void count_try(
	const struct settle_rules *rules, struct job *job, const struct wave_call *entry)
{
	if (is_attempt(job, entry))
		job->try.attempts++;
	if (entry->outcome == OUTCOME_NOT_SENT)
		return;
	job->tries++;
	retry_budget_deposit(rules->budget);
}

bool settle(const struct settle_rules *rules, struct in_flight *in_flight, struct job *job,
	const struct wave_call *entry)
{
	count_try(rules, job, entry);
	job->try.key_held = false; /* until this answer says so again */
	switch (entry->outcome) {
	case OUTCOME_COMMITTED:
		settle_row(rules, in_flight, job);
		break;
	case OUTCOME_NEIGHBOUR:
		job->try.splits++;
		log_debug("call goes again, a neighbour failed fn=%s splits=%d request=%s",
			call_name(job->x.call.id), job->try.splits, job->x.request.id_text);
		in_flight_dispatch(in_flight, job);
		break;
	case OUTCOME_ROLLED_BACK:
	case OUTCOME_UNKNOWN:
		if (entry->class == SQLSTATE_OVERRUN) {
			settle_overrun(in_flight, job, entry);
			break;
		}
		return settle_failed(rules, in_flight, job, entry);
	case OUTCOME_NOT_SENT:
		/* It waits for a connection as long as its request may. */
		in_flight_dispatch(in_flight, job);
		break;
	}
	return true;
}
