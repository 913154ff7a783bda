/*
 * The wave loop: the life of one worker thread.
 *
 * Waves grow by themselves. While one is at the database, connections become readable; the next
 * gather takes them all, up to wave_calls. At low load a wave is one call and costs what one call
 * costs; there is no timer and so no added latency.
 */
#include "worker/loop.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/wave.h"
#include "worker/count.h"
#include "worker/in_flight.h"
#include "worker/last_seen.h"
#include "worker/settle.h"
#include "worker/sweep.h"

#define IDLE_WAIT_MS       200 /* an idle thread looks this often whether it should end */
#define DIAL_WAIT_MS       5   /* calls that wait for a connection look this often for it */
#define DIAL_IDLE_MS       20  /* likewise a wave thread that only wants to have one */
#define DIAL_SLOW_MS       100 /* and one of the lane: of a worker's threads, those knock first */
#define BUSY_BASE_US       (5 * CLOCK_MS)
#define BUSY_MAX_US        (100 * CLOCK_MS)
#define OWN_LIMIT_US       CLOCK_S /* a call of ours: hot_call_ms as they are, and time to be cancelled */
#define STATEMENT_SLACK_MS 500 /* the server cancels by itself so much later than we */

struct loop {
	struct loop_shared *shared;
	struct stats_slot *slot; /* this thread's own */
	bool slow;               /* of the slow lane */
	struct settle_rules rules;
	struct in_flight in_flight;
	struct last_seen *last_seen;
	struct pq_conn *conn; /* never NULL; closed while there is none */
	struct dial *dial;    /* opens the next one */
	int64_t waiting_us;   /* calls wait for it since then; 0: none does */
	struct wave wave;
	struct job *riding[WAVE_CALLS_MAX]; /* whose calls are in `wave` */
	struct fcgi_conn *conns[WAVE_CALLS_MAX];
	struct sweep sweep;
};

/* ---- the connection ------------------------------------------------------------------------ */

/* Notes a server that went away while nobody looked. */
static void drop_if_gone(struct loop *loop)
{
	bool was_ready = pq_ready(loop->conn);

	pq_drop_if_gone(loop->conn);
	if (was_ready && !pq_ready(loop->conn))
		stats_connection(loop->slot, STATS_CONNECTION_CLOSED, "57P01", clock_mono_us());
}

/* Another thread waited in vain for a word of the same server. */
static void drop_if_suspected(struct loop *loop)
{
	if (!pq_ready(loop->conn) || !dial_suspected(loop->dial))
		return;
	log_warn("database connection left: its host is silent");
	pq_close(loop->conn);
	stats_connection(loop->slot, STATS_CONNECTION_CLOSED, "08006", clock_mono_us());
}

static void adopt_connection(struct loop *loop, struct pq_conn *fresh)
{
	pq_free(&loop->conn);
	loop->conn = fresh;
	retry_breaker_succeeded(loop->shared->breaker);
	stats_connection(loop->slot, STATS_CONNECTION_OPEN, NULL, clock_mono_us());
	log_info("database connected");
}

static void note_refused(struct loop *loop, const struct pq_error *error)
{
	stats_connection(loop->slot, STATS_CONNECTION_CLOSED, error->sqlstate, clock_mono_us());
	retry_breaker_failed(loop->shared->breaker, clock_mono_us(), randombytes_random());
	log_warn("database connection failed code=%s error=%s", error->sqlstate,
		LOG_QUOTED(error->message));
}

/* Whether a wave may be sent. Where there is no connection, one is on its way, in a thread of its own,
 * or will be as soon as the breaker allows. */
static bool connected(struct loop *loop)
{
	struct pq_conn *fresh;
	struct pq_error error;

	drop_if_gone(loop);
	drop_if_suspected(loop);
	if (pq_ready(loop->conn))
		return true;
	switch (dial_collect(loop->dial, &fresh, &error)) {
	case DIAL_OPENED:
		adopt_connection(loop, fresh);
		return true;
	case DIAL_FAILED:
		note_refused(loop, &error);
		break;
	case DIAL_NOTHING:
		break;
	}
	if (!dial_busy(loop->dial) && retry_breaker_allows(loop->shared->breaker, clock_mono_us()))
		dial_start(loop->dial);
	return false;
}

