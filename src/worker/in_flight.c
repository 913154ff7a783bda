/* The jobs that one thread has in flight, from reading to answering. */
#include "worker/in_flight.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/count.h"

bool in_flight_too_late(const struct in_flight *in_flight, const struct job *job, int64_t now_us)
{
	return now_us >= job->deadline_us - in_flight->margin_us;
}

/* ---- answering ----------------------------------------------------------------------------- */

static void log_access(const struct job *job, int64_t now_us)
{
	const struct exchange *x = &job->x;

	log_info("request id=%s method=%s route=%s status=%d us=%lld wave=%zu attempts=%d",
		x->request.id_text, request_method_name(x->request.method),
		metrics_value(STATS_LABEL_ROUTE, x->route), x->reply.status,
		(long long)(now_us - x->request.began_us), job->wave_calls, job->tries);
}

void in_flight_finish(struct in_flight *in_flight, struct job *job)
{
	int64_t now_us;

	api_finish(&job->x);
	hasher_learn(in_flight->hasher, job);
	count_answer(in_flight->slot, job);
	audit_answer(in_flight->audit, in_flight->slot, job);
	fcgi_reply(job->conn, &job->x.request, &job->x.reply);
	now_us = clock_mono_us();
	count_finished(in_flight->slot, job, now_us);
	if (in_flight->access_log)
		log_access(job, now_us);
	fair_leave(in_flight->fair, job->caller);
	job_set_state(&in_flight->jobs, job, JOB_DONE);
	job_free(&job);
}

static enum api_end end_of(const struct job *job)
{
	if (job->try.maybe_applied)
		return API_END_UNKNOWN;
	return job->try.key_held ? API_END_KEY_HELD : API_END_LATE;
}

void in_flight_give_up(struct in_flight *in_flight, struct job *job)
{
	if (job->try.attempts > 0)
		count_operation(in_flight->slot, job, COUNT_GAVE_UP);
	api_gave_up(&job->x, end_of(job));
	in_flight_finish(in_flight, job);
}

/* ---- the bounds of one caller ---------------------------------------------------------------- */

/* The caller has more under way, or has used up more, than one may. Before anything was done for this
 * request, so it is refused for certain. */
static void refuse_caller(
	struct in_flight *in_flight, struct job *job, enum api_limit why, int64_t wait_us)
{
	static const enum stats_limit counted[] = {
		[API_LIMIT_IN_FLIGHT] = STATS_LIMIT_IN_FLIGHT,
		[API_LIMIT_SLOW_QUEUE] = STATS_LIMIT_SLOW_QUEUE,
		[API_LIMIT_TIME] = STATS_LIMIT_TIME,
	};

	MUST(why < ARRAY_LEN(counted));
	count_limited(in_flight->slot, job, counted[why]);
	api_limited(&job->x, why, (wait_us + CLOCK_S - 1) / CLOCK_S);
	in_flight_finish(in_flight, job);
}

/* The account's id, else the session's hash: both are as good as random. */
static struct fair_key key_of(const struct exchange *x)
{
	struct fair_key key;

	_Static_assert(sizeof(x->caller.bytes) == sizeof(key.words), "an id is a key");
	memcpy(key.words, x->has_caller ? x->caller.bytes : x->token_hash, sizeof(key.words));
	return key;
}

/* Whether the request may go on. Asked at its first call and, where that was to learn whose it is, at
 * the next one: nothing was done by then but to look the session up. */
