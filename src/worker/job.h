/*
 * A job: one request in a worker, with what the worker alone needs to know about it, and its states.
 *
 * A job belongs to one thread, to the hasher while it waits for a hash, or to the slow lane while it
 * waits for its turn there. The lists of those that a thread has are that thread's own.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "http/fcgi.h"
#include "stats/stats.h"
#include "worker/admit.h"

enum job_state {
	JOB_NEW,     /* its request is being read */
	JOB_HANDLED, /* a handler has it */
	JOB_READY,   /* its call waits for the next wave, or for a connection */
	JOB_RIDING,  /* its call is in a wave */
	JOB_PARKED,  /* its call waits until due_us */
	JOB_HASHING, /* the hasher has it */
	JOB_QUEUED,  /* the slow lane has it */
	JOB_DONE,    /* it was answered */
	JOB_STATE_COUNT,
};

/* As whose request a job was let in; what comes later is known better. */
enum job_owner {
	JOB_OF_NOBODY,
	JOB_OF_SESSION,
	JOB_OF_ACCOUNT,
};

/* What became of the present call so far; all zero where it was not sent yet. */
struct call_try {
	int attempts; /* waves it rode in that counted: not busy answers, splits, overruns of a wave */
	int busy;     /* busy answers */
	int splits;           /* failed waves it rode in without being at fault */
	bool key_held;        /* the last answer was busy, about the Idempotency-Key */
	int64_t key_until_us; /* monotonic: it is not waited for any longer; 0: it was never held */
	bool maybe_applied;   /* an attempt's outcome is unknown: ends by a row, or as 504 */
	bool stale_retried;   /* was granted a fresh connection for stale plans */
	char sqlstate[6];     /* of the latest failure; "" where there was none */
};

struct job {
	struct exchange x;
	struct fcgi_conn *conn;
	enum job_state state;
	int64_t deadline_us; /* monotonic: answered by then */
	int64_t due_us;      /* PARKED: not before then */
	struct call_try try;
	int tries;         /* of all calls, for the log */
	size_t wave_calls; /* in the last wave it rode in, for the log */
	bool slow;         /* its call goes by the slow lane: for what it is, or as it ran over */
	enum job_owner owner;       /* as whose it was let in */
	size_t caller;              /* and that one's place in the table of worker/fair */
	int64_t queued_us;          /* QUEUED: monotonic, since then */
	struct admit_ticket ticket; /* the hasher's: of the first hash; number 0: there was none */
	struct job *prev;           /* in whatever list holds it */
	struct job *next;
};

MUST_CHECK struct job *job_new(struct fcgi_conn *conn);
/* Frees the job; its connection must have been answered or closed. */
void job_free(struct job **job);

/* ---- lists ------------------------------------------------------------------------------------- */

/* A list that is mostly first in, first out. Zero-initialised is empty. */
struct job_queue {
	struct job *first;
	struct job *last;
	size_t count;
};

void job_push(struct job_queue *queue, struct job *job);
/* NULL when empty. */
struct job *job_pop(struct job_queue *queue);

/* ---- states ------------------------------------------------------------------------------------ */

/* The jobs that a thread has in flight. Zero-initialised but for the slot is empty. */
struct job_lists {
	struct job_queue ready;
	struct job_queue parked; /* by due time, the next first */
	size_t count;            /* HANDLED, READY, RIDING and PARKED */
	struct stats_slot *slot; /* of the thread, where the count is shown */
};

const char *job_state_name(enum job_state state);
/* Whether a job may go from one state to the other. Pure. */
bool job_may_become(enum job_state from, enum job_state to);

/*
 * The only place that changes a job's state: it moves out of the list of its old state, into that of the
 * new one, and what the segment shows follows. `lists` are those of the thread that has the job, or that
 * takes it back from the hasher or the lane; they must have been told before a job is given to either.
 * due_us is set before PARKED. A move that is none aborts.
 */
void job_set_state(struct job_lists *lists, struct job *job, enum job_state to);

#endif
