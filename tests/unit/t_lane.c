/* The slow lane: whose turn it is, told as plays of jobs that come and go, and what has no room. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/lane.h"

/* ---- jobs without a request ------------------------------------------------------------------ */

static size_t closed;

void fcgi_close(struct fcgi_conn *conn)
{
	(void)conn;
	closed++;
}

void exchange_fini(struct exchange *x)
{
	(void)x;
}

static struct job *job_of(size_t caller)
{
	struct job *job = job_new(NULL);

	job->caller = caller;
	return job;
}

static struct lane *lane_of(size_t threads, size_t waiting, size_t caller_waits)
{
	const struct lane_limits limits = {
		.threads = threads, .waiting = waiting, .caller_waits = caller_waits};

	return lane_new(&limits);
}

/* Who has the next turn: 0 for nobody. */
static size_t turn(struct lane *lane)
{
	int64_t waited_us = 0;
	struct job *job = lane_next(lane, 0, &waited_us);
	size_t caller = job != NULL ? job->caller : 0;

	job_free(&job);
	return caller;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/*
 * A letter comes as a job of that caller, `.` is a thread that asks for one, and an upper-case letter
 * is the end of a call of that caller. `expected` is whose jobs the threads got, `-` for none.
 */
static void play(size_t threads, const char *acts, const char *expected)
{
	struct lane *lane = lane_of(threads, 64, 64);
	char got[64] = "";
	size_t count = 0;

	for (const char *act = acts; *act != '\0'; act++) {
		if (*act >= 'a') {
			assert_int_equal(
				lane_submit(lane, job_of((size_t)(*act - 'a') + 1), 1), LANE_TAKEN);
		} else if (*act == '.') {
			size_t caller = turn(lane);

			got[count++] = (char)(caller > 0 ? 'a' + (char)(caller - 1) : '-');
		} else {
			lane_done(lane, (size_t)(*act - 'A') + 1);
		}
	}
	assert_string_equal(got, expected);
	lane_free(&lane);
}

static void callers_take_turns_whoever_came_first(void **state)
{
	(void)state;
	play(1, ".", "-");
	play(1, "aaabc.A.B.C.A.A.", "abcaa-");
	play(1, "aaa.Ab.A.B.", "aaba");
	play(1, "abab.A.B.A.B", "abab");
	play(1, "a.Aa.A.", "aa-");
}

/* With two threads or more, somebody else's call finds one free. */
static void one_caller_has_all_threads_but_one(void **state)
{
	(void)state;
	play(2, "aa..", "a-");
	play(2, "aa.b.", "ab");
	play(2, "aab..", "ab");
	play(2, "aa..A.", "a-a");
	play(2, "aab..A.", "aba");
	play(3, "aaa...", "aa-");
	play(3, "aaa..b.", "aab");
	/* With one there is nothing to leave to others. */
	play(1, "aa.A.", "aa");
}

static void a_thread_that_waits_is_woken_and_one_that_waits_in_vain_goes_on(void **state)
{
	struct lane *lane = lane_of(1, 1, 1);
	int64_t waited_us = 0;
	struct job *job;

	(void)state;
	assert_null(lane_next(lane, 5, &waited_us));
	assert_int_equal(lane_submit(lane, job_of(1), clock_mono_us() - CLOCK_S), LANE_TAKEN);
	job = lane_next(lane, 5000, &waited_us);
	assert_non_null(job);
	assert_true(waited_us >= CLOCK_S);
	job_free(&job);
	lane_free(&lane);
}

/* ---- room ------------------------------------------------------------------------------------ */

static void what_has_no_room_stays_with_its_owner(void **state)
{
	struct lane *lane = lane_of(2, 3, 2);
	struct job *job = job_of(1);

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(lane_submit(lane, job_of(1), 1), LANE_TAKEN);
	/* One caller has enough waiting; another still finds room, and then nobody does. */
	assert_int_equal(lane_submit(lane, job, 1), LANE_CALLER_FULL);
	assert_int_equal(lane_submit(lane, job_of(2), 1), LANE_TAKEN);
	job->caller = 3;
	assert_int_equal(lane_submit(lane, job, 1), LANE_FULL);
	/* But what had its turn and is to have another always finds room. */
	lane_put_back(lane, job, 1);
	assert_int_equal(turn(lane), 1);
	assert_int_equal(turn(lane), 2);
	assert_int_equal(turn(lane), 3);
	closed = 0;
	lane_free(&lane);
	assert_int_equal(closed, 1);
}

static bool readable(const struct lane *lane)
{
	struct pollfd pfd = {.fd = lane_fd(lane), .events = POLLIN};

	return poll(&pfd, 1, 0) == 1;
}

static void what_goes_back_wakes_the_wave_threads_and_is_collected_once(void **state)
{
	struct lane *lane = lane_of(1, 1, 1);
	struct job_queue queue = {0};
	struct job *job;

	(void)state;
	assert_false(readable(lane));
	lane_return(lane, job_of(1));
	lane_return(lane, job_of(2));
	assert_true(readable(lane));
	lane_collect(lane, &queue);
	assert_false(readable(lane));
	assert_int_equal(queue.count, 2);
	while ((job = job_pop(&queue)) != NULL)
		job_free(&job);
	lane_collect(lane, &queue);
	assert_int_equal(queue.count, 0);
	lane_return(lane, job_of(3));
	closed = 0;
	lane_free(&lane);
	assert_int_equal(closed, 1);
}

static struct job *job_until(size_t caller, int64_t deadline_us)
{
	struct job *job = job_of(caller);

	job->deadline_us = deadline_us;
	return job;
}

/* Of every line, from its beginning, its middle or its end; what is left keeps its turn. */
static void those_whose_time_is_up_are_collected_and_the_others_keep_their_turn(void **state)
{
	struct lane *lane = lane_of(1, 5, 5);
	struct job_queue late = {0};
	struct job *job;
	char got[8] = "";
	size_t count = 0;

	(void)state;
	lane_collect_late(lane, 100, &late);
	assert_int_equal(late.count, 0);
	assert_int_equal(lane_submit(lane, job_until(1, 100), 1), LANE_TAKEN);
	assert_int_equal(lane_submit(lane, job_until(2, 101), 1), LANE_TAKEN);
	assert_int_equal(lane_submit(lane, job_until(1, 101), 1), LANE_TAKEN);
	assert_int_equal(lane_submit(lane, job_until(3, 99), 1), LANE_TAKEN);
	assert_int_equal(lane_submit(lane, job_until(2, 50), 1), LANE_TAKEN);
	lane_collect_late(lane, 100, &late);
	while ((job = job_pop(&late)) != NULL) {
		got[count++] = (char)('0' + job->caller);
		job_free(&job);
	}
	assert_string_equal(got, "123");
	/* There is room again, and lines go on as if the others had never been there. */
	assert_int_equal(lane_submit(lane, job_until(3, 200), 1), LANE_TAKEN);
	for (size_t caller = 1; caller <= 3; caller++) {
		assert_int_equal(turn(lane), caller);
		lane_done(lane, caller);
	}
	assert_int_equal(turn(lane), 0);
	lane_free(&lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			those_whose_time_is_up_are_collected_and_the_others_keep_their_turn),
		cmocka_unit_test(callers_take_turns_whoever_came_first),
		cmocka_unit_test(one_caller_has_all_threads_but_one),
		cmocka_unit_test(a_thread_that_waits_is_woken_and_one_that_waits_in_vain_goes_on),
		cmocka_unit_test(what_has_no_room_stays_with_its_owner),
		cmocka_unit_test(what_goes_back_wakes_the_wave_threads_and_is_collected_once),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