static bool admit(struct in_flight *in_flight, struct job *job)
{
	const enum job_owner owner = job->x.has_caller ? JOB_OF_ACCOUNT : JOB_OF_SESSION;
	const struct fair_key key = key_of(&job->x);
	int64_t wait_us = 0;

	if (!job->x.has_token || job->owner >= owner)
		return true;
	fair_leave(in_flight->fair, job->caller);
	job->caller = FAIR_NOBODY;
	switch (fair_enter(in_flight->fair, &key, clock_mono_us(), &job->caller, &wait_us)) {
	case FAIR_ADMITTED:
		job->owner = owner;
		return true;
	case FAIR_MANY:
		refuse_caller(in_flight, job, API_LIMIT_IN_FLIGHT, 0);
		return false;
	case FAIR_LONG:
		refuse_caller(in_flight, job, API_LIMIT_TIME, wait_us);
		return false;
	}
	return true;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void enter_lane(struct in_flight *in_flight, struct job *job)
{
	enum lane_verdict verdict;

	job_set_state(&in_flight->jobs, job, JOB_QUEUED);
	verdict = lane_submit(in_flight->lane, job, clock_mono_us());
	if (verdict == LANE_TAKEN)
		return;
	if (verdict == LANE_CALLER_FULL && !job->try.maybe_applied) {
		refuse_caller(in_flight, job, API_LIMIT_SLOW_QUEUE, 0);
	} else {
		log_warn("slow queue full request=%s", job->x.request.id_text);
		count_shed(in_flight->slot, job, STATS_SHED_SLOW_QUEUE);
		in_flight_give_up(in_flight, job);
	}
}

void in_flight_dispatch(struct in_flight *in_flight, struct job *job)
{
	if (!job->slow && !in_flight->slow) {
		job_set_state(&in_flight->jobs, job, JOB_READY);
	} else if (!in_flight->slow) {
		enter_lane(in_flight, job);
	} else {
		job_set_state(&in_flight->jobs, job, JOB_QUEUED);
		if (job->slow)
			lane_put_back(in_flight->lane, job, clock_mono_us());
		else
			lane_return(in_flight->lane, job);
	}
}

/* The disk is nearly full. Nothing was done yet for this request but to look its session up. */
static bool may_not_add(const struct in_flight *in_flight, const struct job *job)
{
	return call_adds(job->x.call.id) && segment_read_only(in_flight->segment);
}

static void start_call(struct in_flight *in_flight, struct job *job)
{
	if (!admit(in_flight, job))
		return;
	if (may_not_add(in_flight, job)) {
		in_flight_step(in_flight, job, api_read_only(&job->x));
		return;
	}
	job->try = (struct call_try){0};
	job->slow = call_is_slow(&job->x.call) ||
		    fair_is_apart(in_flight->fair, job->caller, clock_mono_us());
	in_flight_dispatch(in_flight, job);
}

/* ---- passwords ------------------------------------------------------------------------------- */

void in_flight_unhashed(struct in_flight *in_flight, struct job *job)
{
	if (job->x.hash.optional) {
		in_flight_step(in_flight, job, api_resume(&job->x));
		return;
	}
	if (hasher_crowded(job) && !job->try.maybe_applied) {
		api_limited(&job->x, API_LIMIT_HASHES, 1);
		count_shed(in_flight->slot, job, STATS_SHED_HASH_QUEUE);
		in_flight_finish(in_flight, job);
		return;
	}
	count_shed(in_flight->slot, job, STATS_SHED_HASH_QUEUE);
	in_flight_give_up(in_flight, job);
}

static void refuse_early(struct in_flight *in_flight, struct job *job, int wait_s)
{
	count_slowed(in_flight->slot, job);
	if (job->try.maybe_applied) {
		in_flight_give_up(in_flight, job);
		return;
	}
	api_limited(&job->x, API_LIMIT_TRIES, wait_s);
	in_flight_finish(in_flight, job);
}

static void hash(struct in_flight *in_flight, struct job *job)
{
	int wait_s = 0;

	/* A give-up ends no operation of the database's. That the last one may have been applied stays true:
	 * what a repeat of a change found is told only when the password was looked at. */
	job->try = (struct call_try){.maybe_applied = job->try.maybe_applied};
	job_set_state(&in_flight->jobs, job, JOB_HASHING);
	switch (hasher_submit(in_flight->hasher, job, &wait_s)) {
	case HASHER_TAKEN:
		break;
	case HASHER_EARLY:
		job_set_state(&in_flight->jobs, job, JOB_HANDLED);
		refuse_early(in_flight, job, wait_s);
		break;
	case HASHER_FULL:
		job_set_state(&in_flight->jobs, job, JOB_HANDLED);
		in_flight_unhashed(in_flight, job);
		break;
	}
}

void in_flight_step(struct in_flight *in_flight, struct job *job, enum step step)
{
	switch (step) {
	case STEP_ANSWER:
		in_flight_finish(in_flight, job);
		break;
	case STEP_CALL:
		start_call(in_flight, job);
		break;
	case STEP_HASH:
		hash(in_flight, job);
		break;
	}
}

/* ---- parking ------------------------------------------------------------------------------- */

void in_flight_park(struct in_flight *in_flight, struct job *job, int64_t delay_us)
{
	job->due_us = clock_mono_us() + delay_us;
	job_set_state(&in_flight->jobs, job, JOB_PARKED);
}

void in_flight_unpark(struct in_flight *in_flight)
{
	const int64_t now_us = clock_mono_us();
	struct job *job;

	while ((job = in_flight->jobs.parked.first) != NULL && job->due_us <= now_us)
		in_flight_dispatch(in_flight, job);
}

int in_flight_wait_ms(const struct in_flight *in_flight, int limit_ms)
{
	int ms;

	if (in_flight->jobs.ready.count > 0)
		return 0;
	if (in_flight->jobs.parked.first == NULL)
		return limit_ms;
	ms = clock_wait_ms(clock_mono_us(), in_flight->jobs.parked.first->due_us);
	return ms < limit_ms ? ms : limit_ms;
}
