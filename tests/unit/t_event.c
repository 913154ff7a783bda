/* What lately went otherwise than at the first try: rings of it, and the latest of all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/event.h"
#include "stats/snapshot.h"
#include "stats_fixture.h"

static const struct event some_event = {
	.kind = STATS_EVENT_KIND_RETRY,
	.at_wall_us = 1000,
	.request = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
	.route = STATS_ROUTE_CARD_UPDATE,
	.attempts = 2,
	.sqlstate = "40P01",
	.delay_us = 180000,
	.version = 7,
};

static struct event at(int64_t at_wall_us)
{
	struct event event = some_event;

	event.at_wall_us = at_wall_us;
	return event;
}

static struct stats_events *ring(const struct fixture *fixture, size_t process, size_t thread)
{
	return &segment_slot(fixture->segment, process, thread)->events;
}

static void an_event_is_read_as_it_was_written(void **state)
{
	struct stats_events *events = ring(*state, 1, 2);
	struct event seen = {.attempts = 99};

	assert_false(event_read(events, 0, &seen));
	assert_int_equal(seen.attempts, 99);
	event_put(events, &some_event);
	assert_true(event_read(events, 0, &seen));
	assert_int_equal(seen.kind, some_event.kind);
	assert_int_equal(seen.at_wall_us, some_event.at_wall_us);
	assert_memory_equal(&seen.request, &some_event.request, sizeof(seen.request));
	assert_int_equal(seen.route, some_event.route);
	assert_int_equal(seen.attempts, some_event.attempts);
	assert_string_equal(seen.sqlstate, some_event.sqlstate);
	assert_int_equal(seen.delay_us, some_event.delay_us);
	assert_int_equal(seen.version, some_event.version);
	assert_false(event_read(events, 1, &seen));
}

static void a_full_ring_loses_its_oldest(void **state)
{
	struct stats_events *events = ring(*state, 0, 0);
	struct event seen;

	for (int i = 1; i <= EVENT_RING + 3; i++) {
		const struct event event = at(i);

		event_put(events, &event);
	}
	for (size_t place = 0; place < EVENT_RING; place++) {
		assert_true(event_read(events, place, &seen));
		assert_int_equal(seen.at_wall_us, place < 3 ? EVENT_RING + 1 + place : place + 1);
	}
}

static void what_a_writer_died_amid_is_passed_over_and_its_successor_heals_it(void **state)
{
	struct stats_events *events = ring(*state, 0, 0);
	struct event seen;

	event_put(events, &some_event);
	atomic_fetch_add(&events->ring[1].change, 1);
	atomic_store(&events->ring[1].at_wall_us, 5);
	assert_false(event_read(events, 1, &seen));
	assert_true(event_read(events, 0, &seen));
	event_put(events, &some_event);
	assert_true(event_read(events, 1, &seen));
	assert_int_equal(seen.at_wall_us, some_event.at_wall_us);
}

static void what_is_out_of_range_or_no_sqlstate_breaks_nothing(void **state)
{
	struct stats_events *events = ring(*state, 0, 0);
	struct event seen;
	uint64_t word;

	event_put(events, &some_event);
	memcpy(&word, "08<b>\"x\"", sizeof(word));
	atomic_store(&events->ring[0].kind, 9999);
	atomic_store(&events->ring[0].route, 9999);
	atomic_store(&events->ring[0].sqlstate, word);
	assert_true(event_read(events, 0, &seen));
	assert_int_equal(seen.kind, STATS_EVENT_KIND_FAILED);
	assert_int_equal(seen.route, STATS_ROUTE_NONE);
	assert_string_equal(seen.sqlstate, "08");
	memset(&word, 'A', sizeof(word));
	atomic_store(&events->ring[0].sqlstate, word);
	assert_true(event_read(events, 0, &seen));
	assert_string_equal(seen.sqlstate, "AAAAA");
}

static void a_snapshot_has_the_latest_of_all_threads_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snapshot;
	int64_t last = INT64_MAX;

	for (int i = 0; i < 4 * EVENT_RING; i++) {
		const struct event event = at(1000 + 37 * i % 101);

		event_put(ring(fixture, (size_t)i % 4, (size_t)i % 3), &event);
	}
	snapshot = snapshot_take(fixture->segment, clock_mono_us());
	assert_int_equal(snapshot->event_count, SNAPSHOT_EVENTS);
	for (size_t i = 0; i < snapshot->event_count; i++) {
		assert_true(snapshot->events[i].at_wall_us <= last);
		last = snapshot->events[i].at_wall_us;
	}
	/* 64 values of 101, each once: what was left out is older than all that is there. */
	assert_int_equal(snapshot->events[0].at_wall_us, 1100);
	assert_true(last > 1000 + 101 - 64);
	snapshot_free(&snapshot);
}

static void what_happened_survives_the_worker(void **state)
{
	struct fixture *fixture = *state;
	struct snapshot *snapshot;

	segment_worker_start(fixture->segment, 0, 1, clock_mono_us());
	event_put(ring(fixture, 0, 1), &some_event);
	segment_worker_end(fixture->segment, 0);
	segment_worker_start(fixture->segment, 0, 2, clock_mono_us());
	snapshot = snapshot_take(fixture->segment, clock_mono_us());
	assert_int_equal(snapshot->event_count, 1);
	assert_string_equal(snapshot->events[0].sqlstate, "40P01");
	snapshot_free(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(an_event_is_read_as_it_was_written),
		FIXTURE_TEST(a_full_ring_loses_its_oldest),
		FIXTURE_TEST(what_a_writer_died_amid_is_passed_over_and_its_successor_heals_it),
		FIXTURE_TEST(what_is_out_of_range_or_no_sqlstate_breaks_nothing),
		FIXTURE_TEST(a_snapshot_has_the_latest_of_all_threads_in_order),
		FIXTURE_TEST(what_happened_survives_the_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
