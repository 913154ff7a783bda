/*
 * The segment as a hostile writer leaves it: its file belongs to the service's user, and root and
 * other processes read it. Whatever it says, and whatever is done to it meanwhile, a reader neither
 * falls nor tells nonsense. Under the sanitizers this sees overflows too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/prometheus.h"
#include "report/series_json.h"
#include "report/status_json.h"
#include "report/status_page.h"
#include "stats/alert.h"
#include "stats_fixture.h"
#include "tool/life.h"
#include "tool/view.h"

#define SEEDS 24

static uint64_t dice;

/* Marsaglia's xorshift: the same numbers everywhere. */
static uint64_t roll(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice;
}

/* What a word may say to do harm. */
static uint64_t evil_word(void)
{
	static const uint64_t words[] = {
		0,
		1,
		UINT64_MAX,
		INT64_MAX,
		(uint64_t)INT64_MIN,
		UINT32_MAX,
		INT32_MAX,
		UINT64_C(0x8000000080000000),
		UINT64_C(0x7fffffff7fffffff),
		UINT64_C(0x2222222222222222), /* quotes */
		UINT64_C(0x5c5c5c5c5c5c5c5c), /* backslashes */
		UINT64_C(0x0a0a0a0a0a0a0a0a),
		UINT64_C(0xc3c3c3c3c3c3c3c3),
		1000,
	};
	const uint64_t n = roll();

	return n % 4 == 0 ? roll() : words[n / 4 % ARRAY_LEN(words)];
}

/* All of the file past the header, with every second word left alone in some rounds, so that records
 * hold whose words are bad. */
static void spoil(uint64_t *words, size_t count, unsigned seed)
{
	dice = 0x9e3779b97f4a7c15u * (seed + 1);
	for (size_t i = 0; i < count; i++)
		if (seed % 3 == 0 || roll() % 3 != 0)
			words[i] = evil_word();
	/* Change counts that are even, or nothing but them would be looked at. */
	if (seed % 2 == 0)
		for (size_t i = 0; i < count; i += 8)
			words[i] &= ~UINT64_C(1);
}

static size_t file_bytes(const struct fixture *fixture)
{
	struct stat st;

	assert_int_equal(stat(fixture->path, &st), 0);
	return (size_t)st.st_size;
}

static void spoil_file(const struct fixture *fixture, unsigned seed)
{
	const size_t at = sizeof(struct segment_header);
	const size_t bytes = file_bytes(fixture) - at;
	uint64_t *words = mem_zero(bytes);
	int fd = open(fixture->path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, words, bytes, (off_t)at), (ssize_t)bytes);
	spoil(words, bytes / sizeof(*words), seed);
	assert_int_equal(pwrite(fd, words, bytes, (off_t)at), (ssize_t)bytes);
	assert_int_equal(close(fd), 0);
	free(words);
}

/* ---- readers --------------------------------------------------------------------------------- */

static bool is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '\n' && (*text < ' ' || *text > '~'))
			return false;
	return true;
}

static void tell_as_json(const struct snapshot *snapshot, const struct window *window)
{
	struct buf out = {0};
	struct json_object *root;

	status_json(&out, snapshot, window);
	assert_true(is_plain(buf_cstr(&out)));
	root = json_tokener_parse(buf_cstr(&out));
	assert_non_null(root);
	json_object_put(root);
	buf_free(&out);
}

static void tell_as_metrics(const struct snapshot *snapshot)
{
	struct buf out = {0};

	prometheus_write(&out, snapshot, PROMETHEUS_TEXT);
	assert_true(is_plain(buf_cstr(&out)));
	buf_reset(&out);
	prometheus_write(&out, snapshot, PROMETHEUS_OPENMETRICS);
	assert_true(is_plain(buf_cstr(&out)));
	buf_free(&out);
}

static void tell_as_page(const struct snapshot *snapshot, const struct window *window)
{
	struct series *series = series_new();
	struct buf out = {0};

	for (int i = 0; i < 2; i++) {
		struct snapshot later = *snapshot;

		later.taken_us += i * 60 * CLOCK_S;
		series_add(series, &later, clock_wall_us());
	}
	series_json(&out, series, 0);
	assert_true(is_plain(buf_cstr(&out)));
	status_page_write(&out, &(struct status_page_view){.snapshot = snapshot,
					.window = window,
					.series = series,
					.wall_us = clock_wall_us()});
	assert_non_null(strstr(buf_cstr(&out), "</html>"));
	series_free(&series);
	buf_free(&out);
}

/* As `cardkeep top` and `cardkeep status` do. */
static void tell_as_tool(const struct segment *segment, const struct window_sums *recent)
{
	struct snapshot *before = snapshot_take(segment, clock_mono_us());
	struct snapshot *now = snapshot_take(segment, clock_mono_us() + CLOCK_S);
	const struct view view = {0};
	struct page page = {0};
	struct buf out = {0};

	view_make(&page, &view, now, before, recent);
	assert_true(page.count > 0);
	life_describe(&out, now);
	assert_true(out.len > 0);
	buf_free(&out);
	page_free(&page);
	snapshot_free(&before);
	snapshot_free(&now);
}

