/*
 * Nanoseconds for what one request counts: the counters, histograms and activity that the wave loop
 * writes for a card update, into a slot of a real segment, and the same while another process reads
 * snapshots all the time. Run by hand: `make bench-stats`.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stats/snapshot.h"

#define REQUESTS 2000000
#define ROUNDS   5

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* `i` varies labels and values, so that neither the compiler nor one cache line does it all. */
static void count_request(struct stats_slot *slot, unsigned i)
{
	unsigned route = i % STATS_ROUTE_COUNT;

	stats_inc(slot, STATS_REQUESTS_STARTED);
	stats_observe(slot, STATS_QUEUE_WAIT, STATS_NO_LABEL, (int64_t)(i % 977));
	stats_observe(slot, STATS_DB_CALL_DURATION, STATS_FUNCTION_UPDATE_CARD,
		(int64_t)(500 + i % 4001));
	stats_inc(slot, STATS_OPERATIONS);
	stats_add(slot, STATS_OPERATION_ATTEMPTS, 1);
	stats_count(slot, STATS_UPDATES, STATS_ENTITY_CARD);
	stats_count2(slot, STATS_REQUESTS, route, stats_code(200));
	stats_observe(slot, STATS_REQUEST_DURATION, route, (int64_t)(700 + i % 9973));
	stats_inc(slot, STATS_REQUESTS_FINISHED);
}

static double one_round(struct stats_slot *slot)
{
	double began = now_ns();

	for (unsigned i = 0; i < REQUESTS; i++)
		count_request(slot, i);
	return (now_ns() - began) / REQUESTS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(const char *what, struct stats_slot *slot)
{
	double ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ns[i] = one_round(slot);
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	printf("%-44s %6.1f ns a request (%.1f to %.1f)\n", what, ns[ROUNDS / 2], ns[0],
		ns[ROUNDS - 1]);
}

static void activity(struct stats_slot *slot)
{
	struct uuid id = {{1}};
	double began = now_ns();

	for (int i = 0; i < REQUESTS; i++)
		stats_activity(slot, STATS_THREAD_DATABASE, STATS_ROUTE_CARD_UPDATE, &id, i);
	printf("%-44s %6.1f ns\n", "an activity record", (now_ns() - began) / REQUESTS);
}

static pid_t start_reader(const struct segment *segment)
{
	pid_t child = fork();

	if (child == 0)
		for (;;) {
			struct snapshot *snapshot = snapshot_take(segment, 0);

			snapshot_free(&snapshot);
			usleep(1000);
		}
	return child;
}

static void snapshots(const struct segment *segment)
{
	double began = now_ns();

	for (int i = 0; i < 200; i++) {
		struct snapshot *snapshot = snapshot_take(segment, 0);

		snapshot_free(&snapshot);
	}
	printf("%-44s %6.1f us\n", "a snapshot of 8 slots of 2 threads",
		(now_ns() - began) / 200 / 1000);
}

int main(void)
{
	struct segment_shape shape = {.workers = 4, .processes = 8, .threads = 2, .version = "0"};
	char path[] = "/tmp/cardkeep-bench-XXXXXX";
	struct segment *segment;
	int fd = mkstemp(path);
	pid_t reader;

	MUST(fd >= 0 && close(fd) == 0);
	MUST(segment_create(path, &shape, &segment) == SEGMENT_OK);
	report("counting", segment_slot(segment, 0, 0));
	reader = start_reader(segment);
	report("counting, read a thousand times a second", segment_slot(segment, 0, 0));
	MUST(kill(reader, SIGKILL) == 0 && waitpid(reader, NULL, 0) == reader);
	activity(segment_slot(segment, 0, 1));
	snapshots(segment);
	segment_close(&segment);
	(void)unlink(path);
	return 0;
}
