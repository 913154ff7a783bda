/* What the loop tells the segment. */
#include "worker/count.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "stats/event.h"

void count_started(struct stats_slot *slot, const struct job *job, int64_t now_us)
{
	stats_inc(slot, STATS_REQUESTS_STARTED);
	stats_observe(slot, STATS_QUEUE_WAIT, STATS_NO_LABEL, now_us - job->x.request.began_us);
}

void count_answer(struct stats_slot *slot, const struct job *job)
{
	const enum stats_route route = job->x.route;
	const int status = job->x.reply.status;

	stats_count2(slot, STATS_REQUESTS, route, stats_code(status));
	if (route == STATS_ROUTE_SIGN_IN && status == 201)
		stats_count(slot, STATS_LOGINS, STATS_LOGIN_OK);
	if (route == STATS_ROUTE_SIGN_IN && status == 401)
		stats_count(slot, STATS_LOGINS, STATS_LOGIN_REFUSED);
	if (job->x.keyed && job->x.call.row.replayed && status < 300)
		stats_inc(slot, STATS_REPLAYS);
}

void count_finished(struct stats_slot *slot, const struct job *job, int64_t now_us)
{
	stats_observe(slot, STATS_REQUEST_DURATION, job->x.route, now_us - job->x.request.began_us);
	stats_inc(slot, STATS_REQUESTS_FINISHED);
}

void count_shed(struct stats_slot *slot, const struct job *job, enum stats_shed why)
{
	stats_count(slot, STATS_REQUESTS_SHED, why);
	if (job->x.route == STATS_ROUTE_SIGN_IN)
		stats_count(slot, STATS_LOGINS, STATS_LOGIN_SHED);
}

void count_limited(struct stats_slot *slot, const struct job *job, enum stats_limit why)
{
	stats_count(slot, STATS_REQUESTS_LIMITED, why);
	log_info("caller limited reason=%s route=%s request=%s",
		metrics_value(STATS_LABEL_LIMIT, why),
		metrics_value(STATS_LABEL_ROUTE, job->x.route), job->x.request.id_text);
}

void count_slowed(struct stats_slot *slot, const struct job *job)
{
	if (job->x.route == STATS_ROUTE_SIGN_IN)
		stats_count(slot, STATS_LOGINS, STATS_LOGIN_SLOWED);
}

/* Says what happened to this request, for those who will look for it in the log. `event` says the
 * kind and what only that kind has. */
static void happened(struct stats_slot *slot, const struct job *job, struct event event)
{
	event.at_wall_us = clock_wall_us();
	event.request = job->x.request.id;
	event.route = job->x.route;
	event.attempts = (uint32_t)job->try.attempts;
	if (event.kind != STATS_EVENT_KIND_CONFLICT)
		memcpy(event.sqlstate, job->try.sqlstate, sizeof(event.sqlstate));
	event_put(&slot->events, &event);
}

/* ---- waves --------------------------------------------------------------------------------- */

/* Labels and calls expand from one list. */
_Static_assert((int)STATS_FUNCTION_COUNT == (int)CALL_COUNT, "a label for each call");

static bool split(const struct wave *wave)
{
	return wave->calls[0].outcome == OUTCOME_NEIGHBOUR ||
	       wave->calls[wave->count - 1].outcome == OUTCOME_NEIGHBOUR;
}

void count_wave(struct stats_slot *slot, const struct wave *wave, int64_t began_us, int64_t now_us)
{
	stats_observe(slot, STATS_WAVE_SIZE, STATS_NO_LABEL, (int64_t)wave->count);
	for (size_t i = 0; i < wave->count; i++)
		if (wave->calls[i].outcome == OUTCOME_COMMITTED)
			stats_observe(slot, STATS_DB_CALL_DURATION, wave->calls[i].call->id,
				now_us - began_us);
	if (split(wave))
		stats_count(slot, STATS_WAVE_SPLITS, stats_sqlstate(wave->calls[0].error.sqlstate));
	if (wave->cancelled)
		stats_count(slot, STATS_WAVES_CANCELLED,
			wave->abandoned ? STATS_CANCELLED_ABANDONED : STATS_CANCELLED_STOPPED);
	if (wave->unconfirmed)
		stats_add(slot, STATS_COMMITS_UNCONFIRMED, 1);
}

void count_turn(struct stats_slot *slot, int64_t waited_us)
{
	stats_observe(slot, STATS_SLOW_WAIT, STATS_NO_LABEL, waited_us);
}

void count_overrun(struct stats_slot *slot, const struct job *job)
{
	stats_count(slot, STATS_DB_CALLS_OVERRUN, job->x.call.id);
}

