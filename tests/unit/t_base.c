/* The ground: buffers, arena, clock arithmetic, UUIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"

static void a_buffer_grows_and_stays_terminated(void **state)
{
	struct buf buf = {0};

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%03d,", i);
	assert_int_equal(buf.len, 4000);
	assert_memory_equal(buf.data, "000,001,", 8);
	assert_string_equal(buf.data + 3996, "999,");
	buf_reset(&buf);
	assert_string_equal(buf_cstr(&buf), "");
	buf_free(&buf);
	assert_null(buf.data);
}

static void an_arena_keeps_every_piece_until_it_is_freed(void **state)
{
	struct mem_arena arena = {0};
	char *pieces[500];

	(void)state;
	for (int i = 0; i < 500; i++)
		pieces[i] = mem_arena_printf(&arena, "piece %d of an arena", i);
	for (int i = 0; i < 500; i++) {
		char want[64];

		snprintf(want, sizeof(want), "piece %d of an arena", i);
		assert_string_equal(pieces[i], want);
		assert_int_equal((uintptr_t)pieces[i] % sizeof(long), 0);
	}
	memset(mem_arena_alloc(&arena, 1 << 20), 7, 1 << 20);
	mem_arena_free(&arena);
	assert_null(arena.chunks);
	mem_arena_free(&arena);
}

static void waits_round_up_and_never_go_negative(void **state)
{
	(void)state;
	assert_int_equal(clock_wait_ms(1000, 1000), 0);
	assert_int_equal(clock_wait_ms(1000, 999), 0);
	assert_int_equal(clock_wait_ms(1000, 1001), 1);
	assert_int_equal(clock_wait_ms(1000, 2000), 1);
	assert_int_equal(clock_wait_ms(1000, 2001), 2);
	assert_int_equal(clock_wait_ms(0, INT64_MAX / 2), INT32_MAX);
	assert_true(clock_mono_us() > 0);
	assert_true(clock_wall_us() > INT64_C(1700000000) * CLOCK_S);
}

static void a_wall_clock_time_is_told_as_rfc_3339(void **state)
{
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	clock_text(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	clock_text(INT64_C(1769860800123456), text);
	assert_string_equal(text, "2026-01-31T12:00:00.123456Z");
}

static void uuids_are_read_in_both_forms_and_written_in_one(void **state)
{
	static const char *bad[] = {"", "0", "6F9619FF-8B86-D011-B42D-00C04FC964F",
		"6F9619FF-8B86-D011-B42D-00C04FC964FG", "6F9619FF+8B86-D011-B42D-00C04FC964FF",
		"6F9619FF8B86-D011-B42D-00C04FC964FF-", "6F9619FF8B86D011B42D00C04FC964F ",
		"{F9619FF-8B86-D011-B42D-00C04FC964F}"};
	struct uuid uuid = {{0}};
	char text[UUID_TEXT_BYTES];

	(void)state;
	assert_true(uuid_parse("6F9619FF-8B86-D011-B42D-00C04FC964FF", 36, &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "6f9619ff-8b86-d011-b42d-00c04fc964ff");
	assert_true(uuid_parse("000102030405060708090a0b0c0d0e0f", 32, &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(uuid_parse(bad[i], strlen(bad[i]), &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

static void log_levels_are_read_by_name(void **state)
{
	enum log_level level = LOG_LEVEL_WARN;

	(void)state;
	assert_false(log_level_parse("loud", &level));
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_true(log_enabled(LOG_LEVEL_INFO));
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(an_arena_keeps_every_piece_until_it_is_freed),
		cmocka_unit_test(waits_round_up_and_never_go_negative),
		cmocka_unit_test(uuids_are_read_in_both_forms_and_written_in_one),
		cmocka_unit_test(log_levels_are_read_by_name),
		cmocka_unit_test(a_wall_clock_time_is_told_as_rfc_3339),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
