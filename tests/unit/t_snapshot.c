/* Snapshots, the window over them, and what is judged by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/cells.h"
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
	cells_histogram(snapshot->cells, STATS_DB_CALL_DURATION, cells);
	assert_int_equal(histogram_count(cells), 24);
	assert_int_equal(cells[HISTOGRAM_SUM], 12 * 30);
	snapshot_free(&snapshot);
	assert_null(snapshot);
}

/* A slow lane at work is not a pool that is saturated, nor one that hangs. */
static void threads_of_the_slow_lane_are_counted_apart(void **state)
{
	struct fixture *fixture = *state;
	const struct segment_shape shape = {
		.workers = 1, .processes = 2, .threads = 3, .slow_threads = 2, .version = "1.2.3"};
	struct snapshot *snapshot;

	segment_close(&fixture->segment);
	assert_int_equal(segment_create(fixture->path, &shape, &fixture->segment), SEGMENT_OK);
	segment_worker_start(fixture->segment, 0, 1, 0);
	segment_worker_state(fixture->segment, 0, STATS_WORKER_READY);
	stats_activity(segment_slot(fixture->segment, 0, 2), STATS_THREAD_DATABASE,
		STATS_ROUTE_ROWS_CARDS, NULL, 1);
	snapshot = take_at(fixture, 60);
	assert_false(snapshot_slow(snapshot, 0));
	assert_true(snapshot_slow(snapshot, 1));
	assert_true(snapshot_slow(snapshot, 2));
	assert_int_equal(snapshot->cells[STATS_AT_THREADS], 1);
	assert_int_equal(snapshot->cells[STATS_AT_THREADS_BUSY], 0);
	assert_int_equal(snapshot->cells[STATS_AT_THREADS_HELD], 1);
	assert_int_equal(snapshot->cells[STATS_AT_SLOW_THREADS], 2);
	assert_int_equal(snapshot->cells[STATS_AT_SLOW_THREADS_BUSY], 1);
	assert_int_equal(snapshot->cells[STATS_AT_DB_CONNECTIONS_MAX], 6);
	snapshot_free(&snapshot);
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
	/* One that has tried, and lost it. */
	stats_connection(
		segment_slot(fixture->segment, 1, 0), STATS_CONNECTION_CLOSED, "08006", INT64_MAX);
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
		snapshot_value(snapshot, STATS_DB_CONNECTIONS, STATS_CONNECTION_CLOSED, 0), 1);
	assert_int_equal(
		snapshot_value(snapshot, STATS_DB_CONNECTIONS, STATS_CONNECTION_UNUSED, 0), 4);
	assert_int_equal(snapshot_sum(snapshot, STATS_DB_CONNECTIONS_MAX), 12);
	snapshot_free(&snapshot);
}

static void a_difference_tells_what_was_counted_in_between(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	struct snapshot *older;
	struct snapshot *newer;

	segment_worker_start(fixture->segment, 0, 1, 0);
	stats_add(slot, STATS_OPERATIONS, 5);
	stats_observe(slot, STATS_WAVE_SIZE, STATS_NO_LABEL, 8);
	older = take_at(fixture, 1);
	stats_add(slot, STATS_OPERATIONS, 7);
	stats_observe(slot, STATS_WAVE_SIZE, STATS_NO_LABEL, 32);
	newer = take_at(fixture, 2);
	cells_subtract(newer->cells, older->cells);
	assert_int_equal(newer->cells[STATS_AT_OPERATIONS], 7);
	assert_int_equal(histogram_count(&newer->cells[STATS_AT_WAVE_SIZE]), 1);
	assert_int_equal(newer->cells[STATS_AT_WAVE_SIZE + HISTOGRAM_SUM], 32);
	assert_int_equal(newer->cells[STATS_AT_THREADS], 3);
	snapshot_free(&older);
	snapshot_free(&newer);
}

