/*
 * When sessions were last seen: those that a thread's requests came with are collected, to be written apart.
 *
 * Writing last_seen_at with each request would write a row for each, and hold it until its wave has
 * committed. So a thread remembers whom it has seen within the last minute, and hands on only the
 * others, in batches that are told to the database between waves. Nothing here is needed for a
 * request to be right: a batch that is lost costs a minute's knowledge.
 *
 * The memory is a table of fixed size. Where more sessions are at work than it holds, the one seen
 * longest ago is forgotten, and handed on again when it comes; the pause between batches bounds what
 * that costs.
 *
 * A last_seen belongs to its thread. Times are monotonic.
 */
#ifndef WORKER_LAST_SEEN_H
#define WORKER_LAST_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

#define LAST_SEEN_HASH_BYTES 32             /* of a token's hash */
#define LAST_SEEN_BATCH      256            /* hashes written together, at most */
#define LAST_SEEN_GRAIN_US   (60 * CLOCK_S) /* nobody is handed on more often */
#define LAST_SEEN_WAIT_US    (10 * CLOCK_S) /* a batch is written when its first has waited so long */
#define LAST_SEEN_PAUSE_US   (200 * CLOCK_MS) /* and a full one not sooner than this after the last */

struct last_seen;

MUST_CHECK struct last_seen *last_seen_new(void);
void last_seen_free(struct last_seen **seen);

/* A request by this session was accepted. Passed over while the batch is full. */
void last_seen_note(struct last_seen *seen, const uint8_t *token_hash, int64_t now_us);
/* Whether the batch should be written now. */
bool last_seen_due(const struct last_seen *seen, int64_t now_us);
/* Whether there is anything to write. */
bool last_seen_any(const struct last_seen *seen);
/* Appends the batch to `out` as the text of a bytea[], and begins a new one. */
void last_seen_take(struct last_seen *seen, struct buf *out, int64_t now_us);

#endif
