/*
 * The lane for passwords: a few threads that hash, and a bounded queue before them.
 *
 * Argon2id costs tens of milliseconds and megabytes on purpose. Here at most `hash_threads` run at
 * once, so memory and processor are bounded, and a flood of sign-ins delays only sign-ins. Who of
 * those that wait is next, and who gives way, is worker/admit's policy; whose try is not looked at yet,
 * proc/tries'.
 *
 * All functions but new and free may be called by any thread. A job belongs to the hasher between
 * hasher_submit and hasher_collect.
 */
#ifndef WORKER_HASHER_H
#define WORKER_HASHER_H

#include <stdbool.h>

#include "base/conf.h"
#include "proc/tries.h"
#include "worker/job.h"

struct hasher;

/* Starts the threads. Signals should be blocked by the caller first. `tries` must outlive it. */
MUST_CHECK struct hasher *hasher_new(const struct conf *conf, struct tries *tries);
/* Waits for the hashes under way, gives up the jobs that are left (their connections are closed). */
void hasher_free(struct hasher **hasher);

enum hasher_answer {
	HASHER_TAKEN,
	HASHER_FULL,  /* nothing was done, and the job stays the caller's */
	HASHER_EARLY, /* likewise: its account was tried with too many wrong passwords */
};

/* Takes the job in, and may put another one out, which is collected with hash.done false. On
 * HASHER_EARLY *ret_wait_s is after how many seconds it may come again. */
MUST_CHECK enum hasher_answer hasher_submit(
	struct hasher *hasher, struct job *job, int *ret_wait_s);
/* Moves every finished job to the end of `queue`, and those that had no chance, with hash.done
 * false. */
void hasher_collect(struct hasher *hasher, struct job_queue *queue);
/* Readable while jobs wait to be collected. */
int hasher_fd(const struct hasher *hasher);

/* Whether it is the job's own network that has too many waiting: 429, not 503. */
MUST_CHECK bool hasher_crowded(const struct job *job);
/* Told of each job that is about to be answered: remembers right and wrong passwords. */
void hasher_learn(struct hasher *hasher, const struct job *job);

#endif