static void a_counter_that_began_anew_has_counted_nothing(void **state)
{
	static uint64_t cells[STATS_CELLS];
	static uint64_t before[STATS_CELLS];

	(void)state;
	before[STATS_AT_SLUG_FAILURES] = 7;
	cells[STATS_AT_SLUG_FAILURES] = 2;
	cells_subtract(cells, before);
	assert_int_equal(cells[STATS_AT_SLUG_FAILURES], 0);
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
	assert_int_equal(snapshot->processes[0].threads[0].connection, STATS_CONNECTION_CLOSED);
	assert_string_equal(snapshot->processes[0].threads[1].db_sqlstate, "???45678");
	assert_string_equal(snapshot->processes[0].threads[2].db_sqlstate, "");
	assert_int_equal(snapshot->processes[0].threads[2].connection, STATS_CONNECTION_UNUSED);
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

static struct window *some_window(void)
{
	static const int64_t lengths_us[WINDOW_COUNT] = {
		[WINDOW_SHORT] = 60 * CLOCK_S,
		[WINDOW_MAIN] = 300 * CLOCK_S,
		[WINDOW_LONG] = 900 * CLOCK_S,
	};

	return window_new(lengths_us);
}

static void look(struct fixture *fixture, const struct window *window, enum window_id id,
	int64_t seconds, struct window_sums *ret)
{
	struct snapshot *now = take_at(fixture, seconds);

	window_recent(window, id, now, ret);
	snapshot_free(&now);
}

static void note(struct fixture *fixture, struct window *window, int64_t seconds)
{
	struct snapshot *now = take_at(fixture, seconds);

	window_add(window, now);
	snapshot_free(&now);
}

static uint64_t operations(const struct window_sums *sums)
{
	return cells_sum(sums->cells, STATS_OPERATIONS);
}

static uint64_t durations(const struct window_sums *sums)
{
	return histogram_count(
		cells_histogram_of(sums->cells, STATS_REQUEST_DURATION, STATS_ROUTE_ME));
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
	struct window *window = some_window();
	struct window_sums sums;

	look(fixture, window, WINDOW_MAIN, 0, &sums);
	assert_int_equal(operations(&sums), 0);
	live(fixture, window, 200);
	look(fixture, window, WINDOW_MAIN, 200, &sums);
	assert_int_equal(operations(&sums), 200);
	assert_int_equal(durations(&sums), 200);
	assert_int_equal(sums.span_us, 200 * CLOCK_S);
	window_free(&window);
	assert_null(window);
}

/* Each window is as long as it says, and at most one of its steps longer. */
static void an_old_service_is_judged_by_its_last_minutes(void **state)
{
	static const struct {
		enum window_id id;
		int64_t least;
		int64_t most;
	} cases[] = {{WINDOW_SHORT, 60, 62}, {WINDOW_MAIN, 300, 310}, {WINDOW_LONG, 900, 930}};
	struct fixture *fixture = *state;
	struct window *window = some_window();
	struct window_sums sums;

	live(fixture, window, 2000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		look(fixture, window, cases[i].id, 2000, &sums);
		assert_in_range(operations(&sums), cases[i].least, cases[i].most);
		assert_int_equal(operations(&sums), sums.span_us / CLOCK_S);
		assert_int_equal(durations(&sums), sums.span_us / CLOCK_S);
		assert_int_equal(window_length_us(window, cases[i].id), cases[i].least * CLOCK_S);
	}
	window_free(&window);
}

static void what_happened_leaves_the_short_window_first(void **state)
{
	struct fixture *fixture = *state;
	struct window *window = some_window();
	struct window_sums sums;

	live(fixture, window, 1000);
	for (int64_t i = 1001; i <= 1320; i++)
		note(fixture, window, i);
	look(fixture, window, WINDOW_SHORT, 1320, &sums);
	assert_int_equal(operations(&sums), 0);
	look(fixture, window, WINDOW_MAIN, 1320, &sums);
	assert_int_equal(operations(&sums), 0);
	look(fixture, window, WINDOW_LONG, 1320, &sums);
	assert_in_range(operations(&sums), 580, 610);
	window_free(&window);
}

static void a_young_window_over_an_old_service_begins_with_its_first_sample(void **state)
{
	struct fixture *fixture = *state;
	struct window *window = some_window();
	struct window_sums sums;

	stats_add(segment_slot(fixture->segment, 0, 0), STATS_OPERATIONS, 1000);
	note(fixture, window, 5000);
	look(fixture, window, WINDOW_MAIN, 5000, &sums);
	assert_int_equal(operations(&sums), 0);
	stats_add(segment_slot(fixture->segment, 0, 0), STATS_OPERATIONS, 3);
	look(fixture, window, WINDOW_MAIN, 5100, &sums);
	assert_int_equal(operations(&sums), 3);
	assert_int_equal(sums.span_us, 100 * CLOCK_S);
	window_free(&window);
}

/* A window of seconds keeps every sample it is given. */
static void a_window_may_be_two_seconds_long(void **state)
{
	static const int64_t lengths_us[WINDOW_COUNT] = {CLOCK_S, 2 * CLOCK_S, 3 * CLOCK_S};
	struct fixture *fixture = *state;
	struct window *window = window_new(lengths_us);
	struct window_sums sums;

	live(fixture, window, 100);
	look(fixture, window, WINDOW_MAIN, 100, &sums);
	assert_int_equal(operations(&sums), 2);
	look(fixture, window, WINDOW_MAIN, 102, &sums);
	assert_int_equal(operations(&sums), 0);
	window_free(&window);
}

static void between_two_snapshots_is_what_was_counted_since_the_first(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	struct snapshot *before;
	struct snapshot *now;
	struct window_sums sums;

	stats_add(slot, STATS_OPERATIONS, 1000);
	before = snapshot_take(fixture->segment, clock_mono_us());
	stats_add(slot, STATS_OPERATIONS, 10);
	now = snapshot_take(fixture->segment, before->taken_us + 4 * CLOCK_S);
	assert_true(snapshot_comparable(now, before));
	window_between(before, now, &sums);
	assert_int_equal(sums.span_us, 4 * CLOCK_S);
	assert_int_equal(operations(&sums), 10);
	assert_float_equal(window_rate(&sums, operations(&sums)), 2.5, 1e-9);
	window_between(now, now, &sums);
	assert_float_equal(window_rate(&sums, 10), 0, 1e-9);
	before->made_us--;
	assert_false(snapshot_comparable(now, before));
	snapshot_free(&before);
	snapshot_free(&now);
}

/* ---- indicators ---------------------------------------------------------------------------- */

/* What was counted, by what the indicators are made of. */
struct counted {
	uint64_t updates;
	uint64_t conflicts;
	uint64_t merges;
	uint64_t answered; /* retried operations */
	uint64_t failed;
	uint64_t slug_failures;
	uint64_t operations;
	uint64_t attempts;
};

static const struct {
	enum indicator_id id;
	struct counted counted;
	bool known;
	double value;
	bool ok;
} judgements[] = {
	{INDICATOR_VERSION_CONFLICT_RATE, {0}, false, 0, true},
	{INDICATOR_VERSION_CONFLICT_RATE, {.updates = 10}, true, 0, true},
	{INDICATOR_VERSION_CONFLICT_RATE, {.updates = 5, .merges = 4, .conflicts = 1}, true, 0.1,
		false},
	{INDICATOR_VERSION_CONFLICT_RATE, {.updates = 99, .conflicts = 1}, true, 0.01, false},
	{INDICATOR_VERSION_CONFLICT_RATE, {.updates = 999, .conflicts = 1}, true, 0.001, true},
	{INDICATOR_RETRY_SUCCESS_RATE, {.operations = 10}, false, 0, true},
	{INDICATOR_RETRY_SUCCESS_RATE, {.answered = 8}, true, 1, true},
	{INDICATOR_RETRY_SUCCESS_RATE, {.answered = 19, .failed = 1}, true, 0.95, false},
	{INDICATOR_RETRY_SUCCESS_RATE, {.failed = 1}, true, 0, false},
	{INDICATOR_SLUG_GENERATION_FAILURES, {0}, true, 0, true},
	{INDICATOR_SLUG_GENERATION_FAILURES, {.slug_failures = 1}, true, 1, false},
	{INDICATOR_AVERAGE_ATTEMPTS, {0}, false, 0, true},
	{INDICATOR_AVERAGE_ATTEMPTS, {.operations = 4, .attempts = 5}, true, 1.25, true},
	{INDICATOR_AVERAGE_ATTEMPTS, {.operations = 2, .attempts = 3}, true, 1.5, false},
};

/* Conflicts of profiles, the rest of cards: the rate is over all of them. */
static void fill(struct window_sums *sums, const struct counted *counted)
{
	uint64_t *cells = sums->cells;

	memset(sums, 0, sizeof(*sums));
	cells[STATS_AT_UPDATES + STATS_ENTITY_CARD] = counted->updates;
	cells[STATS_AT_VERSION_CONFLICTS + STATS_ENTITY_PERSONAL] = counted->conflicts;
	cells[STATS_AT_MERGES + STATS_ENTITY_CARD] = counted->merges;
	cells[STATS_AT_RETRIED_OPERATIONS + STATS_OUTCOME_ANSWERED] = counted->answered;
	cells[STATS_AT_RETRIED_OPERATIONS + STATS_OUTCOME_FAILED] = counted->failed;
	cells[STATS_AT_SLUG_FAILURES] = counted->slug_failures;
	cells[STATS_AT_OPERATIONS] = counted->operations;
	cells[STATS_AT_OPERATION_ATTEMPTS] = counted->attempts;
}

static void indicators_keep_to_their_targets_and_have_no_value_without_events(void **state)
{
	struct window_sums sums;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judgements); i++) {
		struct indicator got;

		fill(&sums, &judgements[i].counted);
		got = indicator_of(judgements[i].id, &sums);
		assert_int_equal(got.known, judgements[i].known);
		assert_int_equal(got.ok, judgements[i].ok);
		if (got.known)
			assert_float_equal(got.value, judgements[i].value, 1e-9);
	}
}

