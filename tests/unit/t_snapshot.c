/* Snapshots, the window over them, and what is judged by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/indicator.h"
#include "stats/procfs.h"
#include "stats_fixture.h"

static struct snapshot *take_at(struct fixture *fixture, int64_t seconds)
{
	int64_t made_us = segment_header(fixture->segment)->made_us;

	return snapshot_take(fixture->segment, made_us + seconds * CLOCK_S);
}

/* ---- snapshots ----------------------------------------------------------------------------- */

static void totals_are_sums_over_all_threads_of_all_slots(void **state)
{
	struct fixture *fixture = *state;
	uint64_t cells[HISTOGRAM_CELLS];
	struct snapshot *snapshot;

	for (size_t p = 0; p < 4; p++)
		for (size_t t = 0; t < 3; t++) {
			struct stats_slot *slot = segment_slot(fixture->segment, p, t);

			stats_count(slot, STATS_UPDATES, STATS_ENTITY_PERSONAL);
			stats_observe(slot, STATS_DB_CALL_DURATION, STATS_FUNCTION_READ_CARD, 10);
			stats_observe(slot, STATS_DB_CALL_DURATION, STATS_FUNCTION_READ_USER, 20);
		}
	stats_count(segment_slot(fixture->segment, 3, 0), STATS_UPDATES, STATS_ENTITY_CARD);
	snapshot = take_at(fixture, 1);
	assert_int_equal(snapshot_value(snapshot, STATS_UPDATES, STATS_ENTITY_PERSONAL, 0), 12);
	assert_int_equal(snapshot_value(snapshot, STATS_UPDATES, STATS_ENTITY_CARD, 0), 1);
	assert_int_equal(snapshot_sum(snapshot, STATS_UPDATES), 13);
	snapshot_histogram(snapshot, STATS_DB_CALL_DURATION, cells);
	assert_int_equal(histogram_count(cells), 24);
	assert_int_equal(cells[HISTOGRAM_SUM], 12 * 30);
	snapshot_free(&snapshot);
	assert_null(snapshot);
}

static void gauges_follow_from_the_states_of_the_slots(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snapshot;

	for (size_t p = 0; p < 3; p++)
		segment_worker_start(fixture->segment, p, 1, 0);
	segment_worker_state(fixture->segment, 0, STATS_WORKER_READY);
	segment_worker_state(fixture->segment, 1, STATS_WORKER_DRAINING);
	segment_worker_end(fixture->segment, 2);
	stats_connection(segment_slot(fixture->segment, 0, 0), STATS_CONNECTION_OPEN, NULL, 5);
	stats_connection(segment_slot(fixture->segment, 2, 0), STATS_CONNECTION_OPEN, NULL, 5);
	stats_activity(segment_slot(fixture->segment, 1, 1), STATS_THREAD_READING, STATS_ROUTE_NONE,
		NULL, 5);
	snapshot = take_at(fixture, 1);
	assert_int_equal(snapshot_value(snapshot, STATS_WORKERS, STATS_WORKER_READY, 0), 1);
	assert_int_equal(snapshot_value(snapshot, STATS_WORKERS, STATS_WORKER_DRAINING, 0), 1);
	assert_int_equal(snapshot_value(snapshot, STATS_WORKERS, STATS_WORKER_DEAD, 0), 1);
	assert_int_equal(snapshot_value(snapshot, STATS_WORKERS, STATS_WORKER_FREE, 0), 1);
	assert_int_equal(snapshot_sum(snapshot, STATS_THREADS), 6);
	assert_int_equal(snapshot_sum(snapshot, STATS_THREADS_BUSY), 1);
	/* The dead worker's connection is gone with it. */
	assert_int_equal(
		snapshot_value(snapshot, STATS_DB_CONNECTIONS, STATS_CONNECTION_OPEN, 0), 1);
	assert_int_equal(
		snapshot_value(snapshot, STATS_DB_CONNECTIONS, STATS_CONNECTION_CLOSED, 0), 5);
	assert_int_equal(snapshot_sum(snapshot, STATS_DB_CONNECTIONS_MAX), 12);
	snapshot_free(&snapshot);
}

static void a_difference_tells_what_was_counted_in_between(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	static uint64_t cells[STATS_CELLS];
	struct snapshot *older;
	struct snapshot *newer;

	segment_worker_start(fixture->segment, 0, 1, 0);
	stats_add(slot, STATS_OPERATIONS, 5);
	stats_observe(slot, STATS_WAVE_SIZE, STATS_NO_LABEL, 8);
	older = take_at(fixture, 1);
	stats_add(slot, STATS_OPERATIONS, 7);
	stats_observe(slot, STATS_WAVE_SIZE, STATS_NO_LABEL, 32);
	newer = take_at(fixture, 2);
	snapshot_difference(newer, older, cells);
	assert_int_equal(cells[STATS_AT_OPERATIONS], 7);
	assert_int_equal(histogram_count(&cells[STATS_AT_WAVE_SIZE]), 1);
	assert_int_equal(cells[STATS_AT_WAVE_SIZE + HISTOGRAM_SUM], 32);
	assert_int_equal(cells[STATS_AT_THREADS], 3);
	snapshot_free(&older);
	snapshot_free(&newer);
}

