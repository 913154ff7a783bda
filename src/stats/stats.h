/*
 * What one wave thread tells the world: its slot of the segment, and the few ways to write it.
 *
 * A slot has one writer, so counting is a load, an addition and a store: no locked instruction, no
 * mutex, nothing that a killed process could leave held. All cells are relaxed atomics because
 * other processes read them meanwhile; a reader sees each cell whole, and cells of one request a
 * moment apart. Counters belong to the slot: the next worker in it counts on.
 *
 * Functions here may be called by the slot's own thread only, except stats_activity_read.
 */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "base/uuid.h"
#include "stats/event.h"
#include "stats/metrics.h"
#include "stats/times.h"

#define STATS_LINE_BYTES 64

/* Other processes map the same bytes: only what needs no lock is safe there. */
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "atomics need locks");

struct stats_slot {
	/* What the thread does. Several words that belong together: `change` is odd while they are
	 * written, and differs afterwards. */
	alignas(STATS_LINE_BYTES) _Atomic uint32_t change;
	_Atomic uint32_t state; /* enum stats_thread */
	_Atomic uint32_t route; /* enum stats_route, of the request below */
	uint32_t pad1;
	_Atomic int64_t since_us; /* monotonic: in this state since then */
	_Atomic uint64_t
		request[2]; /* id of the request that it is about, the first of several; 0: none */

	/* Words that stand for themselves. */
	_Atomic int64_t beat_us;      /* monotonic: the loop's latest turn */
	_Atomic uint32_t in_flight;   /* requests that the thread holds, parked ones included */
	_Atomic uint32_t connection;  /* enum stats_connection */
	_Atomic uint64_t db_sqlstate; /* why there is no connection: up to 8 characters, or 0 */
	_Atomic int64_t db_since_us;  /* monotonic: connection opened or failed at */
	uint64_t pad2[7];

	struct stats_events events;

	_Atomic uint64_t cells[STATS_CELLS];
};

_Static_assert(offsetof(struct stats_slot, beat_us) == 40, "doc/segment.md");
_Static_assert(offsetof(struct stats_slot, events) == 2 * STATS_LINE_BYTES, "doc/segment.md");
_Static_assert(offsetof(struct stats_slot, cells) == (3 + EVENT_RING) * STATS_LINE_BYTES,
	"doc/segment.md");
_Static_assert(sizeof(struct stats_event) == STATS_LINE_BYTES, "doc/segment.md");
_Static_assert(sizeof(struct stats_slot) % STATS_LINE_BYTES == 0, "a line has one writer");

/* A slot that nobody reads, for code under test and processes without a segment. */
struct stats_slot *stats_nobody(void);

/* ---- counting ------------------------------------------------------------------------------ */

static inline void stats_raise(_Atomic uint64_t *cell, uint64_t by)
{
	uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);

	/* Release, which costs nothing here, lets a snapshot say that what it saw finished had
	 * been started before. */
	atomic_store_explicit(cell, old + by, memory_order_release);
}

static inline _Atomic uint64_t *stats_cell(
	struct stats_slot *slot, enum stats_metric metric, unsigned label1, unsigned label2)
{
	const struct stats_shape *shape = &stats_shapes[metric];

	MUST(label1 < shape->counts[0] && label2 < shape->counts[1]);
	return &slot->cells[shape->at + shape->width * (label1 * shape->counts[1] + label2)];
}

/* Adds to a counter without labels. */
static inline void stats_add(struct stats_slot *slot, enum stats_metric metric, uint64_t by)
{
	stats_raise(stats_cell(slot, metric, 0, 0), by);
}

/* Counts one: without a label, with one, with two. */
static inline void stats_inc(struct stats_slot *slot, enum stats_metric metric)
{
	stats_raise(stats_cell(slot, metric, 0, 0), 1);
}

static inline void stats_count(struct stats_slot *slot, enum stats_metric metric, unsigned label)
{
	stats_raise(stats_cell(slot, metric, label, 0), 1);
}

static inline void stats_count2(
	struct stats_slot *slot, enum stats_metric metric, unsigned label1, unsigned label2)
{
	stats_raise(stats_cell(slot, metric, label1, label2), 1);
}

/* Puts a value into a histogram: microseconds where its unit is seconds (below zero counts as
 * zero). `label` is STATS_NO_LABEL where it has none. */
static inline void stats_observe(
	struct stats_slot *slot, enum stats_metric metric, unsigned label, int64_t value)
{
	_Atomic uint64_t *cells = stats_cell(slot, metric, label, 0);
	uint64_t amount = value > 0 ? (uint64_t)value : 0;

	stats_raise(&cells[histogram_bucket(amount)], 1);
	stats_raise(&cells[HISTOGRAM_SUM], amount);
}

/* ---- what the thread does ------------------------------------------------------------------ */

struct stats_activity {
	enum stats_thread state;
	enum stats_route route;
	int64_t since_us;
	struct uuid request;
};

/* Says what the thread does from now on; `request` may be NULL. */
void stats_activity(struct stats_slot *slot, enum stats_thread state, enum stats_route route,
	const struct uuid *request, int64_t now_us);
/* Reads it, from any process. False when it changed at every try, or when its writer died amid
 * writing: then *ret is untouched. */
MUST_CHECK bool stats_activity_read(const struct stats_slot *slot, struct stats_activity *ret);

/* The loop turns. */
static inline void stats_beat(struct stats_slot *slot, int64_t now_us)
{
	atomic_store_explicit(&slot->beat_us, now_us, memory_order_relaxed);
}

/* So many requests are the thread's. */
static inline void stats_in_flight(struct stats_slot *slot, size_t count)
{
	atomic_store_explicit(&slot->in_flight, (uint32_t)count, memory_order_relaxed);
}

/* The thread's database connection is open, or closed: `sqlstate` says why ("08006", or the like;
 * "" or NULL for no reason worth telling). */
void stats_connection(
	struct stats_slot *slot, enum stats_connection state, const char *sqlstate, int64_t now_us);

#endif