/* ---- a wave -------------------------------------------------------------------------------- */

/*
 * How a failed wave is mended. An error in a set does not say whose it is, so the calls of a failed
 * wave go again as single calls, among themselves: the one that failed is then known and cut out, and the
 * rest go again. After SPLITS_MAX failures each goes alone. So one bad call costs its neighbours one
 * more round trip, and many cost no more than sending each by itself. A call of the slow lane always
 * goes alone.
 */
#define SPLITS_MAX 3

static bool rides_alone(const struct job *job)
{
	return job->slow || job->try.splits >= SPLITS_MAX;
}

/* Whether `job` may ride in the wave under construction, whose first job it would join. */
static bool may_ride(const struct loop *loop, const struct job *job, enum call_kind kind)
{
	const struct job *first = loop->wave.count > 0 ? loop->riding[0] : NULL;

	if (call_kind(job->x.call.id) != kind)
		return false;
	if (first != NULL && (rides_alone(first) || rides_alone(job) ||
				     (first->try.splits > 0) != (job->try.splits > 0)))
		return false;
	return wave_has_room(&loop->wave, (size_t)loop->shared->conf->wave_calls, &job->x.call);
}

static void add_to_wave(struct loop *loop, struct job *job)
{
	if (loop->wave.count == 0)
		wave_reset(&loop->wave, job->try.splits > 0 ? WAVE_SINGLES : WAVE_SETWISE);
	job_set_state(&loop->in_flight.jobs, job, JOB_RIDING);
	loop->riding[loop->wave.count] = job;
	wave_add(&loop->wave, &job->x.call);
}

/* Fills the wave from the ready calls of one kind; the rest keep their order. Returns when its
 * earliest job must be answered. */
static int64_t fill_wave(struct loop *loop, enum call_kind kind)
{
	int64_t deadline_us = INT64_MAX;
	const int64_t now_us = clock_mono_us();
	struct job *next;

	wave_reset(&loop->wave, WAVE_SETWISE);
	for (struct job *job = loop->in_flight.jobs.ready.first; job != NULL; job = next) {
		next = job->next;
		if (in_flight_too_late(&loop->in_flight, job, now_us)) {
			in_flight_give_up(&loop->in_flight, job);
		} else if (may_ride(loop, job, kind)) {
			add_to_wave(loop, job);
			if (job->deadline_us < deadline_us)
				deadline_us = job->deadline_us;
		}
	}
	return deadline_us;
}

/* Shows in the segment what this thread does now. */
static void show(struct loop *loop, enum stats_thread state, const struct job *job, int64_t now_us)
{
	if (job == NULL)
		stats_activity(loop->slot, state, STATS_ROUTE_NONE, NULL, now_us);
	else
		stats_activity(loop->slot, state, job->x.route, &job->x.request.id, now_us);
}

/* The time that its statements may take. */
static int64_t work_us(const struct loop *loop)
{
	const struct conf *conf = loop->shared->conf;

	return (loop->slow ? conf->slow_call_ms : conf->hot_call_ms) * CLOCK_MS;
}

static void send_wave(struct loop *loop, int64_t deadline_us)
{
	const struct wave_limits limits = {.deadline_us = deadline_us, .work_us = work_us(loop)};
	const struct wave *wave = &loop->wave;
	const int64_t began_us = clock_mono_us();
	int64_t ended_us;

	if (connected(loop))
		wave_run(&loop->wave, loop->conn, &limits);
	else
		wave_not_sent(&loop->wave);
	if (wave->silent)
		dial_suspect(loop->dial);
	ended_us = clock_mono_us();
	count_wave(loop->slot, wave, began_us, ended_us);
	log_debug("wave calls=%zu us=%lld first=%s outcome=%s", wave->count,
		(long long)(ended_us - began_us), call_name(wave->calls[0].call->id),
		outcome_name(wave->calls[0].outcome));
	if (!pq_ready(loop->conn))
		stats_connection(loop->slot, STATS_CONNECTION_CLOSED, wave->calls[0].error.sqlstate,
			clock_mono_us());
}

