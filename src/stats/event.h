/*
 * What lately went otherwise than at the first try: retries, conflicts and failures, each with the
 * id of its request, so that an operator finds it in the log.
 *
 * Each thread's slot has a ring of the latest ones. Numbers and ids only: nothing that a client
 * wrote gets here. A ring has one writer; any process may read it meanwhile. An event is several
 * words under a change count, as the activity record of stats.c, where the argument stands.
 */
#ifndef STATS_EVENT_H
#define STATS_EVENT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "base/uuid.h"
#include "stats/metrics.h"

#define EVENT_RING      16 /* that a thread keeps */
#define EVENT_STATE_LEN 5  /* characters of a SQLSTATE */

/* A line of the segment. */
struct stats_event {
	alignas(64) _Atomic uint32_t change; /* odd while the rest is written */
	_Atomic uint32_t kind;               /* enum stats_event_kind */
	_Atomic int64_t at_wall_us;          /* since 1970; 0: never written */
	_Atomic uint64_t request[2];
	_Atomic uint32_t route;    /* enum stats_route */
	_Atomic uint32_t attempts; /* made so far */
	_Atomic uint64_t sqlstate; /* what broke the latest one: characters, or 0 */
	_Atomic int64_t delay_us;  /* until the next one */
	_Atomic uint32_t version;  /* that the entity has now; 0: none is known */
	uint32_t pad;
};

struct stats_events {
	alignas(64) _Atomic uint64_t written; /* ever */
	uint64_t pad[7];
	struct stats_event ring[EVENT_RING]; /* the latest is at (written - 1) % EVENT_RING */
};

/* An event, out of the segment. */
struct event {
	enum stats_event_kind kind;
	int64_t at_wall_us;
	struct uuid request;
	enum stats_route route;
	uint32_t attempts;
	char sqlstate[EVENT_STATE_LEN + 1]; /* "" for none */
	int64_t delay_us;
	uint32_t version;
};

/* Writes it over the oldest. Only the ring's own thread may. */
void event_put(struct stats_events *events, const struct event *event);
/* Reads the one in that place of the ring, from any process. False when nothing was ever there, or
 * it was being written: then *ret is untouched. */
MUST_CHECK bool event_read(const struct stats_events *events, size_t place, struct event *ret);

#endif
