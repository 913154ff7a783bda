/* Whether a request would be served: from slots to a verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "statusd/readiness.h"

#define NOW     (1000 * CLOCK_S)
#define STARTED (NOW - 60 * CLOCK_S)
#define WORKERS 2
#define THREADS 2

struct fixture {
	struct snapshot snapshot;
	struct snapshot_process processes[WORKERS];
	struct snapshot_thread threads[WORKERS][THREADS];
	struct readiness_check checks[READINESS_COUNT];
};

/* Two workers of two threads that run, turn and are connected. */
static struct fixture *healthy(void)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.snapshot.taken_us = NOW;
	f.snapshot.process_count = WORKERS;
	f.snapshot.thread_count = THREADS;
	f.snapshot.processes = f.processes;
	for (size_t i = 0; i < WORKERS; i++) {
		f.processes[i].state = STATS_WORKER_READY;
		f.processes[i].started_us = STARTED;
		f.processes[i].heartbeat_us = NOW - 500 * CLOCK_MS;
		f.processes[i].threads = f.threads[i];
		for (size_t t = 0; t < THREADS; t++) {
			f.threads[i][t].beat_us = NOW - 200 * CLOCK_MS;
			f.threads[i][t].connection = STATS_CONNECTION_OPEN;
		}
	}
	return &f;
}

static void each_thread(struct fixture *f, void (*change)(struct snapshot_thread *thread))
{
	for (size_t i = 0; i < WORKERS; i++)
		for (size_t t = 0; t < THREADS; t++)
			change(&f->threads[i][t]);
}

static void disconnect(struct snapshot_thread *thread)
{
	thread->connection = STATS_CONNECTION_CLOSED;
	strcpy(thread->db_sqlstate, "57P03");
}

static void forget_database(struct snapshot_thread *thread)
{
	thread->connection = STATS_CONNECTION_UNUSED;
}

static void block(struct snapshot_thread *thread)
{
	thread->beat_us = NOW - 4 * CLOCK_S;
}

static void begin(struct snapshot_thread *thread)
{
	thread->beat_us = STARTED;
}

/* Judges, and expects just that check to fail with that detail. */
static void expect_failure(struct fixture *f, enum readiness_check_id failed, const char *detail)
{
	assert_false(readiness_judge(&f->snapshot, f->checks));
	assert_false(f->checks[failed].ok);
	assert_string_equal(f->checks[failed].detail, detail);
}

static void a_healthy_pool_is_ready(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	assert_true(readiness_judge(&f->snapshot, f->checks));
	assert_string_equal(f->checks[READINESS_WORKERS].detail, "2 of 2 ready workers run");
	assert_string_equal(f->checks[READINESS_THREADS].detail, "4 of 4 wave threads turn");
	assert_string_equal(f->checks[READINESS_DATABASE].detail, "4 of 4 wave threads connected");
}

static void one_worker_that_is_well_is_enough(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	f->processes[0].state = STATS_WORKER_STARTING;
	assert_true(readiness_judge(&f->snapshot, f->checks));
	f->processes[0].state = STATS_WORKER_READY;
	f->processes[0].heartbeat_us = NOW - 10 * CLOCK_S;
	assert_true(readiness_judge(&f->snapshot, f->checks));
	assert_string_equal(f->checks[READINESS_WORKERS].detail, "1 of 2 ready workers run");
}

static void a_worker_that_drains_does_not_count(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	f->processes[0].state = STATS_WORKER_DRAINING;
	f->processes[1].state = STATS_WORKER_STARTING;
	expect_failure(f, READINESS_WORKERS, "no worker is ready");
}

static void workers_that_are_stopped_are_not_ready(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	f->processes[0].heartbeat_us = NOW - 3 * CLOCK_S;
	f->processes[1].heartbeat_us = NOW - 3 * CLOCK_S;
	expect_failure(f, READINESS_WORKERS, "0 of 2 ready workers run");
}

static void a_pool_whose_threads_are_all_blocked_is_not_ready(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	each_thread(f, block);
	expect_failure(f, READINESS_THREADS, "0 of 4 wave threads turn");
	f->threads[1][0].beat_us = NOW;
	assert_true(readiness_judge(&f->snapshot, f->checks));
}

static void threads_that_have_not_turned_yet_are_not_blocked(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	each_thread(f, begin);
	assert_true(readiness_judge(&f->snapshot, f->checks));
}

static void a_pool_without_a_database_is_not_ready_and_says_why(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	each_thread(f, disconnect);
	expect_failure(f, READINESS_DATABASE,
		"no wave thread is connected; last SQLSTATE: 57P03 (the server starts up or shuts "
		"down)");
	f->threads[0][1].connection = STATS_CONNECTION_OPEN;
	assert_true(readiness_judge(&f->snapshot, f->checks));
}

static void fail_otherwise(struct snapshot_thread *thread)
{
	thread->connection = STATS_CONNECTION_CLOSED;
	strcpy(thread->db_sqlstate, "XX001");
}

static void a_reason_without_words_is_told_by_its_number(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	each_thread(f, fail_otherwise);
	expect_failure(f, READINESS_DATABASE, "no wave thread is connected; last SQLSTATE: XX001");
}

static void threads_that_have_not_needed_the_database_yet_are_ready(void **state)
{
	struct fixture *f = healthy();

	(void)state;
	each_thread(f, forget_database);
	assert_true(readiness_judge(&f->snapshot, f->checks));
}

static void a_disk_is_told_and_never_makes_it_unready(void **state)
{
	static const struct {
		struct segment_disk disk;
		const char *detail;
	} cases[] = {
		{{0}, "none is watched"},
		{{.free_bytes = 125, .size_bytes = 1000}, "12.5 % free"},
		{{.free_bytes = 50, .size_bytes = 1000, .read_only = true},
			"5.0 % free: read-only"},
		{{.read_only = true}, "read-only; the disk cannot be seen"},
	};
	struct fixture *f = healthy();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		f->snapshot.disk = cases[i].disk;
		assert_true(readiness_judge(&f->snapshot, f->checks));
		assert_true(f->checks[READINESS_DISK].ok);
		assert_string_equal(f->checks[READINESS_DISK].detail, cases[i].detail);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_pool_is_ready),
		cmocka_unit_test(one_worker_that_is_well_is_enough),
		cmocka_unit_test(a_worker_that_drains_does_not_count),
		cmocka_unit_test(workers_that_are_stopped_are_not_ready),
		cmocka_unit_test(a_pool_whose_threads_are_all_blocked_is_not_ready),
		cmocka_unit_test(threads_that_have_not_turned_yet_are_not_blocked),
		cmocka_unit_test(a_pool_without_a_database_is_not_ready_and_says_why),
		cmocka_unit_test(a_reason_without_words_is_told_by_its_number),
		cmocka_unit_test(threads_that_have_not_needed_the_database_yet_are_ready),
		cmocka_unit_test(a_disk_is_told_and_never_makes_it_unready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