static void a_thread_tells_why_it_has_no_connection(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snapshot;

	stats_connection(
		segment_slot(fixture->segment, 0, 0), STATS_CONNECTION_CLOSED, "08006", 77);
	stats_connection(
		segment_slot(fixture->segment, 0, 1), STATS_CONNECTION_CLOSED, "\"\\\n45678", 78);
	snapshot = take_at(fixture, 1);
	assert_string_equal(snapshot->processes[0].threads[0].db_sqlstate, "08006");
	assert_int_equal(snapshot->processes[0].threads[0].db_since_us, 77);
	assert_string_equal(snapshot->processes[0].threads[1].db_sqlstate, "???45678");
	assert_string_equal(snapshot->processes[0].threads[2].db_sqlstate, "");
	snapshot_free(&snapshot);
}

static void the_kernel_knows_our_figures_and_nothing_of_nobody(void **state)
{
	uint64_t usage[STATS_USAGE_COUNT];
	int64_t age_us;

	(void)state;
	procfs_read(getpid(), usage);
	assert_true(usage[STATS_USAGE_CPU] < 3600 * (uint64_t)CLOCK_S);
	assert_true(usage[STATS_USAGE_RESIDENT] > 100000);
	assert_true(usage[STATS_USAGE_VIRTUAL] >= usage[STATS_USAGE_RESIDENT]);
	assert_true(usage[STATS_USAGE_OPEN_FDS] >= 3);
	assert_true(usage[STATS_USAGE_OPEN_FDS] <= usage[STATS_USAGE_MAX_FDS]);
	age_us = clock_wall_us() - (int64_t)usage[STATS_USAGE_START];
	assert_true(age_us > -2 * CLOCK_S && age_us < 3600 * CLOCK_S);
	procfs_read(0, usage);
	for (size_t i = 0; i < STATS_USAGE_COUNT; i++)
		assert_int_equal(usage[i], PROCFS_UNKNOWN);
	procfs_read(INT32_MAX, usage);
	for (size_t i = 0; i < STATS_USAGE_COUNT; i++)
		assert_int_equal(usage[i], PROCFS_UNKNOWN);
}

/* ---- the window ---------------------------------------------------------------------------- */

static void look(struct fixture *fixture, const struct window *window, int64_t seconds,
	struct window_sums *ret)
{
	struct snapshot *now = take_at(fixture, seconds);

	window_recent(window, now, ret);
	snapshot_free(&now);
}

static void note(struct fixture *fixture, struct window *window, int64_t seconds)
{
	struct snapshot *now = take_at(fixture, seconds);

	window_add(window, now);
	snapshot_free(&now);
}

/* One operation a second, noted every second, for `seconds`. */
static void live(struct fixture *fixture, struct window *window, int64_t seconds)
{
	for (int64_t i = 1; i <= seconds; i++) {
		stats_inc(segment_slot(fixture->segment, 0, 0), STATS_OPERATIONS);
		stats_observe(segment_slot(fixture->segment, 0, 0), STATS_REQUEST_DURATION,
			STATS_ROUTE_ME, 100);
		note(fixture, window, i);
	}
}

static void a_young_service_is_judged_since_its_start(void **state)
{
	struct fixture *fixture = *state;
	struct window *window = window_new();
	struct window_sums sums;

	look(fixture, window, 0, &sums);
	assert_int_equal(sums.counts[WINDOW_OPERATIONS], 0);
	live(fixture, window, 200);
	look(fixture, window, 200, &sums);
	assert_int_equal(sums.counts[WINDOW_OPERATIONS], 200);
	assert_int_equal(histogram_count(sums.durations), 200);
	assert_int_equal(sums.span_us, 200 * CLOCK_S);
	window_free(&window);
	assert_null(window);
}

static void an_old_service_is_judged_by_its_last_five_minutes(void **state)
{
	struct fixture *fixture = *state;
	struct window *window = window_new();
	struct window_sums sums;

	live(fixture, window, 2000);
	look(fixture, window, 2000, &sums);
	assert_in_range(sums.counts[WINDOW_OPERATIONS], 300, 305);
	assert_int_equal(sums.counts[WINDOW_OPERATIONS], sums.span_us / CLOCK_S);
	assert_int_equal(histogram_count(sums.durations), sums.span_us / CLOCK_S);
	/* Nothing more happens: after five minutes nothing is left. */
	for (int64_t i = 2001; i <= 2310; i++)
		note(fixture, window, i);
	look(fixture, window, 2310, &sums);
	assert_int_equal(sums.counts[WINDOW_OPERATIONS], 0);
	window_free(&window);
}

