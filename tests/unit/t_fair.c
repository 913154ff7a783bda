/* What one caller may have at a time: tables of what happens, in order, and what is said to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "worker/fair.h"

#define START (1000 * CLOCK_S)

static const struct fair_limits limits = {.in_flight = 3, .burst_us = 2 * CLOCK_S, .percent = 50};

static struct fair_key key(uint64_t who)
{
	return (struct fair_key){{who, ~who}};
}

static enum fair_verdict enter(struct fair *fair, uint64_t who, int64_t at_ms, size_t *ret_place)
{
	const struct fair_key it = key(who);
	int64_t wait_us = 0;

	return fair_enter(fair, &it, START + at_ms * CLOCK_MS, ret_place, &wait_us);
}

/* One caller, one request after another: what each took, and whether the next was let in. */
static void time_is_a_bucket_that_only_slow_calls_are_charged_to(void **state)
{
	static const struct {
		int64_t at_ms;
		enum fair_verdict verdict;
		int64_t took_ms; /* of one that was let in */
	} steps[] = {
		/* what a call takes up to FAIR_FREE_US is nobody's business, however often */
		{0, FAIR_ADMITTED, 50},
		{0, FAIR_ADMITTED, 50},
		{0, FAIR_ADMITTED, 50},
		/* 1 s and 1 s of 2 s */
		{0, FAIR_ADMITTED, 1050},
		{0, FAIR_ADMITTED, 1050},
		/* empty, and not overdrawn: one more, which overdraws it by 1 s */
		{0, FAIR_ADMITTED, 1050},
		{0, FAIR_LONG, 0},
		/* it comes back by half a second a second */
		{1999, FAIR_LONG, 0},
		{2000, FAIR_ADMITTED, 0},
		/* and never holds more than its 2 s */
		{60000, FAIR_ADMITTED, 2050},
		{60000, FAIR_ADMITTED, 150},
		{60000, FAIR_LONG, 0},
	};
	struct fair *fair = fair_new(&limits);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		size_t place = FAIR_NOBODY;

		if (enter(fair, 7, steps[i].at_ms, &place) != steps[i].verdict)
			fail_msg("step %zu", i);
		fair_charge(fair, place, steps[i].took_ms * CLOCK_MS,
			START + steps[i].at_ms * CLOCK_MS);
		fair_leave(fair, place);
	}
	fair_free(&fair);
}

static void who_is_told_to_wait_is_told_how_long(void **state)
{
	struct fair *fair = fair_new(&limits);
	const struct fair_key it = key(7);
	size_t place = FAIR_NOBODY;
	int64_t wait_us = 0;

	(void)state;
	assert_int_equal(enter(fair, 7, 0, &place), FAIR_ADMITTED);
	fair_charge(fair, place, 3050 * CLOCK_MS, START);
	fair_leave(fair, place);
	assert_int_equal(fair_enter(fair, &it, START, &place, &wait_us), FAIR_LONG);
	assert_int_equal(wait_us, 2 * CLOCK_S);
	fair_free(&fair);
}

static void requests_in_flight_are_counted_for_each_caller(void **state)
{
	struct fair *fair = fair_new(&limits);
	size_t places[4] = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(enter(fair, 7, 0, &places[i]), FAIR_ADMITTED);
	assert_int_equal(places[0], places[2]);
	assert_int_equal(enter(fair, 7, 0, &places[3]), FAIR_MANY);
	assert_int_equal(places[3], FAIR_NOBODY);
	assert_int_equal(enter(fair, 8, 0, &places[3]), FAIR_ADMITTED);
	assert_int_not_equal(places[3], places[0]);
	fair_leave(fair, places[0]);
	assert_int_equal(enter(fair, 7, 0, &places[0]), FAIR_ADMITTED);
	fair_free(&fair);
}

static void who_held_a_wave_up_is_kept_apart_for_a_while(void **state)
{
	struct fair *fair = fair_new(&limits);
	size_t place = FAIR_NOBODY;
	size_t other = FAIR_NOBODY;

	(void)state;
	assert_int_equal(enter(fair, 7, 0, &place), FAIR_ADMITTED);
	assert_int_equal(enter(fair, 8, 0, &other), FAIR_ADMITTED);
	assert_false(fair_is_apart(fair, place, START));
	fair_set_apart(fair, place, START);
	fair_leave(fair, place);
	assert_int_equal(enter(fair, 7, 1000, &place), FAIR_ADMITTED);
	assert_true(fair_is_apart(fair, place, START + FAIR_APART_US - 1));
	assert_false(fair_is_apart(fair, other, START + 1));
	assert_false(fair_is_apart(fair, place, START + FAIR_APART_US));
	assert_false(fair_is_apart(fair, FAIR_NOBODY, START));
	fair_set_apart(fair, FAIR_NOBODY, START);
	fair_free(&fair);
}

/* More callers than there is room for: nobody is refused for that, and who has used something up is
 * not forgotten for one who has not. */
static void newcomers_take_the_places_of_those_who_have_used_nothing(void **state)
{
	struct fair *fair = fair_new(&limits);
	size_t place = FAIR_NOBODY;

	(void)state;
	assert_int_equal(enter(fair, 7, 0, &place), FAIR_ADMITTED);
	fair_charge(fair, place, 3050 * CLOCK_MS, START);
	fair_leave(fair, place);
	for (uint64_t who = 1000; who < 100000; who++) {
		assert_int_equal(enter(fair, who << 7, 0, &place), FAIR_ADMITTED);
		fair_leave(fair, place);
	}
	assert_int_equal(enter(fair, 7, 0, &place), FAIR_LONG);
	fair_free(&fair);
}

static void where_all_places_are_held_a_newcomer_is_let_in_uncounted(void **state)
{
	struct fair *fair = fair_new(&limits);
	size_t uncounted = 0;

	(void)state;
	for (uint64_t who = 1; who <= 10000; who++) {
		size_t place = FAIR_NOBODY;

		assert_int_equal(
			enter(fair, who * UINT64_C(0x9e3779b97f4a7c15), 0, &place), FAIR_ADMITTED);
		uncounted += place == FAIR_NOBODY;
	}
	assert_true(uncounted > 0);
	fair_charge(fair, FAIR_NOBODY, CLOCK_S, START);
	fair_leave(fair, FAIR_NOBODY);
	fair_free(&fair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_a_bucket_that_only_slow_calls_are_charged_to),
		cmocka_unit_test(who_is_told_to_wait_is_told_how_long),
		cmocka_unit_test(requests_in_flight_are_counted_for_each_caller),
		cmocka_unit_test(who_held_a_wave_up_is_kept_apart_for_a_while),
		cmocka_unit_test(newcomers_take_the_places_of_those_who_have_used_nothing),
		cmocka_unit_test(where_all_places_are_held_a_newcomer_is_let_in_uncounted),
	};

	return cmocka_run_group_tests_name("fair", tests, NULL, NULL);
}
