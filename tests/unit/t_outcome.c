/* What is known about one call after its wave: all 64 cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "db/outcome.h"

#define WAVES 32

/* The wave whose members are the bits of `bits`, so that a loop meets each. */
static struct outcome_wave wave_of(unsigned bits)
{
	return (struct outcome_wave){
		.any_sent = (bits & 1) != 0,
		.sync_seen = (bits & 2) != 0,
		.failed = (bits & 4) != 0,
		.conn_ok = (bits & 8) != 0,
		.commit_doubt = (bits & 16) != 0,
	};
}

/* An error that is this call's own is an error of its wave: the other way is a broken invariant. */
static bool possible(const struct outcome_wave *wave, int own_error)
{
	return own_error == 0 || wave->failed;
}

static void exactly_one_wave_is_committed(void **state)
{
	int committed = 0;

	(void)state;
	for (unsigned bits = 0; bits < WAVES; bits++) {
		struct outcome_wave wave = wave_of(bits);

		for (int own = 0; own <= 1; own++) {
			if (!possible(&wave, own) || outcome_of(&wave, own) != OUTCOME_COMMITTED)
				continue;
			committed++;
			assert_true(wave.any_sent && wave.sync_seen && wave.conn_ok);
			assert_false(wave.failed || wave.commit_doubt);
		}
	}
	assert_int_equal(committed, 1);
}

static void rolled_back_needs_the_sync_and_a_good_connection(void **state)
{
	struct outcome_wave wave = {
		.any_sent = true, .sync_seen = true, .failed = true, .conn_ok = true};

	(void)state;
	assert_int_equal(outcome_of(&wave, true), OUTCOME_ROLLED_BACK);
	assert_int_equal(outcome_of(&wave, false), OUTCOME_NEIGHBOUR);
	wave.sync_seen = false;
	assert_int_equal(outcome_of(&wave, true), OUTCOME_UNKNOWN);
	assert_int_equal(outcome_of(&wave, false), OUTCOME_UNKNOWN);
	wave.sync_seen = true;
	wave.conn_ok = false;
	assert_int_equal(outcome_of(&wave, true), OUTCOME_UNKNOWN);
	assert_int_equal(outcome_of(&wave, false), OUTCOME_UNKNOWN);
}

static void what_was_never_sent_was_not_applied_whatever_else_is_seen(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < WAVES; bits++) {
		struct outcome_wave wave = wave_of(bits);

		wave.any_sent = false;
		for (int own = 0; own <= 1; own++)
			if (possible(&wave, own))
				assert_int_equal(outcome_of(&wave, own), OUTCOME_NOT_SENT);
	}
}

static void everything_else_is_unknown(void **state)
{
	int unknown = 0;

	(void)state;
	for (unsigned bits = 0; bits < WAVES; bits++) {
		struct outcome_wave wave = wave_of(bits);
		bool certain = wave.sync_seen && wave.conn_ok && !wave.commit_doubt;

		for (int own = 0; own <= 1; own++) {
			if (!possible(&wave, own) || !wave.any_sent || certain)
				continue;
			assert_int_equal(outcome_of(&wave, own), OUTCOME_UNKNOWN);
			unknown++;
		}
	}
	/* 14 of the 16 waves that were sent; the 7 that failed count twice. */
	assert_int_equal(unknown, 21);
}

static void every_outcome_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(outcome_name(OUTCOME_COMMITTED), "committed");
	assert_string_equal(outcome_name(OUTCOME_ROLLED_BACK), "rolled_back");
	assert_string_equal(outcome_name(OUTCOME_NEIGHBOUR), "neighbour");
	assert_string_equal(outcome_name(OUTCOME_NOT_SENT), "not_sent");
	assert_string_equal(outcome_name(OUTCOME_UNKNOWN), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_one_wave_is_committed),
		cmocka_unit_test(rolled_back_needs_the_sync_and_a_good_connection),
		cmocka_unit_test(what_was_never_sent_was_not_applied_whatever_else_is_seen),
		cmocka_unit_test(everything_else_is_unknown),
		cmocka_unit_test(every_outcome_has_its_name),
	};

	return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
