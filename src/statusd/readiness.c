/* Whether a request would be served, judged from what the segment says. */
#include "statusd/readiness.h"

#include <stdio.h>

#include "base/clock.h"
#include "db/sqlstate.h"

/* A worker's first thread turns every half second, a wave thread five times a second when idle. */
#define BEAT_FRESH_US (3 * CLOCK_S)

/* What the workers that run add up to. */
struct census {
	size_t ready;   /* said so */
	size_t running; /* of those, whose heartbeat is fresh */
	size_t threads; /* wave threads of those that run */
	size_t turning; /* of those threads, whose beat is fresh */
	size_t connected;
	size_t tried;         /* threads that have opened a connection or failed to */
	const char *sqlstate; /* of one that failed */
};

/* The supervisor sets beat_us when it forks; an equal value means that the thread has not run yet. */
static void count_thread(struct census *census, const struct snapshot_process *process,
	const struct snapshot_thread *thread, int64_t now_us)
{
	census->threads++;
	if (thread->beat_us <= process->started_us || now_us - thread->beat_us <= BEAT_FRESH_US)
		census->turning++;
	if (thread->connection != STATS_CONNECTION_UNUSED)
		census->tried++;
	if (thread->connection == STATS_CONNECTION_OPEN)
		census->connected++;
	else if (thread->db_sqlstate[0] != '\0')
		census->sqlstate = thread->db_sqlstate;
}

static struct census take_census(const struct snapshot *snapshot)
{
	struct census census = {.sqlstate = "none"};

	for (size_t i = 0; i < snapshot->process_count; i++) {
		const struct snapshot_process *process = &snapshot->processes[i];

		census.ready += process->state == STATS_WORKER_READY;
		if (!snapshot_runs(snapshot, process))
			continue;
		census.running++;
		for (size_t t = 0; t < snapshot->thread_count && !snapshot_slow(snapshot, t); t++)
			count_thread(&census, process, &process->threads[t], snapshot->taken_us);
	}
	return census;
}

static void judge_workers(struct readiness_check *check, const struct census *census)
{
	check->name = "workers";
	check->ok = census->running > 0;
	if (census->ready == 0)
		snprintf(check->detail, sizeof(check->detail), "no worker is ready");
	else
		snprintf(check->detail, sizeof(check->detail), "%zu of %zu ready workers run",
			census->running, census->ready);
}

static void judge_threads(struct readiness_check *check, const struct census *census)
{
	check->name = "threads";
	check->ok = census->turning > 0;
	snprintf(check->detail, sizeof(check->detail), "%zu of %zu wave threads turn",
		census->turning, census->threads);
}

/* The reason of the latest refusal, in words too where there are some. */
static void say_unconnected(char *detail, size_t size, const char *sqlstate)
{
	const char *words = sqlstate_refusal(sqlstate);

	snprintf(detail, size, "no wave thread is connected; last SQLSTATE: %s%s%s%s", sqlstate,
		words != NULL ? " (" : "", words != NULL ? words : "", words != NULL ? ")" : "");
}

static void judge_database(struct readiness_check *check, const struct census *census)
{
	check->name = "database";
	check->ok =
		census->threads > 0 && (census->connected > 0 || census->tried < census->threads);
	if (census->connected == 0 && census->tried > 0)
		say_unconnected(check->detail, sizeof(check->detail), census->sqlstate);
	else
		snprintf(check->detail, sizeof(check->detail), "%zu of %zu wave threads connected",
			census->connected, census->threads);
}

static void tell_disk(struct readiness_check *check, const struct segment_disk *disk)
{
	check->name = "disk";
	check->ok = true;
	if (disk->size_bytes == 0)
		snprintf(check->detail, sizeof(check->detail), "%s",
			disk->read_only ? "read-only; the disk cannot be seen" : "none is watched");
	else
		snprintf(check->detail, sizeof(check->detail), "%.1f %% free%s",
			100.0 * (double)disk->free_bytes / (double)disk->size_bytes,
			disk->read_only ? ": read-only" : "");
}

bool readiness_judge(
	const struct snapshot *snapshot, struct readiness_check ret_checks[READINESS_COUNT])
{
	const struct census census = take_census(snapshot);
	bool ok = true;

	judge_workers(&ret_checks[READINESS_WORKERS], &census);
	judge_threads(&ret_checks[READINESS_THREADS], &census);
	judge_database(&ret_checks[READINESS_DATABASE], &census);
	tell_disk(&ret_checks[READINESS_DISK], &snapshot->disk);
	for (size_t i = 0; i < READINESS_COUNT; i++)
		ok = ok && ret_checks[i].ok;
	return ok;
}
