/*
 * Wrong passwords by account, and where each account was signed in to lately: who tries passwords is
 * slowed, and nobody is locked out.
 *
 * A wrong password counts for its account from its network, and for its account from anywhere. Beyond
 * `free` of the first, or five times that of the second, the next try is only taken when a pause is
 * over, which doubles with each wrong one from a second to a minute; a try that comes too early is
 * refused without being looked at, right or wrong, and changes nothing. What was not added to for a
 * quarter of an hour is forgotten. Where an account was signed in to within 30 days (a *known* place),
 * others' wrong passwords count for nothing, and a right one clears its own.
 *
 * Accounts are known by a keyed hash of their address, so one that is not there is treated like one
 * that is. The key is made at the start and never leaves the process.
 *
 * The table is shared by all workers, outlives each of them, and is as large as it will ever be: what
 * was not seen for longest gives way. It has no locks, so a worker that is killed leaves none; of two
 * changes at the same instant to the same few entries one may be lost after many attempts, which
 * forgets one try. Thread-safe.
 */
#ifndef PROC_TRIES_H
#define PROC_TRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/place.h"

struct tries;

/* Who tries: hashes under the table's key, never 0. */
struct tries_who {
	uint64_t account;
	uint64_t pair; /* the account from there; the account itself, where places do not matter */
};

/* Before the fork that shares it. */
MUST_CHECK struct tries *tries_new(void);
void tries_free(struct tries **tries);

/* The keyed hash of a text; never 0. */
uint64_t tries_hash(const struct tries *tries, const void *bytes, size_t len);
struct tries_who tries_who(
	const struct tries *tries, const char *address, const struct place *place);

/* Seconds until a try is taken; 0: now. `now_us` here and below is monotonic. */
int tries_wait_s(const struct tries *tries, struct tries_who who, int free, int64_t now_us);
bool tries_known(const struct tries *tries, struct tries_who who, int64_t now_us);
void tries_failed(struct tries *tries, struct tries_who who, int64_t now_us);
void tries_succeeded(struct tries *tries, struct tries_who who, int64_t now_us);

/* The policy: the pause after so many wrong passwords, of which `free` cost none. */
int tries_pause_s(unsigned failed, int free);

#endif