static void check(const struct snapshot *snapshot)
{
	assert_int_equal(snapshot->process_count, 4);
	assert_int_equal(snapshot->thread_count, 3);
	assert_true(snapshot_sum(snapshot, STATS_REQUESTS_IN_FLIGHT) <=
		    snapshot_sum(snapshot, STATS_REQUESTS_STARTED));
	for (size_t i = 0; i < snapshot->event_count; i++) {
		assert_true(snapshot->events[i].kind < STATS_EVENT_KIND_COUNT);
		assert_true(snapshot->events[i].route < STATS_ROUTE_COUNT);
		assert_true(snapshot->events[i].at_wall_us > 0);
		assert_true(snapshot->events[i].delay_us >= 0);
	}
}

/* Everything that is ever made of a segment. */
static void look_at_all(const struct segment *segment)
{
	const int64_t lengths_us[WINDOW_COUNT] = {CLOCK_S, 2 * CLOCK_S, 3 * CLOCK_S};
	struct window *window = window_new(lengths_us);
	struct snapshot *snapshot = snapshot_take(segment, clock_mono_us());
	struct window_sums recent;

	check(snapshot);
	snapshot_measure(snapshot);
	window_add(window, snapshot);
	window_recent(window, WINDOW_MAIN, snapshot, &recent);
	tell_as_json(snapshot, window);
	tell_as_metrics(snapshot);
	tell_as_page(snapshot, window);
	tell_as_tool(segment, &recent);
	snapshot_free(&snapshot);
	window_free(&window);
}

/* ---- what is written ------------------------------------------------------------------------- */

static void whatever_the_words_say_a_reader_tells_something_sound(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct segment *reader = NULL;

		spoil_file(fixture, seed);
		assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_OK);
		look_at_all(reader);
		assert_true(segment_whole(reader));
		segment_close(&reader);
	}
}

/* The supervisor and the status process have it mapped; the supervisor also writes into it. */
static void whatever_a_worker_writes_the_supervisor_goes_on(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		spoil_file(fixture, seed);
		look_at_all(fixture->segment);
		for (size_t p = 0; p < 4; p++) {
			segment_worker_end(fixture->segment, p);
			segment_worker_restart(fixture->segment, p, STATS_RESTART_CRASH);
			segment_worker_free(fixture->segment, p);
			segment_worker_start(fixture->segment, p, seed, clock_mono_us());
		}
		assert_true(segment_log_level(fixture->segment) < LOG_LEVEL_COUNT);
		look_at_all(fixture->segment);
	}
}

static void write_at(const struct fixture *fixture, size_t at, uint64_t value, size_t bytes)
{
	int fd = open(fixture->path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, bytes, (off_t)at), (ssize_t)bytes);
	assert_int_equal(close(fd), 0);
}

/* The room was taken by the first number, and filled by the second. */
static void a_header_that_changes_after_it_was_judged_changes_nothing(void **state)
{
	static const size_t places[] = {offsetof(struct segment_header, processes),
		offsetof(struct segment_header, threads)};
	static const uint32_t numbers[] = {0, 1, 2, 64, 128, 4096, INT32_MAX, UINT32_MAX};
	struct fixture *fixture = *state;
	struct segment *reader = NULL;

	assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_OK);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		for (size_t n = 0; n < ARRAY_LEN(numbers); n++) {
			write_at(fixture, places[i], numbers[n], sizeof(numbers[n]));
			look_at_all(reader);
			look_at_all(fixture->segment);
		}
	}
	segment_close(&reader);
}

/* A header is refused, or what it says is true of the file. */
static void a_header_of_any_words_is_refused_or_read_in_bounds(void **state)
{
	struct fixture *fixture = *state;

	for (size_t at = 0; at < sizeof(struct segment_header); at += sizeof(uint32_t)) {
		for (unsigned seed = 0; seed < 6; seed++) {
			struct segment *reader = NULL;

			segment_close(&fixture->segment);
			fixture_make(fixture);
			dice = at * 1000 + seed + 1;
			write_at(fixture, at, evil_word(), sizeof(uint32_t));
			if (segment_attach(fixture->path, &reader) == SEGMENT_OK)
				look_at_all(reader);
			segment_close(&reader);
		}
	}
}

static void a_file_that_is_cut_while_it_is_read_is_zeros_and_no_signal(void **state)
{
	struct fixture *fixture = *state;
	const size_t bytes = file_bytes(fixture);
	const size_t cuts[] = {0, 1, 128, 700, 832, 1600, bytes / 2, bytes - 128};

	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		struct segment *reader = NULL;

		segment_close(&fixture->segment);
		fixture_make(fixture);
		assert_int_equal(segment_attach(fixture->path, &reader), SEGMENT_OK);
		look_at_all(reader);
		assert_true(segment_whole(reader));
		/* Not the fixture's mapping: that is the service's own, which its sandbox guards. */
		segment_close(&fixture->segment);
		assert_int_equal(truncate(fixture->path, (off_t)cuts[i]), 0);
		look_at_all(reader);
		assert_false(segment_whole(reader));
		segment_close(&reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(whatever_the_words_say_a_reader_tells_something_sound),
		FIXTURE_TEST(whatever_a_worker_writes_the_supervisor_goes_on),
		FIXTURE_TEST(a_header_that_changes_after_it_was_judged_changes_nothing),
		FIXTURE_TEST(a_header_of_any_words_is_refused_or_read_in_bounds),
		FIXTURE_TEST(a_file_that_is_cut_while_it_is_read_is_zeros_and_no_signal),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
