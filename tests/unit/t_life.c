/* Whether a service runs, as its segment tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tool/life.h"

#define NOW    (1000 * CLOCK_S)
#define NOBODY INT32_MAX /* above the highest number that a process can have */

static enum life judged(int32_t pid, int64_t beat_us)
{
	const struct snapshot snapshot = {
		.taken_us = NOW, .supervisor_pid = pid, .supervisor_beat_us = beat_us};

	return life_of(&snapshot);
}

static void a_turn_tells(void **state)
{
	(void)state;
	assert_int_equal(judged((int32_t)getpid(), NOW), LIFE_RUNS);
	assert_int_equal(judged((int32_t)getpid(), NOW - 3 * CLOCK_S), LIFE_RUNS);
	assert_int_equal(judged((int32_t)getpid(), NOW - 4 * CLOCK_S), LIFE_HANGS);
	assert_int_equal(judged(NOBODY, NOW - 4 * CLOCK_S), LIFE_ENDED);
	assert_int_equal(judged(0, NOW), LIFE_ENDED);
}

static void a_turn_while_it_was_read(void **state)
{
	(void)state;
	assert_int_equal(judged((int32_t)getpid(), NOW + 1), LIFE_RUNS);
	assert_int_equal(judged((int32_t)getpid(), NOW + 3 * CLOCK_S), LIFE_RUNS);
}

static void a_turn_before_the_machine_started(void **state)
{
	struct snapshot snapshot = {.taken_us = NOW, .supervisor_pid = (int32_t)getpid()};
	struct buf out = {0};

	(void)state;
	snapshot.supervisor_beat_us = NOW + 4 * CLOCK_S;
	assert_int_equal(life_of(&snapshot), LIFE_ENDED);
	life_describe(&out, &snapshot);
	assert_string_equal(buf_cstr(&out), "not running: last figures");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_tells),
		cmocka_unit_test(a_turn_while_it_was_read),
		cmocka_unit_test(a_turn_before_the_machine_started),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
