/*
 * Everything the segment says at one moment, in memory of one's own: totals over all threads, and
 * what each process and thread does.
 *
 * Counters are read while they are written, so those of one request may be a moment apart. One
 * relation is kept: what is seen finished or lost has been seen started, so that the number of
 * requests in flight is never negative.
 */
#ifndef STATS_SNAPSHOT_H
#define STATS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stats/segment.h"

struct snapshot_thread {
	bool activity_known; /* false: it changed at every look, or its writer died amid writing */
	struct stats_activity activity;
	int64_t beat_us; /* monotonic, as all times here */
	uint32_t in_flight;
	enum stats_connection connection; /* UNUSED: it has none, and never asked for one */
	char db_sqlstate[9];              /* why there is no connection, or "" */
	uint64_t answered;                /* requests, since the slot's first tenant */
	uint64_t spent_us;                /* on them, from nginx's acceptance to the answer */
};

struct snapshot_process {
	int32_t pid;
	enum stats_worker state;
	uint32_t generation;
	int64_t started_us;
	int64_t heartbeat_us;
	uint32_t connections; /* of nginx */
	uint32_t descriptors; /* as it counts them itself; 0: not told */
	uint32_t sandbox;     /* what binds it: set of 1 << enum stats_sandbox */
	uint64_t lost;
	uint64_t restarts[STATS_RESTART_COUNT];
	uint64_t usage[STATS_USAGE_COUNT];
	struct snapshot_thread *threads;
};

#define SNAPSHOT_EVENTS 32

struct snapshot {
	int64_t taken_us;
	int64_t made_us; /* when the service was started */
	char version[32];
	uint32_t generation;
	int32_t supervisor_pid;
	int64_t supervisor_beat_us;
	uint32_t supervisor_descriptors;
	int32_t status_pid;
	enum log_level log_level;
	struct segment_disk disk;
	uint64_t log_lost; /* lines of the log that nobody took */
	uint64_t supervisor_usage[STATS_USAGE_COUNT];
	uint64_t status_usage[STATS_USAGE_COUNT];
	struct segment_alert_record alerts[STATS_ALERT_COUNT];
	uint64_t cells[STATS_CELLS]; /* as metrics.h lays them out, TALLY and GAUGE included */
	struct event events[SNAPSHOT_EVENTS]; /* of all threads, the latest first */
	size_t event_count;
	size_t process_count;
	size_t thread_count; /* of each process */
	size_t slow_count;   /* of these, those of the slow lane, which are the last */
	struct snapshot_process *processes;
};

/* Takes one. Usage figures are unknown until snapshot_measure. */
MUST_CHECK struct snapshot *snapshot_take(const struct segment *segment, int64_t now_us);
/* Asks the kernel about every living process. */
void snapshot_measure(struct snapshot *snapshot);
void snapshot_free(struct snapshot **snapshot);

/* Whether two are of one segment, so that rates can be made of them: a restart of the service begins another. */
bool snapshot_comparable(const struct snapshot *newer, const struct snapshot *older);
/* Whether this thread of each process is one of the slow lane. */
bool snapshot_slow(const struct snapshot *snapshot, size_t thread);
/* Whether a worker in this state serves, or will. */
bool snapshot_alive(enum stats_worker state);
/* Whether that worker serves: it is ready, and gives signs of life. */
bool snapshot_runs(const struct snapshot *snapshot, const struct snapshot_process *process);
/* Whether a thread of a living worker has made no turn for so long that it hangs, or waits. */
bool snapshot_hangs(const struct snapshot *snapshot, const struct snapshot_thread *thread);
/* Whether a thread does something: it is neither idle, nor waits with requests that are to be tried again. */
bool snapshot_busy(const struct snapshot_thread *thread);
/* Whether a thread is at a request, and it is known at which. */
bool snapshot_has_request(const struct snapshot_thread *thread);
/* How often a worker of this slot was started again, for whatever reason. */
uint64_t snapshot_restarts(const struct snapshot_process *process);
/* One value; the sum over all label values. */
uint64_t snapshot_value(
	const struct snapshot *snapshot, enum stats_metric metric, size_t label1, size_t label2);
uint64_t snapshot_sum(const struct snapshot *snapshot, enum stats_metric metric);

#endif
