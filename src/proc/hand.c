/* The hand: the jobs that one thread holds, from reading to answering. */
#include "proc/hand.h"

#include <string.h>

#include "api/cors.h"
#include "base/clock.h"
#include "base/log.h"
#include "proc/account.h"

static void count(struct hand *hand, int more)
{
	hand->count = (size_t)((ptrdiff_t)hand->count + more);
	stats_in_hand(hand->slot, hand->count);
}

void hand_take(struct hand *hand, struct job *job)
{
	MUST(job->next == NULL);
	count(hand, 1);
}

bool hand_too_late(const struct hand *hand, const struct job *job, int64_t now_us)
{
	return now_us >= job->deadline_us - hand->margin_us;
}

/* ---- answering ----------------------------------------------------------------------------- */

static void log_access(const struct job *job, int64_t now_us)
{
	const struct exchange *x = &job->x;

	log_info("request id=%s method=%s route=%s status=%d us=%lld wave=%zu attempts=%d",
		x->request.id_text, request_method_name(x->request.method),
		metrics_value(STATS_LABEL_ROUTE, x->route), x->reply.status,
		(long long)(now_us - x->request.began_us), job->riders, job->tries);
}

void hand_finish(struct hand *hand, struct job *job)
{
	int64_t now_us;

	cors_finish(&job->x);
	hasher_learn(hand->hasher, job);
	account_answer(hand->slot, job);
	audit_answer(hand->audit, hand->slot, job);
	fcgi_reply(job->conn, &job->x.request, &job->x.reply);
	now_us = clock_mono_us();
	account_finished(hand->slot, job, now_us);
	if (hand->access_log)
		log_access(job, now_us);
	fair_leave(hand->fair, job->caller);
	job_free(&job);
	count(hand, -1);
}

static void say_why(struct job *job)
{
	struct exchange *x = &job->x;

	if (job->maybe_applied) {
		(void)exchange_problem(x, PROBLEM_OUTCOME_UNKNOWN,
			"the database did not say in time whether this was applied: look, or "
			"repeat with the same Idempotency-Key");
	} else if (job->key_held) {
		(void)exchange_problem(x, PROBLEM_IN_PROGRESS,
			"another request with this Idempotency-Key is still running: repeat it");
		reply_header(&x->reply, "Retry-After", "1");
	} else {
		(void)exchange_problem(x, PROBLEM_UNAVAILABLE,
			"this could not be carried out in time; nothing was applied");
	}
}

void hand_give_up(struct hand *hand, struct job *job)
{
	if (job->attempts > 0)
		account_operation(hand->slot, job, ACCOUNT_GAVE_UP);
	say_why(job);
	hand_finish(hand, job);
}

/* ---- the bounds of one caller ---------------------------------------------------------------- */

/* The caller has more under way, or has used up more, than one may. Before anything was done for this
 * request, so it is refused for certain. */