/* The session of an accepted request was here. */
static void note_session(struct loop *loop, const struct job *job, const struct wave_call *entry)
{
	const int status = job->x.call.row.status;

	if (job->x.has_token && entry->outcome == OUTCOME_COMMITTED && status != 401 &&
		status != CALL_STATUS_BUSY)
		last_seen_note(loop->last_seen, job->x.token_hash, clock_mono_us());
}

/*
 * The time of a wave is its calls' in equal parts. Where it ran over, it is that of the one that did,
 * and nobody's while that is not known.
 */
static void charge(struct loop *loop, const struct job *job, const struct wave_call *entry)
{
	const struct wave *wave = &loop->wave;
	int64_t part_us = wave->worked_us / (int64_t)wave->count;

	if (wave->cancelled) {
		bool known = wave->count == 1 || entry->outcome == OUTCOME_ROLLED_BACK;

		part_us = known ? wave->worked_us : 0;
	}
	fair_charge(loop->shared->fair, job->caller, part_us, clock_mono_us());
}

/* The process is about to be killed. */
static bool drain_over(const struct loop *loop)
{
	struct loop_shared *shared = loop->shared;

	return atomic_load(&shared->draining) &&
	       clock_mono_us() >= atomic_load(&shared->drain_end_us);
}

/* Calls that wait for a connection were not tried: they stay ready, and wait as long as their requests
 * may. Whoever held the key of one may have gone with the database. */
static void wait_for_connection(struct loop *loop)
{
	const struct job_queue *ready = &loop->in_flight.jobs.ready;
	const int64_t now_us = clock_mono_us();
	struct job *next;

	for (struct job *job = ready->first; job != NULL; job = next) {
		next = job->next;
		job->try.key_held = false;
		if (in_flight_too_late(&loop->in_flight, job, now_us) || drain_over(loop))
			in_flight_give_up(&loop->in_flight, job);
	}
	if (ready->first == NULL)
		loop->waiting_us = 0;
	else if (loop->waiting_us == 0)
		loop->waiting_us = now_us;
	if (ready->first != NULL)
		show(loop, STATS_THREAD_DATABASE, ready->first, loop->waiting_us);
}

/* False where the calls wait for a connection. */
static bool execute(struct loop *loop, enum call_kind kind)
{
	int64_t deadline_us;

	if (loop->in_flight.jobs.ready.count == 0) {
		loop->waiting_us = 0;
		return true;
	}
	if (!connected(loop)) {
		wait_for_connection(loop);
		return false;
	}
	loop->waiting_us = 0;
	deadline_us = fill_wave(loop, kind);
	if (loop->wave.count == 0)
		return true;
	show(loop, STATS_THREAD_DATABASE, loop->riding[0], clock_mono_us());
	send_wave(loop, deadline_us);
	show(loop, STATS_THREAD_ANSWERING, loop->riding[0], clock_mono_us());
	for (size_t i = 0; i < loop->wave.count; i++) {
		loop->riding[i]->wave_calls = loop->wave.count;
		note_session(loop, loop->riding[i], &loop->wave.calls[i]);
		charge(loop, loop->riding[i], &loop->wave.calls[i]);
		if (!settle(&loop->rules, &loop->in_flight, loop->riding[i], &loop->wave.calls[i]))
			pq_close(loop->conn);
	}
	return true;
}

