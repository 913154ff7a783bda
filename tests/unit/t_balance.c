/* Who takes the next connection: the rule, and what it is told by the segment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats_fixture.h"
#include "worker/balance.h"

static void a_share_is_the_mean_and_half_a_connection(void **state)
{
	static const struct {
		uint64_t own, total, serving;
		bool exceeded;
	} cases[] = {
		{0, 0, 1, false},
		{100, 100, 1, false}, /* alone, there is nobody to leave it to */
		{1, 1, 2, false},     /* one connection does not make anybody wait */
		{2, 2, 2, true},
		{2, 3, 2, false},
		{2, 4, 2, false},
		{33, 64, 2, true},
		{32, 63, 2, false},
		{1, 1, 4, true},
		{0, 3, 4, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(balance_exceeded(cases[i].own, cases[i].total, cases[i].serving),
			cases[i].exceeded);
}

/* Slot `process` as that of a worker that serves with so many connections. */
static void serve(struct fixture *fixture, size_t process, uint32_t connections, int64_t beat_us)
{
	segment_worker_start(fixture->segment, process, 1, beat_us);
	segment_worker_state(fixture->segment, process, STATS_WORKER_READY);
	segment_worker_beat(fixture->segment, process, beat_us);
	segment_worker_connections(fixture->segment, process, connections);
}

static void only_those_that_serve_and_live_are_counted(void **state)
{
	struct fixture *fixture = *state;
	struct balance share = {.segment = fixture->segment, .processes = 4, .slot = 0};
	int64_t now_us = clock_mono_us();

	serve(fixture, 0, 0, now_us);
	assert_false(balance_tell(&share, 5));
	serve(fixture, 1, 1, now_us);
	assert_true(balance_tell(&share, 5));
	serve(fixture, 1, 1, now_us - 3 * CLOCK_S); /* stopped */
	assert_false(balance_tell(&share, 5));
	serve(fixture, 1, 1, now_us);
	segment_worker_state(fixture->segment, 1, STATS_WORKER_DRAINING);
	assert_false(balance_tell(&share, 5));
	serve(fixture, 2, 5, now_us);
	assert_false(balance_tell(&share, 5));
	assert_true(balance_tell(&share, 7));
	assert_int_equal(segment_process(fixture->segment, 0)->connections, 7);
	segment_worker_start(fixture->segment, 0, 2, now_us);
	assert_int_equal(segment_process(fixture->segment, 0)->connections, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_is_the_mean_and_half_a_connection),
		FIXTURE_TEST(only_those_that_serve_and_live_are_counted),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
