/*
 * The wave loop: the life of one worker thread.
 *
 *     gather .. read .. plan .. execute .. answer .. park
 *
 * A thread owns one database connection and the jobs that it has in flight. It never sleeps and never waits
 * for a lock with either: what must be tried again is parked with a due time while the loop goes on, and
 * where there is no connection one is opened by db/dial while calls stay ready.
 *
 * The threads of the slow lane run the same loop. They gather from worker/lane instead of from nginx,
 * one call at a time, so their waves are of one.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

#include <stdatomic.h>

#include "api/api.h"
#include "base/conf.h"
#include "db/cancel.h"
#include "db/dial.h"
#include "db/retry.h"
#include "http/fcgi.h"
#include "stats/segment.h"
#include "stats/stats.h"
#include "worker/audit.h"
#include "worker/fair.h"
#include "worker/hasher.h"
#include "worker/lane.h"

/* What the threads of a process share. Everything in it is thread-safe. */
struct loop_shared {
	const struct conf *conf;
	struct fcgi_gate *gate;
	struct hasher *hasher;
	struct api *api;
	struct lane *lane;
	struct fair *fair;
	const struct segment *segment; /* says whether it is read-only */
	struct canceller *canceller;
	struct dialler *dialler;
	struct audit *audit;
	struct retry_budget *budget;
	struct retry_breaker *breaker;
	atomic_bool draining;         /* no new connections; end when the last one is gone */
	_Atomic int64_t drain_end_us; /* monotonic: end then, whatever is still open */
};

/* Runs until the drain is over, with waves or, `slow`, for the slow lane. `slot` is this thread's
 * own. */
void loop_run(struct loop_shared *shared, struct stats_slot *slot, bool slow);

#endif