/* Sends a call of the thread's own, in a wave without jobs. It is not tried again. */
static const struct wave_call *send_own(struct loop *loop, struct call *call)
{
	const int64_t now_us = clock_mono_us();

	show(loop, STATS_THREAD_DATABASE, NULL, now_us);
	wave_reset(&loop->wave, WAVE_SINGLES);
	wave_add(&loop->wave, call);
	send_wave(loop, now_us + OWN_LIMIT_US);
	return &loop->wave.calls[0];
}

/* Tells the database who was here. A lost batch is made good by the sessions' next requests, a minute later; a
 * session without one keeps an older last_seen_at. */
static void write_seen(struct loop *loop)
{
	const struct wave_call *entry;
	struct call call = {0};
	struct buf hashes = {0};

	last_seen_take(loop->last_seen, &hashes, clock_mono_us());
	call_start(&call, CALL_TOUCH_SESSIONS);
	call_text(&call, buf_cstr(&hashes));
	entry = send_own(loop, &call);
	if (entry->outcome != OUTCOME_COMMITTED)
		log_warn("last_seen not written outcome=%s code=%s error=%s",
			outcome_name(entry->outcome), entry->error.sqlstate,
			LOG_QUOTED(entry->error.message));
	call_release(&call);
	buf_free(&hashes);
}

static void sweep_step(struct loop *loop)
{
	struct swept swept;
	struct mem_arena arena = {0};
	struct call call = {0};

	sweep_plan(&loop->sweep, &call, &arena, loop->shared->conf->key_keep_hours);
	swept = sweep_take(&loop->sweep, send_own(loop, &call), clock_mono_us());
	stats_add(loop->slot, STATS_KEYS_SWEPT, swept.rows[SWEEP_KEYS]);
	stats_add(loop->slot, STATS_ROWS_ERASED, swept.rows[SWEEP_ACCOUNTS]);
	call_release(&call);
	mem_arena_free(&arena);
}

/* Between waves, and while there is a connection anyway. */
static void do_chores(struct loop *loop)
{
	if (pq_ready(loop->conn) && last_seen_due(loop->last_seen, clock_mono_us()))
		write_seen(loop);
	if (!loop->slow && pq_ready(loop->conn) && sweep_due(&loop->sweep, clock_mono_us()))
		sweep_step(loop);
}

/* ---- gathering ----------------------------------------------------------------------------- */

static void shed(struct loop *loop, struct job *job, enum stats_shed why)
{
	count_shed(loop->slot, job, why);
	in_flight_give_up(&loop->in_flight, job);
}

/* Under overload an early refusal is worth more than a late one: its client may go elsewhere, and the
 * requests behind it are served in time. */
static bool overloaded(const struct loop *loop, const struct job *job, int64_t now_us)
{
	const struct conf *conf = loop->shared->conf;

	return loop->in_flight.jobs.count > (size_t)conf->in_flight_max ||
	       now_us - job->x.request.began_us > conf->queue_wait_ms * CLOCK_MS;
}

static void begin_request(struct loop *loop, struct fcgi_conn *conn)
{
	const struct conf *conf = loop->shared->conf;
	struct job *job = job_new(conn);
	int64_t now_us;

	show(loop, STATS_THREAD_READING, NULL, clock_mono_us());
	if (!fcgi_read(conn, &job->x.arena, &job->x.request)) {
		job_free(&job);
		return;
	}
	now_us = clock_mono_us();
	job_set_state(&loop->in_flight.jobs, job, JOB_HANDLED);
	api_start(&job->x, loop->shared->api);
	show(loop, STATS_THREAD_ANSWERING, job, now_us);
	count_started(loop->slot, job, now_us);
	job->deadline_us = job->x.request.began_us + conf->request_deadline_ms * CLOCK_MS;
	/* Too old when picked up: its client has gone, or is about to. */
	if (in_flight_too_late(&loop->in_flight, job, now_us))
		shed(loop, job, STATS_SHED_LATE);
	else if (overloaded(loop, job, now_us))
		shed(loop, job, STATS_SHED_OVERLOAD);
	else
		in_flight_step(&loop->in_flight, job, api_begin(&job->x));
}

