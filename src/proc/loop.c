/*
 * The wave loop: the life of one worker thread.
 *
 * Waves grow by themselves. While one is at the database, connections become readable; the next
 * gather takes them all, up to wave_calls. At low load a wave is one call and costs what one call
 * costs; there is no timer and so no added latency.
 *
 * Unknown is sticky. Once an attempt of a write may have been applied, its job ends by a row of the
 * same write's repeat, or as 504: never as 503, which promises that nothing was applied.
 */
#include "proc/loop.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api/router.h"
#include "api/text.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/wave.h"

#define IDLE_WAIT_MS 200 /* an idle thread looks this often whether it should end */
#define BUSY_BASE_US (5 * CLOCK_MS)
#define BUSY_MAX_US  (100 * CLOCK_MS)

struct loop {
	struct loop_shared *shared;
	struct retry_limits limits;
	int64_t margin_us; /* a call is not sent when less than this is left */
	struct pq_conn *conn;
	struct job_queue ready; /* calls for the next waves */
	struct job *parked;	/* by due time, the next first */
	size_t in_hand;		/* jobs this thread holds */
	struct wave wave;
	struct job *riders[WAVE_CALLS_MAX]; /* whose calls are in `wave` */
	struct fcgi_conn *conns[WAVE_CALLS_MAX];
};

/* ---- answering ----------------------------------------------------------------------------- */

