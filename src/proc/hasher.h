/*
 * The lane for passwords: a few threads that hash, and a bounded queue before them.
 *
 * Argon2id costs tens of milliseconds and megabytes on purpose. Here at most `hash_threads` run at
 * once, so memory and processor are bounded, and a flood of sign-ins delays only sign-ins.
 *
 * hasher_submit and hasher_collect may be called by any thread. A job belongs to the hasher between
 * the two.
 */
#ifndef PROC_HASHER_H
#define PROC_HASHER_H

#include <stdbool.h>

#include "base/conf.h"
#include "proc/job.h"

struct hasher;

/* Starts the threads. Signals should be blocked by the caller first. */
MUST_CHECK struct hasher *hasher_new(const struct conf *conf);
/* Waits for the hashes under way, gives up the jobs that are left (their connections are closed). */
void hasher_free(struct hasher **hasher);

/* Takes the job in; false when the queue is full, and the job stays the caller's. */
MUST_CHECK bool hasher_submit(struct hasher *hasher, struct job *job);
/* Moves every finished job to the end of `queue`. */
void hasher_collect(struct hasher *hasher, struct job_queue *queue);
/* Readable while finished jobs wait to be collected. */
int hasher_fd(const struct hasher *hasher);

#endif
