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
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/wave.h"
#include "proc/account.h"

#define IDLE_CONNECT_US (500 * CLOCK_MS)
#define IDLE_WAIT_MS    200 /* an idle thread looks this often whether it should end */
#define BUSY_BASE_US    (5 * CLOCK_MS)
#define BUSY_MAX_US     (100 * CLOCK_MS)

struct loop {
	struct loop_shared *shared;
	struct stats_slot *slot;
	struct retry_limits limits;
	int64_t margin_us; /* a call is not sent when less than this is left */
	struct pq_conn *conn;
	struct job_queue ready; /* calls for the next waves */
	struct job *parked;     /* by due time, the next first */
	size_t in_hand;         /* jobs this thread holds */
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

/* How many jobs the thread holds. */
static void hold(struct loop *loop, int more)
{
	loop->in_hand = (size_t)((ptrdiff_t)loop->in_hand + more);
	stats_in_hand(loop->slot, loop->in_hand);
}

static void finish(struct loop *loop, struct job *job)
{
	const struct exchange *x = &job->x;
	int64_t now_us;

	fcgi_reply(job->conn, &x->request, &x->reply);
	now_us = clock_mono_us();
	account_finished(loop->slot, job, now_us);
	log_info("request id=%s method=%s route=%s status=%d us=%lld wave=%zu attempts=%d",
		x->request.id_text, method_word(x->request.method),
		metrics_value(STATS_LABEL_ROUTE, x->route), x->reply.status,
		(long long)(now_us - x->request.began_us), job->riders, job->tries);
	job_free(&job);
	hold(loop, -1);
}

/* Out of time, or out of attempts. */
static void give_up(struct loop *loop, struct job *job)
{
	if (job->attempts > 0)
		account_operation(loop->slot, job, false);
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
	job->splits = 0;
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
		job->attempts = 0;
		if (hasher_submit(loop->shared->hasher, job)) {
			hold(loop, -1);
			break;
		}
		log_warn("hash queue full request=%s", job->x.request.id_text);
		account_shed(loop->slot, job, STATS_SHED_HASH_QUEUE);
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

	/* A busy answer is no attempt: nothing was tried. */
	job->attempts--;
	if (delay_us < 0) {
		give_up(loop, job);
		return;
	}
	account_busy(loop->slot);
	park(loop, job, delay_us);
}

static void settle_row(struct loop *loop, struct job *job)
{
	if (job->x.call.row.status == CALL_STATUS_BUSY) {
		settle_busy(loop, job);
		return;
	}
	account_operation(loop->slot, job, true);
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
	account_operation(loop->slot, job, false);
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
	account_retry(loop->slot, reason);
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
		/* Not its fault, and no attempt of its own. */
		job->splits++;
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
		stats_connection(loop->slot, STATS_CONNECTION_OPEN, NULL, clock_mono_us());
		log_info("database connected");
		return true;
	}
	stats_connection(loop->slot, STATS_CONNECTION_CLOSED, ret_error->sqlstate, clock_mono_us());
	retry_breaker_failed(breaker, clock_mono_us(), randombytes_random());
	log_warn("database connection failed error=\"%s\"", ret_error->message);
	return false;
}

/*
 * How a failed wave is mended. An error in a set does not say whose it is, so the riders of a failed
 * wave go again as single calls, among themselves: the culprit is then known and cut out, and the
 * rest go again. After SPLITS_MAX failures each goes alone. So one bad call costs its neighbours one
 * more round trip, and many cost no more than sending each by itself.
 */
#define SPLITS_MAX 3

static bool rides_alone(const struct job *job)
{
	return job->splits >= SPLITS_MAX;
}

/* Whether `job` may ride in the wave under construction, whose first rider it would join. */
static bool may_ride(const struct loop *loop, const struct job *job, enum call_kind kind)
{
	const struct job *first = loop->wave.count > 0 ? loop->riders[0] : NULL;

	if (call_kind(job->x.call.id) != kind)
		return false;
	if (first != NULL && (rides_alone(first) || rides_alone(job) ||
				     (first->splits > 0) != (job->splits > 0)))
		return false;
	return wave_has_room(&loop->wave, (size_t)loop->shared->conf->wave_calls, &job->x.call);
}

static void embark(struct loop *loop, struct job *job)
{
	if (loop->wave.count == 0)
		wave_reset(&loop->wave, job->splits > 0 ? WAVE_SINGLES : WAVE_SETWISE);
	loop->riders[loop->wave.count] = job;
	wave_add(&loop->wave, &job->x.call);
}

/* Fills the wave from the ready calls of one kind; the rest keep their order. Returns when its
 * earliest rider must be answered. */
static int64_t board(struct loop *loop, enum call_kind kind)
{
	struct job_queue rest = {0};
	int64_t deadline_us = INT64_MAX;
	int64_t now_us = clock_mono_us();
	struct job *job;

	wave_reset(&loop->wave, WAVE_SETWISE);
	while ((job = job_pop(&loop->ready)) != NULL) {
		if (now_us >= job->deadline_us - loop->margin_us) {
			give_up(loop, job);
		} else if (!may_ride(loop, job, kind)) {
			job_push(&rest, job);
		} else {
			embark(loop, job);
			if (job->deadline_us < deadline_us)
				deadline_us = job->deadline_us;
		}
	}
	loop->ready = rest;
	return deadline_us;
}