static void a_young_window_over_an_old_service_begins_with_its_first_sample(void **state)
{
	struct fixture *fixture = *state;
	struct window *window = window_new();
	struct window_sums sums;

	stats_add(segment_slot(fixture->segment, 0, 0), STATS_OPERATIONS, 1000);
	note(fixture, window, 5000);
	look(fixture, window, 5000, &sums);
	assert_int_equal(sums.counts[WINDOW_OPERATIONS], 0);
	stats_add(segment_slot(fixture->segment, 0, 0), STATS_OPERATIONS, 3);
	look(fixture, window, 5100, &sums);
	assert_int_equal(sums.counts[WINDOW_OPERATIONS], 3);
	assert_int_equal(sums.span_us, 100 * CLOCK_S);
	window_free(&window);
}

/* ---- indicators ---------------------------------------------------------------------------- */

static const struct {
	enum indicator_id id;
	uint64_t counts[WINDOW_COUNTS];
	bool known;
	double value;
	bool ok;
} judgements[] = {
	{INDICATOR_VERSION_CONFLICT_RATE, {0}, false, 0, true},
	{INDICATOR_VERSION_CONFLICT_RATE, {[WINDOW_UPDATES] = 10}, true, 0, true},
	{INDICATOR_VERSION_CONFLICT_RATE,
		{[WINDOW_UPDATES] = 5, [WINDOW_MERGES] = 4, [WINDOW_CONFLICTS] = 1}, true, 0.1,
		false},
	{INDICATOR_VERSION_CONFLICT_RATE, {[WINDOW_UPDATES] = 99, [WINDOW_CONFLICTS] = 1}, true,
		0.01, false},
	{INDICATOR_VERSION_CONFLICT_RATE, {[WINDOW_UPDATES] = 999, [WINDOW_CONFLICTS] = 1}, true,
		0.001, true},
	{INDICATOR_RETRY_SUCCESS_RATE, {[WINDOW_OPERATIONS] = 10}, false, 0, true},
	{INDICATOR_RETRY_SUCCESS_RATE, {[WINDOW_RETRIED_ANSWERED] = 8}, true, 1, true},
	{INDICATOR_RETRY_SUCCESS_RATE,
		{[WINDOW_RETRIED_ANSWERED] = 19, [WINDOW_RETRIED_FAILED] = 1}, true, 0.95, false},
	{INDICATOR_RETRY_SUCCESS_RATE, {[WINDOW_RETRIED_FAILED] = 1}, true, 0, false},
	{INDICATOR_SLUG_GENERATION_FAILURES, {0}, true, 0, true},
	{INDICATOR_SLUG_GENERATION_FAILURES, {[WINDOW_SLUG_FAILURES] = 1}, true, 1, false},
	{INDICATOR_AVERAGE_ATTEMPTS, {0}, false, 0, true},
	{INDICATOR_AVERAGE_ATTEMPTS, {[WINDOW_OPERATIONS] = 4, [WINDOW_ATTEMPTS] = 5}, true, 1.25,
		true},
	{INDICATOR_AVERAGE_ATTEMPTS, {[WINDOW_OPERATIONS] = 2, [WINDOW_ATTEMPTS] = 3}, true, 1.5,
		false},
};

static void indicators_keep_to_their_targets_and_have_no_value_without_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judgements); i++) {
		struct window_sums sums = {0};
		struct indicator got;

		memcpy(sums.counts, judgements[i].counts, sizeof(sums.counts));
		got = indicator_of(judgements[i].id, &sums);
		assert_int_equal(got.known, judgements[i].known);
		assert_int_equal(got.ok, judgements[i].ok);
		if (got.known)
			assert_float_equal(got.value, judgements[i].value, 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(totals_are_sums_over_all_threads_of_all_slots),
		FIXTURE_TEST(gauges_follow_from_the_states_of_the_slots),
		FIXTURE_TEST(a_difference_tells_what_was_counted_in_between),
		FIXTURE_TEST(a_thread_tells_why_it_has_no_connection),
		cmocka_unit_test(the_kernel_knows_our_figures_and_nothing_of_nobody),
		FIXTURE_TEST(a_young_service_is_judged_since_its_start),
		FIXTURE_TEST(an_old_service_is_judged_by_its_last_five_minutes),
		FIXTURE_TEST(a_young_window_over_an_old_service_begins_with_its_first_sample),
		cmocka_unit_test(indicators_keep_to_their_targets_and_have_no_value_without_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
