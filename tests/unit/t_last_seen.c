/* Who was here: what is handed on, how often, and in what form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/last_seen.h"

#define START_US (1000 * CLOCK_S)

/* A hash that differs from all others in the bytes that the table goes by. */
static const uint8_t *hash_of(uint64_t number)
{
	static uint8_t hash[LAST_SEEN_HASH_BYTES];

	memset(hash, 0xab, sizeof(hash));
	memcpy(hash, &number, sizeof(number));
	return hash;
}

static size_t taken(struct last_seen *seen, int64_t now_us)
{
	struct buf out = {0};
	size_t count = 0;

	last_seen_take(seen, &out, now_us);
	for (const char *p = buf_cstr(&out); (p = strstr(p, "\\\\x")) != NULL; p++)
		count++;
	buf_free(&out);
	return count;
}

static void whoever_comes_again_within_a_minute_is_handed_on_once(void **state)
{
	struct last_seen *seen = last_seen_new();

	(void)state;
	for (int64_t at_us = 0; at_us < LAST_SEEN_GRAIN_US; at_us += CLOCK_S)
		last_seen_note(seen, hash_of(1), START_US + at_us);
	assert_int_equal(taken(seen, START_US + LAST_SEEN_GRAIN_US), 1);
	last_seen_note(seen, hash_of(1), START_US + LAST_SEEN_GRAIN_US - 1);
	assert_false(last_seen_any(seen));
	last_seen_note(seen, hash_of(1), START_US + LAST_SEEN_GRAIN_US);
	assert_int_equal(taken(seen, START_US + LAST_SEEN_GRAIN_US), 1);
	last_seen_free(&seen);
}

static void a_batch_is_due_when_its_first_has_waited(void **state)
{
	struct last_seen *seen = last_seen_new();

	(void)state;
	assert_false(last_seen_due(seen, START_US));
	last_seen_note(seen, hash_of(1), START_US);
	last_seen_note(seen, hash_of(2), START_US + LAST_SEEN_WAIT_US - 1);
	assert_false(last_seen_due(seen, START_US + LAST_SEEN_WAIT_US - 1));
	assert_true(last_seen_due(seen, START_US + LAST_SEEN_WAIT_US));
	assert_int_equal(taken(seen, START_US + LAST_SEEN_WAIT_US), 2);
	assert_false(last_seen_due(seen, START_US + 2 * LAST_SEEN_WAIT_US));
	last_seen_free(&seen);
}

static void a_full_batch_is_due_at_once_but_not_right_after_another(void **state)
{
	struct last_seen *seen = last_seen_new();
	int64_t now_us = START_US;

	(void)state;
	for (uint64_t i = 0; i < LAST_SEEN_BATCH; i++)
		last_seen_note(seen, hash_of(i), now_us);
	assert_true(last_seen_due(seen, now_us));
	assert_int_equal(taken(seen, now_us), LAST_SEEN_BATCH);
	for (uint64_t i = 0; i < LAST_SEEN_BATCH; i++)
		last_seen_note(seen, hash_of(LAST_SEEN_BATCH + i), now_us);
	assert_false(last_seen_due(seen, now_us + LAST_SEEN_PAUSE_US - 1));
	assert_true(last_seen_due(seen, now_us + LAST_SEEN_PAUSE_US));
	last_seen_free(&seen);
}

static void who_found_no_room_is_handed_on_the_next_time(void **state)
{
	struct last_seen *seen = last_seen_new();

	(void)state;
	for (uint64_t i = 0; i < LAST_SEEN_BATCH + 1; i++)
		last_seen_note(seen, hash_of(i), START_US);
	assert_int_equal(taken(seen, START_US), LAST_SEEN_BATCH);
	for (uint64_t i = 0; i < LAST_SEEN_BATCH + 1; i++)
		last_seen_note(seen, hash_of(i), START_US + 1);
	assert_int_equal(taken(seen, START_US + 1), 1);
	last_seen_free(&seen);
}

/* Numbers that share a place in the table: only who was seen longest ago is forgotten. */
static void where_the_table_is_full_the_oldest_gives_way(void **state)
{
	const uint64_t stride = 1 << 20;
	struct last_seen *seen = last_seen_new();

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		last_seen_note(seen, hash_of(i * stride), START_US + (int64_t)i);
	assert_int_equal(taken(seen, START_US), 5);
	for (uint64_t i = 1; i < 5; i++)
		last_seen_note(seen, hash_of(i * stride), START_US + 10);
	assert_false(last_seen_any(seen));
	last_seen_note(seen, hash_of(0), START_US + 10);
	assert_int_equal(taken(seen, START_US + 10), 1);
	last_seen_free(&seen);
}

static void the_text_is_that_of_an_array(void **state)
{
	static const char hex[] = "0100000000000000"
				  "abababababababababababababababababababababababab";
	struct last_seen *seen = last_seen_new();
	struct buf out = {0};
	struct buf wanted = {0};

	(void)state;
	last_seen_take(seen, &out, START_US);
	assert_string_equal(buf_cstr(&out), "{}");
	buf_reset(&out);
	last_seen_note(seen, hash_of(1), START_US);
	last_seen_note(seen, hash_of(2), START_US);
	last_seen_take(seen, &out, START_US);
	buf_printf(&wanted, "{\"\\\\x%s\",\"\\\\x02%s\"}", hex, hex + 2);
	assert_string_equal(buf_cstr(&out), buf_cstr(&wanted));
	buf_free(&out);
	buf_free(&wanted);
	last_seen_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_comes_again_within_a_minute_is_handed_on_once),
		cmocka_unit_test(a_batch_is_due_when_its_first_has_waited),
		cmocka_unit_test(a_full_batch_is_due_at_once_but_not_right_after_another),
		cmocka_unit_test(who_found_no_room_is_handed_on_the_next_time),
		cmocka_unit_test(where_the_table_is_full_the_oldest_gives_way),
		cmocka_unit_test(the_text_is_that_of_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
