/* Who is hashed next, and who need not wait: the rules of the hasher's queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/must.h"
#include "worker/admit.h"

static void what_waits_is_hashed_in_half_of_the_time_that_is_left(void **state)
{
	static const struct {
		int64_t left_ms, cost_ms;
		size_t threads, limit, room;
	} cases[] = {
		{5000, 50, 1, 256, 50},
		{5000, 50, 2, 256, 100},
		{5000, 100, 1, 256, 25},
		{5000, 100, 1, 8, 8},   /* hash_queue is the most, whatever a hash costs */
		{1000, 100, 1, 256, 5}, /* a job that waited elsewhere has less */
		{100, 100, 1, 256, 1},  /* an idle thread may try */
		{0, 100, 4, 256, 4},
		{-5, 100, 1, 256, 1},
		{5000, 6000, 2, 256, 2},
		{5000, 1, 64, 65536, 65536},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			admit_room(cases[i].left_ms * CLOCK_MS, cases[i].cost_ms * CLOCK_MS,
				cases[i].threads, cases[i].limit),
			cases[i].room);
}

static void one_slow_hash_is_not_believed_and_ten_are(void **state)
{
	int64_t cost_us = 50000;

	(void)state;
	cost_us = admit_cost(cost_us, 1000000, INT64_MAX);
	assert_in_range(cost_us, 50000, 200000);
	for (int i = 0; i < 20; i++)
		cost_us = admit_cost(cost_us, 1000000, INT64_MAX);
	assert_in_range(cost_us, 800000, 1000000);
	for (int i = 0; i < 60; i++)
		cost_us = admit_cost(cost_us, 0, INT64_MAX);
	assert_in_range(cost_us, 1, 1000);
}

static void a_hash_that_took_too_long_does_not_keep_the_next_from_being_tried(void **state)
{
	const struct admit_ticket ticket = {.deadline_us = 4750000};
	int64_t cost_us = admit_cost(9000000, 9000000, 2500000);

	(void)state;
	assert_int_equal(cost_us, 2500000);
	assert_true(admit_in_time(&ticket, cost_us, 0));
	assert_int_equal(admit_room(4750000, cost_us, 1, 256), 1);
}

static void the_known_go_first_a_few_times_then_it_goes_by_turn_and_by_age(void **state)
{
	static const struct {
		struct admit_ticket a, b;
		bool newest_first, before;
	} cases[] = {
		{{.turn = 0, .number = 9}, {.turn = 1, .number = 1}, false, true},
		{{.turn = 9, .number = 9, .known = true}, {.turn = 0, .number = 1}, false, true},
		{{.turn = 0, .number = 9}, {.turn = 16, .number = 1, .known = true}, false, true},
		{{.turn = 1, .number = 9, .known = true}, {.turn = 1, .number = 1}, false, true},
		{{.turn = 0, .number = 1}, {.turn = 0, .number = 2}, false, true},
		{{.turn = 0, .number = 1}, {.turn = 0, .number = 2}, true, false},
		{{.turn = 2, .number = 2}, {.turn = 2, .number = 1}, true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(admit_before(&cases[i].a, &cases[i].b, cases[i].newest_first),
			cases[i].before);
		assert_int_equal(admit_before(&cases[i].b, &cases[i].a, cases[i].newest_first),
			!cases[i].before);
	}
}

static void a_queue_beyond_a_quarter_of_its_room_serves_the_newest_first(void **state)
{
	(void)state;
	assert_false(admit_newest_first(0, 40));
	assert_false(admit_newest_first(10, 40));
	assert_true(admit_newest_first(11, 40));
	assert_true(admit_newest_first(1, 1));
}

static void a_hash_that_would_come_too_late_is_not_begun(void **state)
{
	const struct admit_ticket ticket = {.deadline_us = 1000};

	(void)state;
	assert_true(admit_in_time(&ticket, 100, 899));
	assert_false(admit_in_time(&ticket, 100, 900));
	assert_false(admit_in_time(&ticket, 100, 2000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_is_hashed_in_half_of_the_time_that_is_left),
		cmocka_unit_test(one_slow_hash_is_not_believed_and_ten_are),
		cmocka_unit_test(a_hash_that_took_too_long_does_not_keep_the_next_from_being_tried),
		cmocka_unit_test(the_known_go_first_a_few_times_then_it_goes_by_turn_and_by_age),
		cmocka_unit_test(a_queue_beyond_a_quarter_of_its_room_serves_the_newest_first),
		cmocka_unit_test(a_hash_that_would_come_too_late_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
