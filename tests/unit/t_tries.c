/* Wrong passwords by account: who is slowed, for how long, and who is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/clock.h"
#include "proc/tries.h"

enum { FREE = 20 };

static struct tries *tries;
static int64_t now_us;

static struct tries_who at(const char *address, const char *from)
{
	const struct place place = place_of(from);

	return tries_who(tries, address, &place);
}

static void fail_often(struct tries_who who, int times)
{
	for (int i = 0; i < times; i++)
		tries_failed(tries, who, now_us);
}

static int wait_s(struct tries_who who)
{
	return tries_wait_s(tries, who, FREE, now_us);
}

static int begin(void **state)
{
	(void)state;
	tries = tries_new();
	now_us = clock_mono_us();
	return 0;
}

static int end(void **state)
{
	(void)state;
	tries_free(&tries);
	return tries != NULL;
}

static void the_pause_doubles_from_a_second_to_a_minute(void **state)
{
	static const struct {
		unsigned failed;
		int pause_s;
	} cases[] = {
		{0, 0},
		{19, 0},
		{20, 1},
		{21, 2},
		{22, 4},
		{23, 8},
		{24, 16},
		{25, 32},
		{26, 60},
		{255, 60},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(tries_pause_s(cases[i].failed, FREE), cases[i].pause_s);
}

static void eighty_wrong_passwords_slow_the_next_and_lock_nobody_out(void **state)
{
	const struct tries_who mallory = at("ada@example.org", "192.0.2.1");
	int tried = 0;

	(void)state;
	for (int i = 0; i < 80; i++) {
		if (wait_s(mallory) > 0)
			continue; /* refused: changes nothing */
		tries_failed(tries, mallory, now_us);
		tried++;
	}
	assert_int_equal(tried, FREE);
	assert_int_equal(wait_s(mallory), 1);
	now_us += CLOCK_S;
	assert_int_equal(wait_s(mallory), 0);
	tries_succeeded(tries, mallory, now_us);
	fail_often(mallory, FREE - 1);
	assert_int_equal(wait_s(mallory), 0); /* a right one begins anew */
}

static void who_goes_on_for_ever_has_one_try_a_minute(void **state)
{
	const struct tries_who mallory = at("ada@example.org", "192.0.2.1");
	int tried = 0;

	(void)state;
	for (int second = 0; second < 3600; second++, now_us += CLOCK_S) {
		if (wait_s(mallory) == 0) {
			tries_failed(tries, mallory, now_us);
			tried++;
		}
	}
	assert_in_range(tried, 70, FREE + 70);
}

static void wrong_passwords_of_others_cost_nothing_where_the_account_is_known(void **state)
{
	const struct tries_who home = at("ada@example.org", "198.51.100.7");

	(void)state;
	tries_succeeded(tries, home, now_us);
	assert_true(tries_known(tries, home, now_us));
	assert_false(tries_known(tries, at("ada@example.org", "192.0.2.1"), now_us));
	for (int i = 0; i < 200; i++) {
		char from[32];

		snprintf(from, sizeof(from), "10.1.%d.1", i);
		tries_failed(tries, at("ada@example.org", from), now_us);
	}
	assert_int_equal(wait_s(home), 0);
	assert_int_equal(wait_s(at("ada@example.org", "198.51.100.99")), 0); /* the same /24 */
	assert_int_equal(wait_s(at("ada@example.org", "203.0.113.1")), 60);  /* a new device */
	fail_often(home, FREE);
	assert_int_equal(wait_s(home), 1); /* its own do count */
}

static void one_network_slows_itself_and_no_other(void **state)
{
	(void)state;
	fail_often(at("ada@example.org", "2001:db8:1:2::1"), FREE + 10);
	assert_int_equal(
		wait_s(at("ada@example.org", "2001:db8:1:2:ffff::9")), 60); /* the same /64 */
	assert_int_equal(wait_s(at("ada@example.org", "2001:db8:1:3::1")), 0);
	assert_int_equal(wait_s(at("bob@example.org", "2001:db8:1:2::1")), 0);
}

static void what_is_not_added_to_for_a_quarter_of_an_hour_is_forgotten(void **state)
{
	const struct tries_who mallory = at("ada@example.org", "192.0.2.1");

	(void)state;
	fail_often(mallory, FREE + 10);
	now_us += 59 * CLOCK_S;
	assert_int_equal(wait_s(mallory), 1);
	now_us += 15 * 60 * CLOCK_S;
	fail_often(mallory, 1);
	assert_int_equal(wait_s(mallory), 0);
}

static void a_known_place_is_one_for_thirty_days(void **state)
{
	const struct tries_who home = at("ada@example.org", "127.0.0.1");

	(void)state;
	tries_succeeded(tries, home, now_us);
	now_us += INT64_C(29) * 24 * 3600 * CLOCK_S;
	assert_true(tries_known(tries, home, now_us));
	now_us += INT64_C(2) * 24 * 3600 * CLOCK_S;
	assert_false(tries_known(tries, home, now_us));
}

static void a_flood_of_made_up_addresses_takes_no_room_and_forgets_none_that_goes_on(void **state)
{
	const struct tries_who mallory = at("ada@example.org", "192.0.2.1");
	char address[32];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		snprintf(address, sizeof(address), "nobody-%d@example.org", i);
		if (i % 10000 == 0)
			tries_failed(tries, mallory, now_us);
		tries_failed(tries, at(address, "203.0.113.5"), now_us);
		now_us += 10 * CLOCK_MS;
	}
	assert_true(wait_s(mallory) >= 0);
	fail_often(mallory, FREE);
	assert_true(wait_s(mallory) > 0);
}

static void what_one_worker_saw_every_worker_knows_and_it_outlives_it(void **state)
{
	const struct tries_who mallory = at("ada@example.org", "192.0.2.1");
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		fail_often(mallory, FREE);
		tries_succeeded(tries, at("bob@example.org", "192.0.2.1"), now_us);
		_exit(0);
	}
	assert_true(waitpid(pid, &status, 0) == pid && status == 0);
	assert_int_equal(wait_s(mallory), 1);
	assert_true(tries_known(tries, at("bob@example.org", "192.0.2.1"), now_us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pause_doubles_from_a_second_to_a_minute),
#define TRIES_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TRIES_TEST(eighty_wrong_passwords_slow_the_next_and_lock_nobody_out),
		TRIES_TEST(who_goes_on_for_ever_has_one_try_a_minute),
		TRIES_TEST(wrong_passwords_of_others_cost_nothing_where_the_account_is_known),
		TRIES_TEST(one_network_slows_itself_and_no_other),
		TRIES_TEST(what_is_not_added_to_for_a_quarter_of_an_hour_is_forgotten),
		TRIES_TEST(a_known_place_is_one_for_thirty_days),
		TRIES_TEST(
			a_flood_of_made_up_addresses_takes_no_room_and_forgets_none_that_goes_on),
		TRIES_TEST(what_one_worker_saw_every_worker_knows_and_it_outlives_it),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
