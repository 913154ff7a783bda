/*
 * A job: one request in the hands of the loop, with what the loop alone needs to know about it.
 *
 * A job belongs to one thread, to the hasher while it waits for a hash, or to the slow lane while it
 * waits for its turn there.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/exchange.h"
#include "http/fcgi.h"
#include "worker/admit.h"

/* As whose request a job was let in; what comes later is known better. */
enum job_owner {
	JOB_OF_NOBODY,
	JOB_OF_SESSION,
	JOB_OF_ACCOUNT,
};

struct job {
	struct exchange x;
	struct fcgi_conn *conn;
	int64_t deadline_us;  /* monotonic: answered by then */
	int64_t due_us;       /* parked: not before then */
	int attempts;         /* of the present call, without busy answers and splits */
	int tries;            /* of all calls, for the log */
	char sqlstate[6];     /* of the present call's latest failure; "" where it had none */
	int busy;             /* busy answers to the present call */
	bool key_held;        /* the last busy answer was about the Idempotency-Key */
	int64_t key_until_us; /* monotonic: it is not waited for any longer; 0: it was never held */
	bool maybe_applied;   /* an attempt's outcome is unknown: ends by a row, or as 504 */
	int splits;           /* failed waves it rode in without being at fault */
	bool slow; /* its call goes by the slow lane: for what it is, or as it ran over */
	enum job_owner owner;       /* as whose it was let in */
	size_t caller;              /* and that one's place in the table of worker/fair */
	int64_t queued_us;          /* monotonic: waits for its turn in the lane since then */
	bool stale_retried;         /* was granted a fresh connection for stale plans */
	size_t riders;              /* calls in the last wave it rode in, for the log */
	struct admit_ticket ticket; /* the hasher's: of the latest hash */
	struct job *next;           /* in whatever list holds it */
};

/* A first-in, first-out list. Zero-initialised is empty. */
struct job_queue {
	struct job *first;
	struct job *last;
	size_t count;
};

void job_push(struct job_queue *queue, struct job *job);
/* NULL when empty. */
struct job *job_pop(struct job_queue *queue);

MUST_CHECK struct job *job_new(const struct conf *conf, struct fcgi_conn *conn);
/* Frees the job; its connection must have been answered or closed. */
void job_free(struct job **job);

#endif