/* What this thread does now, for whoever looks at the segment. */
static void show(struct loop *loop, enum stats_thread state, const struct job *job, int64_t now_us)
{
	if (job == NULL)
		stats_activity(loop->slot, state, STATS_ROUTE_NONE, NULL, now_us);
	else
		stats_activity(loop->slot, state, job->x.route, &job->x.request.id, now_us);
}

static void count_attempts(struct loop *loop)
{
	for (size_t i = 0; i < loop->wave.count; i++) {
		loop->riders[i]->attempts++;
		loop->riders[i]->tries++;
		loop->riders[i]->riders = loop->wave.count;
		retry_budget_deposit(loop->shared->budget);
	}
}

/* Notes a server that went away while nobody looked. */
static void drop_if_gone(struct loop *loop)
{
	bool was_ready = pq_ready(loop->conn);

	pq_drop_if_gone(loop->conn);
	if (was_ready && !pq_ready(loop->conn))
		stats_connection(loop->slot, STATS_CONNECTION_CLOSED, "57P01", clock_mono_us());
}

static void send_wave(struct loop *loop, int64_t deadline_us)
{
	const struct wave *wave = &loop->wave;
	int64_t began_us = clock_mono_us();
	struct pq_error error = {0};

	show(loop, STATS_THREAD_DATABASE, loop->riders[0], began_us);
	drop_if_gone(loop);
	if (pq_ready(loop->conn) || connect_now(loop, deadline_us, &error))
		wave_run(&loop->wave, loop->conn, deadline_us);
	else
		wave_not_sent(&loop->wave, &error);
	account_wave(loop->slot, wave, began_us, clock_mono_us());
	if (!pq_ready(loop->conn))
		stats_connection(loop->slot, STATS_CONNECTION_CLOSED, wave->calls[0].error.sqlstate,
			clock_mono_us());
}

static void execute(struct loop *loop, enum call_kind kind)
{
	int64_t deadline_us = board(loop, kind);

	if (loop->wave.count == 0)
		return;
	count_attempts(loop);
	send_wave(loop, deadline_us);
	show(loop, STATS_THREAD_ANSWERING, loop->riders[0], clock_mono_us());
	for (size_t i = 0; i < loop->wave.count; i++)
		settle(loop, loop->riders[i], &loop->wave.calls[i]);
}

/* ---- gathering ----------------------------------------------------------------------------- */

static void begin(struct loop *loop, struct fcgi_conn *conn)
{
	const struct conf *conf = loop->shared->conf;
	struct job *job = job_new(conf, conn);
	int64_t now_us;

	if (!fcgi_read(conn, &job->x.arena, &job->x.request)) {
		job_free(&job);
		return;
	}
	now_us = clock_mono_us();
	hold(loop, 1);
	account_started(loop->slot, job, now_us);
	job->x.route = STATS_ROUTE_NONE;
	job->deadline_us = job->x.request.began_us + conf->request_deadline_ms * CLOCK_MS;
	/* Too old when picked up: its client has gone, or is about to. */
	if (now_us >= job->deadline_us - loop->margin_us) {
		account_shed(loop->slot, job, STATS_SHED_LATE);
		give_up(loop, job);
	} else {
		take_step(loop, job, router_begin(&job->x));
	}
}

static void resume_hashed(struct loop *loop)
{
	struct job_queue done = {0};
	struct job *job;

	hasher_collect(loop->shared->hasher, &done);
	while ((job = job_pop(&done)) != NULL) {
		hold(loop, 1);
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

/* An idle thread looks after its connection, so that the first request after a pause, or after the
 * database came back, need not wait for one, and that readiness knows. */
static void look_after_connection(struct loop *loop)
{
	struct pq_error error;

	drop_if_gone(loop);
	if (!pq_ready(loop->conn))
		(void)connect_now(loop, clock_mono_us() + IDLE_CONNECT_US, &error);
}

static void gather(struct loop *loop)
{
	bool woken = false;
	size_t n;

	if (loop->in_hand == 0)
		show(loop, STATS_THREAD_IDLE, NULL, clock_mono_us());
	n = fcgi_gather(loop->shared->gate, loop->conns, (size_t)loop->shared->conf->wave_calls,
		wait_ms(loop), &woken);
	stats_beat(loop->slot, clock_mono_us());
	for (size_t i = 0; i < n; i++)
		begin(loop, loop->conns[i]);
	if (woken)
		resume_hashed(loop);
	unpark_due(loop);
	if (n == 0 && loop->in_hand == 0)
		look_after_connection(loop);
}

static bool drained(const struct loop *loop)
{
	struct loop_shared *shared = loop->shared;

	if (!atomic_load(&shared->draining) || loop->in_hand > 0)
		return false;
	return fcgi_gate_connections(shared->gate) == 0 ||
	       clock_mono_us() >= atomic_load(&shared->drain_end_us);
}

static struct loop *loop_new(struct loop_shared *shared, struct stats_slot *slot)
{
	struct loop *loop = mem_zero(sizeof(*loop));
	const struct conf *conf = shared->conf;

	loop->shared = shared;
	loop->slot = slot;
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

void loop_run(struct loop_shared *shared, struct stats_slot *slot)
{
	struct loop *loop = loop_new(shared, slot);

	while (!drained(loop)) {
		gather(loop);
		execute(loop, CALL_READ);
		execute(loop, CALL_WRITE);
	}
	loop_free(loop);
}