void count_busy(struct stats_slot *slot)
{
	stats_inc(slot, STATS_BUSY_WAITS);
}

static const enum stats_reason reasons[] = {
	[RETRY_TRANSIENT] = STATS_REASON_TRANSIENT,
	[RETRY_RECONNECT] = STATS_REASON_RECONNECT,
	[RETRY_UNKNOWN] = STATS_REASON_UNKNOWN,
	[RETRY_STALE_PLAN] = STATS_REASON_STALE_PLAN,
	[RETRY_STANDBY] = STATS_REASON_STANDBY,
};

void count_retry(
	struct stats_slot *slot, const struct job *job, enum retry_reason reason, int64_t delay_us)
{
	MUST((size_t)reason < ARRAY_LEN(reasons));
	stats_count(slot, STATS_RETRY_ATTEMPTS, reasons[reason]);
	happened(slot, job, (struct event){.kind = STATS_EVENT_KIND_RETRY, .delay_us = delay_us});
}

/* ---- what came of a call ------------------------------------------------------------------- */

/* A creation's row says in its detail how many slugs were taken. */
static void creation(struct stats_slot *slot, const struct call_row *row)
{
	if (row->status == 201 && !row->replayed)
		stats_add(slot, STATS_SLUG_COLLISIONS, strtoul(row->detail, NULL, 10));
	if (strcmp(row->detail, "slug_exhausted") == 0)
		stats_inc(slot, STATS_SLUG_FAILURES);
}

/* The same, but no free slug is raised. That of generate_unique_slug is not counted: how often it
 * tries is its caller's choice. */
static void rpc_creation(struct stats_slot *slot, const struct call_row *row)
{
	creation(slot, row);
	if (row->status == 422 && strcmp(row->detail, "23505") == 0)
		stats_inc(slot, STATS_SLUG_FAILURES);
}

/* A 409 with a detail is none of the version that the request named. */
static void change(struct stats_slot *slot, const struct job *job, enum stats_entity entity)
{
	const struct call_row *row = &job->x.call.row;

	if (row->status == 409 && row->detail[0] == '\0') {
		stats_count(slot, STATS_VERSION_CONFLICTS, entity);
		happened(slot, job,
			(struct event){
				STATS_EVENT_KIND_CONFLICT, .version = (uint32_t)row->version});
	} else if (row->status < 300 && !row->replayed) {
		stats_count(slot, strcmp(row->detail, "merged") == 0 ? STATS_MERGES : STATS_UPDATES,
			entity);
	}
}

static void row_seen(struct stats_slot *slot, const struct job *job)
{
	const struct call_row *row = &job->x.call.row;

	switch (call_counts(job->x.call.id)) {
	case CALL_COUNTS_CREATION:
		creation(slot, row);
		break;
	case CALL_COUNTS_RPC_CREATION:
		rpc_creation(slot, row);
		break;
	case CALL_COUNTS_CARD:
		change(slot, job, STATS_ENTITY_CARD);
		break;
	case CALL_COUNTS_PERSONAL:
		change(slot, job, STATS_ENTITY_PERSONAL);
		break;
	case CALL_COUNTS_PROFESSIONAL:
		change(slot, job, STATS_ENTITY_PROFESSIONAL);
		break;
	case CALL_COUNTS_SESSION:
		if (row->status == 201 && !row->replayed)
			stats_inc(slot, STATS_SESSIONS_CREATED);
		break;
	case CALL_COUNTS_NOTHING:
		break;
	}
}

/* What an alert calls excessive, whatever the limit of attempts is. */
#define MANY_ATTEMPTS 3

void count_operation(struct stats_slot *slot, const struct job *job, enum count_end end)
{
	const bool answered = end == COUNT_ANSWERED;

	stats_inc(slot, STATS_OPERATIONS);
	stats_add(slot, STATS_OPERATION_ATTEMPTS, (uint64_t)job->try.attempts);
	if (job->try.attempts > 1)
		stats_count(slot, STATS_RETRIED_OPERATIONS,
			answered ? STATS_OUTCOME_ANSWERED : STATS_OUTCOME_FAILED);
	if (job->try.attempts > MANY_ATTEMPTS || end == COUNT_GAVE_UP)
		stats_inc(slot, STATS_OPERATIONS_EXCESSIVE);
	if (answered)
		row_seen(slot, job);
	if (end == COUNT_GAVE_UP)
		happened(slot, job, (struct event){.kind = STATS_EVENT_KIND_GAVE_UP});
}

void count_failure(struct stats_slot *slot, const struct job *job)
{
	stats_count(slot, STATS_DB_CALLS_FAILED, job->x.call.id);
	happened(slot, job, (struct event){.kind = STATS_EVENT_KIND_FAILED});
}