static void refuse_caller(
	struct hand *hand, struct job *job, enum stats_limit why, int64_t wait_us, const char *text)
{
	account_limited(hand->slot, job, why);
	exchange_limited(&job->x, (wait_us + CLOCK_S - 1) / CLOCK_S, text);
	hand_finish(hand, job);
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
static bool admit(struct hand *hand, struct job *job)
{
	const enum job_owner owner = job->x.has_caller ? JOB_OF_ACCOUNT : JOB_OF_SESSION;
	const struct fair_key key = key_of(&job->x);
	int64_t wait_us = 0;

	if (!job->x.has_token || job->owner >= owner)
		return true;
	fair_leave(hand->fair, job->caller);
	job->caller = FAIR_NOBODY;
	switch (fair_enter(hand->fair, &key, clock_mono_us(), &job->caller, &wait_us)) {
	case FAIR_ADMITTED:
		job->owner = owner;
		return true;
	case FAIR_MANY:
		refuse_caller(hand, job, STATS_LIMIT_IN_HAND, 0,
			"too many requests of this account are under way");
		return false;
	case FAIR_LONG:
		refuse_caller(hand, job, STATS_LIMIT_TIME, wait_us,
			"this account has used up its share of the database's time");
		return false;
	}
	return true;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void enter_lane(struct hand *hand, struct job *job)
{
	const enum lane_verdict verdict = lane_submit(hand->lane, job, clock_mono_us());

	if (verdict == LANE_TAKEN) {
		count(hand, -1);
	} else if (verdict == LANE_CALLER_FULL && !job->maybe_applied) {
		refuse_caller(hand, job, STATS_LIMIT_SLOW_QUEUE, 0,
			"too many requests of this account wait for the database");
	} else {
		log_warn("slow queue full request=%s", job->x.request.id_text);
		account_shed(hand->slot, job, STATS_SHED_SLOW_QUEUE);
		hand_give_up(hand, job);
	}
}

void hand_dispatch(struct hand *hand, struct job *job)
{
	if (!job->slow && !hand->slow) {
		job_push(&hand->ready, job);
	} else if (!hand->slow) {
		enter_lane(hand, job);
	} else {
		count(hand, -1);
		if (job->slow)
			lane_put_back(hand->lane, job, clock_mono_us());
		else
			lane_return(hand->lane, job);
	}
}

/* The disk is nearly full. Nothing was done yet for this request but to look its session up. */
static bool may_not_add(const struct hand *hand, const struct job *job)
{
	return call_adds(job->x.call.id) && segment_read_only(hand->segment);
}

static void start_call(struct hand *hand, struct job *job)
{
	if (!admit(hand, job))
		return;
	if (may_not_add(hand, job)) {
		hand_step(hand, job, exchange_read_only(&job->x));
		return;
	}
	job->attempts = 0;
	job->sqlstate[0] = '\0';
	job->busy = 0;
	job->key_held = false;
	job->key_until_us = 0;
	job->maybe_applied = false;
	job->splits = 0;
	job->slow = call_is_slow(&job->x.call) ||
		    fair_is_apart(hand->fair, job->caller, clock_mono_us());
	hand_dispatch(hand, job);
}

/* ---- passwords ------------------------------------------------------------------------------- */

void hand_unhashed(struct hand *hand, struct job *job)
{
	if (hasher_crowded(job)) {
		(void)exchange_limited(
			&job->x, 1, "too many passwords from this network wait to be checked");
		account_shed(hand->slot, job, STATS_SHED_HASH_QUEUE);
		hand_finish(hand, job);
		return;
	}
	account_shed(hand->slot, job, STATS_SHED_HASH_QUEUE);
	hand_give_up(hand, job);
}

/* The same words for an account that is there and one that is not, and no word about the password. */
static void refuse_early(struct hand *hand, struct job *job, int wait_s)
{
	(void)exchange_limited(&job->x, wait_s,
		"too many wrong passwords for this account: this one was not looked at");
	account_slowed(hand->slot, job);
	hand_finish(hand, job);
}

static void hash(struct hand *hand, struct job *job)
{
	int wait_s = 0;

	job->attempts = 0;
	switch (hasher_submit(hand->hasher, job, &wait_s)) {
	case HASHER_TAKEN:
		count(hand, -1);
		break;
	case HASHER_EARLY:
		refuse_early(hand, job, wait_s);
		break;
	case HASHER_FULL:
		hand_unhashed(hand, job);
		break;
	}
}

void hand_step(struct hand *hand, struct job *job, enum step step)
{
	switch (step) {
	case STEP_ANSWER:
		hand_finish(hand, job);
		break;
	case STEP_CALL:
		start_call(hand, job);
		break;
	case STEP_HASH:
		hash(hand, job);
		break;
	}
}

/* ---- parking ------------------------------------------------------------------------------- */

void hand_park(struct hand *hand, struct job *job, int64_t delay_us)
{
	struct job **at = &hand->parked;

	job->due_us = clock_mono_us() + delay_us;
	while (*at != NULL && (*at)->due_us <= job->due_us)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
}

void hand_unpark(struct hand *hand)
{
	int64_t now_us = clock_mono_us();

	while (hand->parked != NULL && hand->parked->due_us <= now_us) {
		struct job *job = hand->parked;

		hand->parked = job->next;
		job->next = NULL;
		hand_dispatch(hand, job);
	}
}

int hand_wait_ms(const struct hand *hand, int limit_ms)
{
	int ms;

	if (hand->ready.count > 0)
		return 0;
	if (hand->parked == NULL)
		return limit_ms;
	ms = clock_wait_ms(clock_mono_us(), hand->parked->due_us);
	return ms < limit_ms ? ms : limit_ms;
}
