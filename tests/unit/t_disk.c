/* The disk guard: when it is read-only, and what the segment says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "stats_fixture.h"
#include "supervisor/disk.h"

static struct segment_disk with_free(uint64_t promille)
{
	return (struct segment_disk){.free_bytes = promille << 40, .size_bytes = 1000ULL << 40};
}

/* As it fills and empties again: a long way, step by step. */
static void read_only_begins_at_its_share_and_ends_one_point_above(void **state)
{
	static const struct {
		uint64_t promille;
		bool read_only;
	} steps[] = {
		{60, false},
		{51, false},
		{50, true},
		{51, true}, /* the little that was freed is used up at once */
		{49, true},
		{59, true},
		{60, false},
		{51, false},
		{50, true},
		{0, true},
		{1000, false},
	};
	bool now = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct segment_disk seen = with_free(steps[i].promille);

		now = disk_judge(&seen, now, 5);
		assert_int_equal(now, steps[i].read_only);
	}
}

static void at_0_it_never_is_and_at_100_it_always_is(void **state)
{
	const struct segment_disk full = with_free(0);
	const struct segment_disk empty = with_free(1000);
	const struct segment_disk unseen = {0};

	(void)state;
	assert_false(disk_judge(&full, false, 0));
	assert_false(disk_judge(&full, true, 0));
	assert_true(disk_judge(&empty, false, 100));
	assert_true(disk_judge(&empty, true, 100));
	assert_false(disk_judge(&unseen, false, 100));
}

static void what_has_no_room_to_tell_of_is_refused(void **state)
{
	char why[128] = "";

	(void)state;
	assert_true(disk_try("", why, sizeof(why)));
	assert_true(disk_try("/", why, sizeof(why)));
	assert_string_equal(why, "");
	assert_false(disk_try("/no/such/place", why, sizeof(why)));
	assert_string_equal(why, "disk_path: /no/such/place: No such file or directory");
	assert_false(disk_try("/proc", why, sizeof(why)));
	assert_string_equal(why, "disk_path: /proc: No such device");
}

/* A real directory, which then is gone. */
static void a_tick_tells_the_segment_and_what_is_unseen_leaves_the_mode(void **state)
{
	struct fixture *fixture = *state;
	struct disk disk = {0};
	struct segment_disk told;

	log_set_level(LOG_LEVEL_ERROR);
	disk_tick(&disk, "", 100, fixture->segment);
	told = segment_disk(fixture->segment);
	assert_int_equal(told.size_bytes, 0);
	assert_false(segment_read_only(fixture->segment));
	disk_tick(&disk, fixture->dir, 0, fixture->segment);
	told = segment_disk(fixture->segment);
	assert_true(told.size_bytes > 0 && told.free_bytes <= told.size_bytes);
	assert_false(told.read_only);
	disk_tick(&disk, fixture->dir, 100, fixture->segment);
	assert_true(segment_read_only(fixture->segment));
	disk_tick(&disk, "/no/such/place", 5, fixture->segment);
	told = segment_disk(fixture->segment);
	assert_int_equal(told.size_bytes, 0);
	assert_true(told.read_only);
	disk_tick(&disk, fixture->dir, 0, fixture->segment);
	assert_false(segment_read_only(fixture->segment));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_only_begins_at_its_share_and_ends_one_point_above),
		cmocka_unit_test(at_0_it_never_is_and_at_100_it_always_is),
		cmocka_unit_test(what_has_no_room_to_tell_of_is_refused),
		cmocka_unit_test_setup_teardown(
			a_tick_tells_the_segment_and_what_is_unseen_leaves_the_mode, fixture_setup,
			fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