static void each_kind_of_entity_has_a_conflict_rate_of_its_own(void **state)
{
	static const struct counted counted = {.updates = 3, .merges = 1, .conflicts = 2};
	struct window_sums sums;
	struct indicator got;

	(void)state;
	fill(&sums, &counted);
	got = indicator_conflicts_of(STATS_ENTITY_CARD, &sums);
	assert_true(got.known && got.ok);
	assert_float_equal(got.value, 0, 1e-9);
	got = indicator_conflicts_of(STATS_ENTITY_PERSONAL, &sums);
	assert_true(got.known && !got.ok);
	assert_float_equal(got.value, 1, 1e-9);
	assert_false(indicator_conflicts_of(STATS_ENTITY_PROFESSIONAL, &sums).known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(totals_are_sums_over_all_threads_of_all_slots),
		FIXTURE_TEST(threads_of_the_slow_lane_are_counted_apart),
		FIXTURE_TEST(gauges_follow_from_the_states_of_the_slots),
		FIXTURE_TEST(a_difference_tells_what_was_counted_in_between),
		cmocka_unit_test(a_counter_that_began_anew_has_counted_nothing),
		FIXTURE_TEST(a_thread_tells_why_it_has_no_connection),
		cmocka_unit_test(the_kernel_knows_our_figures_and_nothing_of_nobody),
		FIXTURE_TEST(a_young_service_is_judged_since_its_start),
		FIXTURE_TEST(an_old_service_is_judged_by_its_last_minutes),
		FIXTURE_TEST(what_happened_leaves_the_short_window_first),
		FIXTURE_TEST(a_young_window_over_an_old_service_begins_with_its_first_sample),
		FIXTURE_TEST(between_two_snapshots_is_what_was_counted_since_the_first),
		FIXTURE_TEST(a_window_may_be_two_seconds_long),
		cmocka_unit_test(indicators_keep_to_their_targets_and_have_no_value_without_events),
		cmocka_unit_test(each_kind_of_entity_has_a_conflict_rate_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