static void resume_hashed(struct loop *loop)
{
	struct job_queue done = {0};
	struct job *job;

	hasher_collect(loop->shared->hasher, &done);
	while ((job = job_pop(&done)) != NULL) {
		job_set_state(&loop->in_flight.jobs, job, JOB_HANDLED);
		if (!job->x.hash.done)
			in_flight_unhashed(&loop->in_flight, job);
		else if (in_flight_too_late(&loop->in_flight, job, clock_mono_us()))
			in_flight_give_up(&loop->in_flight, job);
		else
			in_flight_step(&loop->in_flight, job, api_resume(&job->x));
	}
}

/* From the slow lane, with a quick call to be made. */
static void take_returned(struct loop *loop)
{
	struct job_queue back = {0};
	struct job *job;

	lane_collect(loop->shared->lane, &back);
	while ((job = job_pop(&back)) != NULL)
		job_set_state(&loop->in_flight.jobs, job, JOB_READY);
}

/* An idle thread looks after its connection, so that the first request after a pause, or after the
 * database came back, need not wait for one, and that readiness knows. */
static void look_after_connection(struct loop *loop)
{
	(void)connected(loop);
}

/* How long the thread may wait for something to do. What comes of a dial wakes nobody. */
static int wait_ms(const struct loop *loop)
{
	if (pq_ready(loop->conn))
		return in_flight_wait_ms(&loop->in_flight, IDLE_WAIT_MS);
	return loop->in_flight.jobs.ready.count > 0
		       ? DIAL_WAIT_MS
		       : in_flight_wait_ms(&loop->in_flight, DIAL_IDLE_MS);
}

static void gather(struct loop *loop)
{
	bool woken = false;
	size_t n;

	n = fcgi_gather(loop->shared->gate, loop->conns, (size_t)loop->shared->conf->wave_calls,
		wait_ms(loop), &woken);
	stats_beat(loop->slot, clock_mono_us());
	if (n > 0)
		log_debug("gathered requests=%zu in_flight=%zu", n, loop->in_flight.jobs.count);
	for (size_t i = 0; i < n; i++)
		begin_request(loop, loop->conns[i]);
	if (woken) {
		resume_hashed(loop);
		take_returned(loop);
	}
	in_flight_unpark(&loop->in_flight);
	if (n == 0 && loop->in_flight.jobs.count == 0)
		look_after_connection(loop);
}

static void turn(struct loop *loop)
{
	gather(loop);
	if (execute(loop, CALL_READ))
		(void)execute(loop, CALL_WRITE);
	do_chores(loop);
}

/* The next call of the lane, where there is one. Should the connection go meanwhile, it waits for another
 * turn. */
static void take_turn(struct loop *loop)
{
	int64_t waited_us = 0;
	struct job *job = lane_next(loop->shared->lane, wait_ms(loop), &waited_us);
	size_t caller;

	if (job == NULL)
		return;
	caller = job->caller;
	count_turn(loop->slot, waited_us);
	job_set_state(&loop->in_flight.jobs, job, JOB_READY);
	(void)execute(loop, call_kind(job->x.call.id));
	while ((job = loop->in_flight.jobs.ready.first) != NULL)
		in_flight_dispatch(&loop->in_flight, job);
	lane_done(loop->shared->lane, caller);
}

/* Without a connection no call has its turn; those whose time is up are answered. */
static void miss_turn(struct loop *loop)
{
	struct job_queue late = {0};
	struct job *job;

	lane_collect_late(loop->shared->lane,
		drain_over(loop) ? INT64_MAX : clock_mono_us() + loop->in_flight.margin_us, &late);
	while ((job = job_pop(&late)) != NULL) {
		job->try.key_held = false;
		in_flight_give_up(&loop->in_flight, job);
	}
	dial_wait(loop->dial, clock_mono_us() + DIAL_SLOW_MS * CLOCK_MS);
}

