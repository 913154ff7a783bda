/* A job's states, and the lists that go with them. */
#include "worker/job.h"

#include <stdlib.h>

#include "base/mem.h"

struct job *job_new(struct fcgi_conn *conn)
{
	struct job *job = mem_zero(sizeof(*job));

	job->conn = conn;
	return job;
}

void job_free(struct job **job)
{
	if (*job == NULL)
		return;
	exchange_fini(&(*job)->x);
	free(*job);
	*job = NULL;
}

/* ---- lists ------------------------------------------------------------------------------------- */

/* Behind `after`, or at the front where that is NULL. */
static void insert(struct job_queue *queue, struct job *after, struct job *job)
{
	struct job *before = after != NULL ? after->next : queue->first;

	job->prev = after;
	job->next = before;
	*(after != NULL ? &after->next : &queue->first) = job;
	*(before != NULL ? &before->prev : &queue->last) = job;
	queue->count++;
}

static void take_out(struct job_queue *queue, struct job *job)
{
	*(job->prev != NULL ? &job->prev->next : &queue->first) = job->next;
	*(job->next != NULL ? &job->next->prev : &queue->last) = job->prev;
	job->prev = NULL;
	job->next = NULL;
	queue->count--;
}

void job_push(struct job_queue *queue, struct job *job)
{
	insert(queue, queue->last, job);
}

struct job *job_pop(struct job_queue *queue)
{
	struct job *job = queue->first;

	if (job != NULL)
		take_out(queue, job);
	return job;
}

/* Behind those that are due no later. */
static void insert_by_due(struct job_queue *queue, struct job *job)
{
	struct job *after = queue->last;

	while (after != NULL && after->due_us > job->due_us)
		after = after->prev;
	insert(queue, after, job);
}

/* ---- states ------------------------------------------------------------------------------------ */

const char *job_state_name(enum job_state state)
{
	static const char *const names[] = {
		[JOB_NEW] = "new",
		[JOB_HANDLED] = "handled",
		[JOB_READY] = "ready",
		[JOB_RIDING] = "riding",
		[JOB_PARKED] = "parked",
		[JOB_HASHING] = "hashing",
		[JOB_QUEUED] = "queued",
		[JOB_DONE] = "done",
	};

	MUST((size_t)state < ARRAY_LEN(names));
	return names[state];
}

#define TO(state) (1u << JOB_##state)

bool job_may_become(enum job_state from, enum job_state to)
{
	static const unsigned moves[JOB_STATE_COUNT] = {
		[JOB_NEW] = TO(HANDLED),
		/* Planned, or answered without a call. */
		[JOB_HANDLED] = TO(READY) | TO(HASHING) | TO(QUEUED) | TO(DONE),
		/* From a thread of the lane a call goes back where it belongs. */
		[JOB_READY] = TO(RIDING) | TO(QUEUED) | TO(DONE),
		/* A row came; or it is tried again, at once, later, or by the lane; or it is given up. */
		[JOB_RIDING] = TO(HANDLED) | TO(READY) | TO(PARKED) | TO(QUEUED) | TO(DONE),
		[JOB_PARKED] = TO(READY) | TO(QUEUED),
		[JOB_HASHING] = TO(HANDLED),
		/* DONE: there was no room, or no time. */
		[JOB_QUEUED] = TO(READY) | TO(DONE),
		[JOB_DONE] = 0,
	};

	return (moves[from] & (1u << to)) != 0;
}

/* Whether a job in that state is among those of a thread. */
static bool is_in_flight(enum job_state state)
{
	return state == JOB_HANDLED || state == JOB_READY || state == JOB_RIDING ||
	       state == JOB_PARKED;
}

void job_set_state(struct job_lists *lists, struct job *job, enum job_state to)
{
	const enum job_state from = job->state;

	MUST(job_may_become(from, to));
	if (from == JOB_READY)
		take_out(&lists->ready, job);
	else if (from == JOB_PARKED)
		take_out(&lists->parked, job);
	job->state = to;
	if (to == JOB_READY)
		job_push(&lists->ready, job);
	else if (to == JOB_PARKED)
		insert_by_due(&lists->parked, job);
	if (is_in_flight(from) == is_in_flight(to))
		return;
	lists->count += is_in_flight(to) ? 1 : (size_t)-1;
	stats_in_flight(lists->slot, lists->count);
}