static const char *method_word(enum request_method method)
{
	static const char *const words[] = {
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"};

	return words[method];
}

static void finish(struct loop *loop, struct job *job)
{
	const struct exchange *x = &job->x;

	fcgi_reply(job->conn, &x->request, &x->reply);
	log_info("request id=%s method=%s route=%s status=%d us=%lld wave=%zu attempts=%d",
		x->request.id_text, method_word(x->request.method),
		x->route != NULL ? x->route : "none", x->reply.status,
		(long long)(clock_mono_us() - x->request.began_us), job->riders, job->tries);
	job_free(&job);
	loop->in_hand--;
}

/* Out of time, or out of attempts. */
static void give_up(struct loop *loop, struct job *job)
{
	if (job->maybe_applied)
		(void)exchange_problem(&job->x, PROBLEM_OUTCOME_UNKNOWN,
			"the database did not say in time whether this was applied: look, or "
			"repeat with the same Idempotency-Key");
	else
		(void)exchange_problem(&job->x, PROBLEM_UNAVAILABLE,
			"this could not be carried out in time; nothing was applied");
	finish(loop, job);
}

static void start_call(struct loop *loop, struct job *job)
{
	job->attempts = 0;
	job->busy = 0;
	job->maybe_applied = false;
	job->alone = false;
	job_push(&loop->ready, job);
}

static void take_step(struct loop *loop, struct job *job, enum step step)
{
	switch (step) {
	case STEP_ANSWER:
		finish(loop, job);
		break;
	case STEP_CALL:
		start_call(loop, job);
		break;
	case STEP_HASH:
		if (hasher_submit(loop->shared->hasher, job)) {
			loop->in_hand--;
			break;
		}
		log_warn("hash queue full request=%s", job->x.request.id_text);
		give_up(loop, job);
		break;
	}
}

/* ---- parking ------------------------------------------------------------------------------- */

static void park(struct loop *loop, struct job *job, int64_t delay_us)
{
	struct job **at = &loop->parked;

	job->due_us = clock_mono_us() + delay_us;
	while (*at != NULL && (*at)->due_us <= job->due_us)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
}

static void unpark_due(struct loop *loop)
{
	int64_t now_us = clock_mono_us();

	while (loop->parked != NULL && loop->parked->due_us <= now_us) {
		struct job *job = loop->parked;

		loop->parked = job->next;
		job_push(&loop->ready, job);
	}
}

/* ---- after a wave -------------------------------------------------------------------------- */

/* Somebody holds the row or key: nothing was done, and nobody waited. */
static void settle_busy(struct loop *loop, struct job *job)
{
	int64_t delay_us = retry_busy_delay(&loop->limits, ++job->busy, clock_mono_us(),
		job->deadline_us - loop->margin_us, randombytes_random());

	if (delay_us < 0)
		give_up(loop, job);
	else
		park(loop, job, delay_us);
}

static void settle_row(struct loop *loop, struct job *job)
{
	if (job->x.call.row.status == CALL_STATUS_BUSY)
		settle_busy(loop, job);
	else
		take_step(loop, job, job->x.resume(&job->x));
}

/* The text of an error may quote what the client sent, where the client's input caused it. */
static const char *loggable(const struct wave_call *entry)
{
	return entry->class == SQLSTATE_INPUT ? "(withheld)" : entry->error.message;
}

static void settle_refused(struct loop *loop, struct job *job, const struct wave_call *entry)
{
	log_error("call failed fn=%s code=%s class=%s request=%s error=\"%s\"",
		call_function(job->x.call.id), entry->error.sqlstate,
		sqlstate_class_name(entry->class), job->x.request.id_text, loggable(entry));
	if (job->maybe_applied) {
		give_up(loop, job);
		return;
	}
	exchange_failed(&job->x, entry->class);
	finish(loop, job);
}

static void settle_again(struct loop *loop, struct job *job, const struct wave_call *entry,
	enum retry_reason reason, int64_t delay_us)
{
	log_warn("Retry attempt %d/%d fn=%s reason=%s outcome=%s code=%s delay_ms=%lld request=%s "
		 "error=\"%s\"",
		job->attempts + 1, loop->limits.max_attempts, call_function(job->x.call.id),
		retry_reason_name(reason), outcome_name(entry->outcome), entry->error.sqlstate,
		(long long)(delay_us / CLOCK_MS), job->x.request.id_text, loggable(entry));
	if (reason == RETRY_STALE_PLAN) {
		job->stale_retried = true;
		pq_close(loop->conn);
	}
	if (reason == RETRY_STANDBY)
		pq_close(loop->conn);
	park(loop, job, delay_us);
}

/* Only work done over costs budget, as opposed to asking what happened, or knocking again. */
static bool budget_for(struct loop *loop, const struct wave_call *entry)
{
	if (entry->outcome != OUTCOME_ROLLED_BACK || entry->class != SQLSTATE_TRANSIENT)
		return true;
	return retry_budget_take(loop->shared->budget, clock_mono_us());
}

static void settle_failed(struct loop *loop, struct job *job, const struct wave_call *entry)
{
	struct retry_state state = {
		.attempts = job->attempts,
		.stale_retried = job->stale_retried,
		.now_us = clock_mono_us(),
		.deadline_us = job->deadline_us - loop->margin_us,
		.random = randombytes_random(),
		.budget_left = budget_for(loop, entry),
	};
	enum retry_reason reason = RETRY_TRANSIENT;
	int64_t delay_us = 0;

	if (entry->outcome == OUTCOME_UNKNOWN && call_kind(job->x.call.id) == CALL_WRITE)
		job->maybe_applied = true;
	switch (retry_decide(
		&loop->limits, entry->outcome, entry->class, &state, &delay_us, &reason)) {
	case RETRY_AGAIN:
		settle_again(loop, job, entry, reason, delay_us);
		break;
	case RETRY_STOP:
		log_warn(
			"Retries exhausted after attempt %d/%d fn=%s outcome=%s code=%s request=%s "
			"error=\"%s\"",
			job->attempts, loop->limits.max_attempts, call_function(job->x.call.id),
			outcome_name(entry->outcome), entry->error.sqlstate, job->x.request.id_text,
			loggable(entry));
		give_up(loop, job);
		break;
	case RETRY_REFUSE:
		settle_refused(loop, job, entry);
		break;
	}
}

static void settle(struct loop *loop, struct job *job, const struct wave_call *entry)
{
	switch (entry->outcome) {
	case OUTCOME_COMMITTED:
		settle_row(loop, job);
		break;
	case OUTCOME_NEIGHBOUR:
		/* Not its fault, and no attempt of its own: it goes again, alone. */
		job->alone = true;
		job->attempts--;
		job_push(&loop->ready, job);
		break;
	default:
		settle_failed(loop, job, entry);
	}
}

/* ---- a wave -------------------------------------------------------------------------------- */

static bool connect_now(struct loop *loop, int64_t deadline_us, struct pq_error *ret_error)
{
	struct retry_breaker *breaker = loop->shared->breaker;
	int64_t now_us = clock_mono_us();
	int64_t limit_us = now_us + loop->shared->conf->connect_timeout_ms * CLOCK_MS;

	if (!retry_breaker_allows(breaker, now_us)) {
		*ret_error = (struct pq_error){.message = "no connection: waiting to try again"};
		return false;
	}
	if (pq_open(loop->conn, limit_us < deadline_us ? limit_us : deadline_us, ret_error)) {
		retry_breaker_succeeded(breaker);
		log_info("database connected");
		return true;
	}
	retry_breaker_failed(breaker, clock_mono_us(), randombytes_random());
	log_warn("database connection failed error=\"%s\"", ret_error->message);
	return false;
}

/* Whether `job` may ride in the wave under construction. */
static bool may_ride(const struct loop *loop, const struct job *job, enum call_kind kind)
{
	if (call_kind(job->x.call.id) != kind)
		return false;
	if (job->alone && loop->wave.count > 0)
		return false;
	return wave_has_room(&loop->wave, (size_t)loop->shared->conf->wave_calls, &job->x.call);
}

/* Fills the wave from the ready calls of one kind; the rest keep their order. Returns when its
 * earliest rider must be answered. */
static int64_t board(struct loop *loop, enum call_kind kind)
{
	struct job_queue rest = {0};
	int64_t deadline_us = INT64_MAX;
	int64_t now_us = clock_mono_us();
	bool full = false;
	struct job *job;

	wave_reset(&loop->wave);
	while ((job = job_pop(&loop->ready)) != NULL) {
		if (now_us >= job->deadline_us - loop->margin_us) {
			give_up(loop, job);
			continue;
		}
		if (full || !may_ride(loop, job, kind)) {
			job_push(&rest, job);
			continue;
		}
		full = job->alone;
		loop->riders[loop->wave.count] = job;
		wave_add(&loop->wave, &job->x.call);
		if (job->deadline_us < deadline_us)
			deadline_us = job->deadline_us;
	}
	loop->ready = rest;
	return deadline_us;
}

static void execute(struct loop *loop, enum call_kind kind)
{
	int64_t deadline_us = board(loop, kind);
	struct pq_error error = {0};

	if (loop->wave.count == 0)
		return;
	for (size_t i = 0; i < loop->wave.count; i++) {
		loop->riders[i]->attempts++;
		loop->riders[i]->tries++;
		loop->riders[i]->riders = loop->wave.count;
		retry_budget_deposit(loop->shared->budget);
	}
	pq_drop_if_gone(loop->conn);
	if (pq_ready(loop->conn) || connect_now(loop, deadline_us, &error))
		wave_run(&loop->wave, loop->conn, deadline_us);
	else
		wave_not_sent(&loop->wave, &error);
	for (size_t i = 0; i < loop->wave.count; i++)
		settle(loop, loop->riders[i], &loop->wave.calls[i]);
}

/* ---- gathering ----------------------------------------------------------------------------- */

static void begin(struct loop *loop, struct fcgi_conn *conn)
{
	const struct conf *conf = loop->shared->conf;
	struct job *job = job_new(conf, conn);

	if (!fcgi_read(conn, &job->x.arena, &job->x.request)) {
		job_free(&job);
		return;
	}
	loop->in_hand++;
	job->deadline_us = job->x.request.began_us + conf->request_deadline_ms * CLOCK_MS;
	/* Too old when picked up: its client has gone, or is about to. */
	if (clock_mono_us() >= job->deadline_us - loop->margin_us)
		give_up(loop, job);
	else
		take_step(loop, job, router_begin(&job->x));
}

static void resume_hashed(struct loop *loop)
{
	struct job_queue done = {0};
	struct job *job;

	hasher_collect(loop->shared->hasher, &done);
	while ((job = job_pop(&done)) != NULL) {
		loop->in_hand++;
		if (clock_mono_us() >= job->deadline_us - loop->margin_us)
			give_up(loop, job);
		else
			take_step(loop, job, job->x.resume(&job->x));
	}
}

static int wait_ms(const struct loop *loop)
{
	int ms;

	if (loop->ready.count > 0)
		return 0;
	if (loop->parked == NULL)
		return IDLE_WAIT_MS;
	ms = clock_wait_ms(clock_mono_us(), loop->parked->due_us);
	return ms < IDLE_WAIT_MS ? ms : IDLE_WAIT_MS;
}

static void gather(struct loop *loop)
{
	bool woken = false;
	size_t n = fcgi_gather(loop->shared->gate, loop->conns,
		(size_t)loop->shared->conf->wave_calls, wait_ms(loop), &woken);

	for (size_t i = 0; i < n; i++)
		begin(loop, loop->conns[i]);
	if (woken)
		resume_hashed(loop);
	unpark_due(loop);
}

static bool drained(const struct loop *loop)
{
	struct loop_shared *shared = loop->shared;

	if (!atomic_load(&shared->draining) || loop->in_hand > 0)
		return false;
	return fcgi_gate_connections(shared->gate) == 0 ||
	       clock_mono_us() >= atomic_load(&shared->drain_end_us);
}

static struct loop *loop_new(struct loop_shared *shared)
{
	struct loop *loop = mem_zero(sizeof(*loop));
	const struct conf *conf = shared->conf;

	loop->shared = shared;
	loop->limits = (struct retry_limits){
		.max_attempts = (int)conf->retry_max_attempts,
		.base_us = conf->retry_base_ms * CLOCK_MS,
		.max_us = conf->retry_max_ms * CLOCK_MS,
		.busy_base_us = BUSY_BASE_US,
		.busy_max_us = BUSY_MAX_US,
	};
	loop->margin_us = conf->request_deadline_ms * CLOCK_MS / 20;
	loop->conn = pq_new(conf->database);
	return loop;
}

static void loop_free(struct loop *loop)
{
	MUST(loop->in_hand == 0 && loop->parked == NULL && loop->ready.count == 0);
	pq_free(&loop->conn);
	free(loop);
}

void loop_run(struct loop_shared *shared)
{
	struct loop *loop = loop_new(shared);

	text_warm();
	while (!drained(loop)) {
		gather(loop);
		execute(loop, CALL_READ);
		execute(loop, CALL_WRITE);
	}
	loop_free(loop);
}