/* The same for the slow lane: one call a turn. */
static void turn_slow(struct loop *loop)
{
	stats_beat(loop->slot, clock_mono_us());
	in_flight_unpark(&loop->in_flight);
	if (connected(loop))
		take_turn(loop);
	else
		miss_turn(loop);
	do_chores(loop);
}

static bool drained(const struct loop *loop)
{
	struct loop_shared *shared = loop->shared;

	if (!atomic_load(&shared->draining) || loop->in_flight.jobs.count > 0)
		return false;
	return fcgi_gate_connections(shared->gate) == 0 || drain_over(loop);
}

/* The server's own limit lies behind ours, for the day that nobody is left to cancel. */
static void init_connection(struct loop *loop)
{
	const struct pq_options options = {
		.conninfo = loop->shared->conf->database,
		.cancels = loop->shared->canceller,
		.statement_ms = (long)(work_us(loop) / CLOCK_MS) + STATEMENT_SLACK_MS,
	};

	loop->conn = pq_new(&options);
	loop->dial = dial_new(loop->shared->dialler, &options);
}

static bool shows(const struct loop *loop, enum stats_thread state, const struct job *job)
{
	static const struct uuid none;
	const struct uuid *request = job != NULL ? &job->x.request.id : &none;
	struct stats_activity shown;

	return stats_activity_read(loop->slot, &shown) && shown.state == state &&
	       memcmp(&shown.request, request, sizeof(none)) == 0;
}

/* Shows what the thread does until something comes, and since when. */
static void show_rest(struct loop *loop)
{
	const struct job_lists *jobs = &loop->in_flight.jobs;
	const enum stats_thread state = jobs->count == 0 ? STATS_THREAD_IDLE : STATS_THREAD_WAITING;

	if (jobs->ready.count == 0 && !shows(loop, state, jobs->parked.first))
		show(loop, state, jobs->parked.first, clock_mono_us());
}

static struct loop *loop_new(struct loop_shared *shared, struct stats_slot *slot, bool slow)
{
	struct loop *loop = mem_zero(sizeof(*loop));
	const struct conf *conf = shared->conf;

	loop->shared = shared;
	loop->slot = slot;
	loop->slow = slow;
	loop->rules.limits = (struct retry_limits){
		.max_attempts = (int)conf->retry_max_attempts,
		.base_us = conf->retry_base_ms * CLOCK_MS,
		.max_us = conf->retry_max_ms * CLOCK_MS,
		.busy_base_us = BUSY_BASE_US,
		.busy_max_us = BUSY_MAX_US,
	};
	loop->rules.budget = shared->budget;
	loop->in_flight = (struct in_flight){
		.hasher = shared->hasher,
		.lane = shared->lane,
		.fair = shared->fair,
		.segment = shared->segment,
		.slow = slow,
		.audit = shared->audit,
		.slot = slot,
		.jobs.slot = slot,
		.access_log = conf->access_log != 0,
		.margin_us = conf->request_deadline_ms * CLOCK_MS / 20,
	};
	loop->last_seen = last_seen_new();
	init_connection(loop);
	sweep_init(&loop->sweep, clock_mono_us());
	return loop;
}

static void loop_free(struct loop *loop)
{
	MUST(loop->in_flight.jobs.count == 0 && loop->in_flight.jobs.parked.first == NULL &&
		loop->in_flight.jobs.ready.count == 0);
	dial_free(&loop->dial);
	pq_free(&loop->conn);
	last_seen_free(&loop->last_seen);
	free(loop);
}

void loop_run(struct loop_shared *shared, struct stats_slot *slot, bool slow)
{
	struct loop *loop = loop_new(shared, slot, slow);

	log_batch();
	while (!drained(loop)) {
		show_rest(loop);
		log_flush();
		if (slow)
			turn_slow(loop);
		else
			turn(loop);
	}
	if (last_seen_any(loop->last_seen) && pq_ready(loop->conn))
		write_seen(loop);
	loop_free(loop);
	log_unbatch();
}
