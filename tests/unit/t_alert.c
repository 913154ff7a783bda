/* Alerts: from what was counted to a reading, and from readings and time to a state. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "stats/alert.h"

/* ---- judging --------------------------------------------------------------------------------- */

/* above 5 % clear 3 % for 10 s; repeated after 100 s */
static const struct rule rule = {.on = true, .raise = 0.05, .clear = 0.03, .for_us = 10 * CLOCK_S};
static const struct rule at_once = {.on = true};
static const struct rule is_off = {.on = false};

#define REPEAT_US (100 * CLOCK_S)

enum { NOTHING = -1, UNSEEN = -2 }; /* no events; no sight */

/* One step: at a time, a value in per cent of so many events, and what comes of it. */
struct step {
	int64_t at_s;
	int percent;
	bool enough;
	enum alert_change want;
	enum stats_alert_state state;
};

static void play(
	enum alert_kind kind, const struct rule *by, const struct step *steps, size_t count)
{
	struct alert alert = {0};

	for (size_t i = 0; i < count; i++) {
		const struct step *step = &steps[i];
		const struct alert_reading reading = {.known = step->percent >= 0,
			.value = step->percent / 100.0,
			.enough = step->enough};
		const enum alert_change got =
			alert_step(&alert, kind, by, &reading, REPEAT_US, step->at_s * CLOCK_S);

		if (got != step->want || alert.state != step->state)
			fail_msg("step %zu at %d s: change %d, state %d", i, (int)step->at_s, got,
				alert.state);
	}
}

#define OK      STATS_ALERT_STATE_OK
#define PENDING STATS_ALERT_STATE_PENDING
#define FIRING  STATS_ALERT_STATE_FIRING

static void beyond_its_threshold_for_its_time_it_fires_and_below_the_lower_one_it_clears(
	void **state)
{
	static const struct step steps[] = {
		{0, 1, true, ALERT_SAME, OK},
		{1, 5, true, ALERT_SAME, OK}, /* at the threshold is not beyond it */
		{2, 6, true, ALERT_PENDS, PENDING}, {11, 6, true, ALERT_SAME, PENDING},
		{12, 6, true, ALERT_FIRES, FIRING}, {13, 50, true, ALERT_SAME, FIRING},
		{14, 4, true, ALERT_SAME, FIRING}, /* between the two: as it was */
		{15, 3, true, ALERT_CLEARS, OK},
		{16, 4, true, ALERT_SAME, OK}, /* between the two: as it was */
	};

	(void)state;
	play(ALERT_RATE, &rule, steps, ARRAY_LEN(steps));
}

static void a_value_that_returns_in_time_never_fires_and_its_time_begins_anew(void **state)
{
	static const struct step steps[] = {
		{0, 6, true, ALERT_PENDS, PENDING},
		{9, 6, true, ALERT_SAME, PENDING},
		{10, 4, true, ALERT_SUBSIDES, OK},
		{11, 6, true, ALERT_PENDS, PENDING},
		{20, 6, true, ALERT_SAME, PENDING},
		{21, 6, true, ALERT_FIRES, FIRING},
	};

	(void)state;
	play(ALERT_RATE, &rule, steps, ARRAY_LEN(steps));
}

static void a_share_of_few_events_raises_nothing_but_may_keep_it_firing(void **state)
{
	static const struct step steps[] = {
		{0, 100, false, ALERT_SAME, OK},
		{100, 100, false, ALERT_SAME, OK},
		{101, 100, true, ALERT_PENDS, PENDING},
		{105, 100, false, ALERT_SUBSIDES, OK},
		{106, 100, true, ALERT_PENDS, PENDING},
		{116, 100, true, ALERT_FIRES, FIRING},
		{117, 100, false, ALERT_SAME, FIRING},
		{118, 1, false, ALERT_CLEARS, OK},
	};

	(void)state;
	play(ALERT_RATE, &rule, steps, ARRAY_LEN(steps));
}

static void a_share_of_nothing_clears(void **state)
{
	static const struct step steps[] = {
		{0, NOTHING, false, ALERT_SAME, OK},
		{1, 6, true, ALERT_PENDS, PENDING},
		{2, NOTHING, false, ALERT_SUBSIDES, OK},
		{3, 6, true, ALERT_PENDS, PENDING},
		{13, 6, true, ALERT_FIRES, FIRING},
		{14, NOTHING, false, ALERT_CLEARS, OK},
	};

	(void)state;
	play(ALERT_RATE, &rule, steps, ARRAY_LEN(steps));
}

static void what_cannot_be_seen_stays_as_it_is(void **state)
{
	static const struct step steps[] = {
		{0, UNSEEN, false, ALERT_SAME, OK},
		{1, 6, true, ALERT_PENDS, PENDING},
		{20, UNSEEN, false, ALERT_SAME, PENDING},
		{21, 6, true, ALERT_FIRES, FIRING},
		{200, UNSEEN, false, ALERT_SAME, FIRING},
		{201, 0, true, ALERT_CLEARS, OK},
	};

	(void)state;
	play(ALERT_STATE, &rule, steps, ARRAY_LEN(steps));
}

static void without_a_time_it_fires_at_once(void **state)
{
	static const struct step steps[] = {
		{0, 0, true, ALERT_SAME, OK},
		{1, 100, true, ALERT_FIRES, FIRING},
		{2, 0, true, ALERT_CLEARS, OK},
		{3, 300, true, ALERT_FIRES, FIRING},
	};

	(void)state;
	play(ALERT_COUNT, &at_once, steps, ARRAY_LEN(steps));
}

static void what_goes_on_firing_is_repeated_and_a_new_firing_counts_anew(void **state)
{
	static const struct step steps[] = {
		{0, 100, true, ALERT_FIRES, FIRING},
		{99, 100, true, ALERT_SAME, FIRING},
		{100, 100, true, ALERT_REPEATS, FIRING},
		{199, 100, true, ALERT_SAME, FIRING},
		{205, 100, true, ALERT_REPEATS, FIRING},
		{210, 0, true, ALERT_CLEARS, OK},
		{211, 100, true, ALERT_FIRES, FIRING},
		{305, 100, true, ALERT_SAME, FIRING},
		{311, 100, true, ALERT_REPEATS, FIRING},
	};

	(void)state;
	play(ALERT_COUNT, &at_once, steps, ARRAY_LEN(steps));
}

static void it_remembers_since_when_and_how_often(void **state)
{
	const struct alert_reading bad = {.known = true, .value = 1, .enough = true};
	const struct alert_reading good = {.known = true, .value = 0, .enough = true};
	struct alert alert = {0};

	(void)state;
	for (int64_t i = 1; i <= 3; i++) {
		assert_int_equal(
			alert_step(&alert, ALERT_COUNT, &at_once, &bad, 0, 10 * i), ALERT_FIRES);
		assert_int_equal(alert.since_us, 10 * i);
		assert_int_equal(alert.fired, i);
		/* Never repeated: that is what 0 means. */
		assert_int_equal(
			alert_step(&alert, ALERT_COUNT, &at_once, &bad, 0, INT64_MAX), ALERT_SAME);
		assert_int_equal(alert_step(&alert, ALERT_COUNT, &at_once, &good, 0, 10 * i + 5),
			ALERT_CLEARS);
		assert_int_equal(alert.since_us, 10 * i + 5);
	}
}

static void an_alert_that_is_off_is_never_raised_and_one_turned_off_clears(void **state)
{
	static const struct step steps[] = {
		{0, 100, true, ALERT_SAME, OK},
		{100, UNSEEN, true, ALERT_SAME, OK},
	};
	static const enum alert_kind kinds[] = {ALERT_RATE, ALERT_COUNT, ALERT_STATE};
	const struct alert_reading bad = {.known = true, .value = 1, .enough = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct alert alert = {.state = FIRING};

		play(kinds[i], &is_off, steps, ARRAY_LEN(steps));
		assert_int_equal(alert_step(&alert, kinds[i], &is_off, &bad, 0, 5), ALERT_CLEARS);
	}
}

static void a_rule_may_look_below_a_number(void **state)
{
	static const struct rule low = {
		.on = true, .below = true, .raise = 0.95, .clear = 0.97, .for_us = CLOCK_S};
	static const struct step steps[] = {
		{0, 100, true, ALERT_SAME, OK},
		{1, 95, true, ALERT_SAME, OK},
		{2, 94, true, ALERT_PENDS, PENDING},
		{3, 94, true, ALERT_FIRES, FIRING},
		{4, 96, true, ALERT_SAME, FIRING},
		{5, 97, true, ALERT_CLEARS, OK},
	};

	(void)state;
	play(ALERT_RATE, &low, steps, ARRAY_LEN(steps));
}

/* A change of the configuration between two steps is nothing special. */
static void a_new_threshold_holds_from_the_next_step_on(void **state)
{
	static const struct rule strict = {.on = true, .raise = 0.01, .clear = 0.01};
	const struct alert_reading reading = {.known = true, .value = 0.02, .enough = true};
	struct alert alert = {0};

	(void)state;
	assert_int_equal(alert_step(&alert, ALERT_RATE, &rule, &reading, 0, 1), ALERT_SAME);
	assert_int_equal(alert_step(&alert, ALERT_RATE, &strict, &reading, 0, 2), ALERT_FIRES);
	assert_int_equal(alert_step(&alert, ALERT_RATE, &rule, &reading, 0, 3), ALERT_CLEARS);
}

/* ---- reading --------------------------------------------------------------------------------- */

#define NOW     (1000 * CLOCK_S)
#define STARTED (NOW - 60 * CLOCK_S)
#define WORKERS 2
#define THREADS 2

/* Two ready workers of two connected threads that turn, and nothing counted. */
struct fixture {
	struct snapshot now;
	struct snapshot_process processes[WORKERS];
	struct snapshot_thread threads[WORKERS][THREADS];
	struct window_sums sums;
	struct window_sums recent;
};

static struct fixture f;

static void quiet(void)
{
	memset(&f, 0, sizeof(f));
	f.now.taken_us = NOW;
	f.now.process_count = WORKERS;
	f.now.thread_count = THREADS;
	f.now.processes = f.processes;
	f.now.cells[STATS_AT_THREADS] = WORKERS * THREADS;
	for (size_t p = 0; p < WORKERS; p++) {
		f.processes[p].state = STATS_WORKER_READY;
		f.processes[p].started_us = STARTED;
		f.processes[p].heartbeat_us = NOW - CLOCK_S / 2;
		f.processes[p].threads = f.threads[p];
		for (size_t t = 0; t < THREADS; t++)
			f.threads[p][t].connection = STATS_CONNECTION_OPEN;
	}
}

static struct alert_reading read_now(enum stats_alert id)
{
	const struct alert_view view = {
		.now = &f.now, .sums = &f.sums, .recent = &f.recent, .min_events = 20};

	return alert_read(id, &view);
}

static void expect(enum stats_alert id, double value, bool enough)
{
	const struct alert_reading got = read_now(id);

	assert_true(got.known);
	assert_float_equal(got.value, value, 1e-9);
	assert_int_equal(got.enough, enough);
}

static void a_service_that_does_nothing_gives_no_reason_for_alarm(void **state)
{
	(void)state;
	quiet();
	for (int i = 0; i < STATS_ALERT_COUNT; i++) {
		const struct alert_reading got = read_now((enum stats_alert)i);

		assert_true(!got.known || got.value == 0);
	}
}

static void each_share_has_its_parts_and_its_least_number_of_events(void **state)
{
	uint64_t *cells = f.sums.cells;

	(void)state;
	quiet();
	cells[STATS_AT_VERSION_CONFLICTS + STATS_ENTITY_PERSONAL] = 1;
	cells[STATS_AT_UPDATES + STATS_ENTITY_CARD] = 17;
	cells[STATS_AT_MERGES + STATS_ENTITY_CARD] = 1;
	expect(STATS_ALERT_VERSION_CONFLICT_RATE_HIGH, 1.0 / 19, false);
	cells[STATS_AT_MERGES + STATS_ENTITY_CARD] = 2;
	expect(STATS_ALERT_VERSION_CONFLICT_RATE_HIGH, 1.0 / 20, true);
	cells[STATS_AT_RETRIED_OPERATIONS + STATS_OUTCOME_ANSWERED] = 30;
	cells[STATS_AT_RETRIED_OPERATIONS + STATS_OUTCOME_FAILED] = 10;
	expect(STATS_ALERT_RETRY_SUCCESS_LOW, 0.75, true);
	cells[STATS_AT_REQUESTS_SHED + STATS_SHED_LATE] = 2;
	cells[STATS_AT_REQUESTS_SHED + STATS_SHED_HASH_QUEUE] = 1;
	cells[STATS_AT_REQUESTS_STARTED] = 30;
	expect(STATS_ALERT_REQUESTS_SHED, 0.1, true);
	cells[STATS_AT_LOGINS + STATS_LOGIN_OK] = 5;
	cells[STATS_AT_LOGINS + STATS_LOGIN_SHED] = 5;
	cells[STATS_AT_LOGINS + STATS_LOGIN_REFUSED] = 6;
	cells[STATS_AT_LOGINS + STATS_LOGIN_SLOWED] = 4;
	expect(STATS_ALERT_SIGN_INS_REFUSED, 0.5, true);
	cells[STATS_AT_REQUESTS_LIMITED + STATS_LIMIT_TIME] = 6;
	expect(STATS_ALERT_CALLER_DOMINATES, 0.2, true);
	cells[STATS_AT_WAVE_SPLITS + STATS_SQLSTATE_23] = 1;
	cells[STATS_AT_WAVE_SIZE + 1] = 4;
	expect(STATS_ALERT_WAVE_SPLITS, 0.25, false);
}

static void each_count_counts_what_its_name_says(void **state)
{
	uint64_t *cells = f.sums.cells;

	(void)state;
	quiet();
	cells[STATS_AT_SLUG_FAILURES] = 1;
	expect(STATS_ALERT_SLUG_GENERATION_FAILING, 1, true);
	cells[STATS_AT_OPERATIONS_EXCESSIVE] = 2;
	expect(STATS_ALERT_RETRY_ATTEMPTS_EXCESSIVE, 2, true);
	cells[STATS_AT_DB_CALLS_FAILED + STATS_FUNCTION_READ_CARD] = 1;
	cells[STATS_AT_DB_CALLS_FAILED + STATS_FUNCTION_CREATE_CARD] = 2;
	expect(STATS_ALERT_CALLS_FAILING, 3, true);
	cells[STATS_AT_COMMITS_UNCONFIRMED] = 4;
	expect(STATS_ALERT_COMMITS_UNCONFIRMED, 4, true);
	/* Reloads are no crashes. */
	for (size_t i = 0; i < STATS_RESTART_COUNT; i++)
		cells[STATS_AT_WORKER_RESTARTS + i] = i == STATS_RESTART_RELOAD ? 100 : 1;
	expect(STATS_ALERT_WORKERS_CRASHING, STATS_RESTART_COUNT - 1, true);
}

static void the_database_is_judged_by_running_workers_that_have_tried_it(void **state)
{
	(void)state;
	quiet();
	expect(STATS_ALERT_DATABASE_UNREACHABLE, 0, true);
	f.threads[0][0].connection = STATS_CONNECTION_CLOSED;
	expect(STATS_ALERT_DATABASE_UNREACHABLE, 0.25, true);
	f.threads[0][1].connection = STATS_CONNECTION_UNUSED;
	expect(STATS_ALERT_DATABASE_UNREACHABLE, 1.0 / 3, true);
	f.processes[1].heartbeat_us = NOW - 3 * CLOCK_S; /* stopped */
	expect(STATS_ALERT_DATABASE_UNREACHABLE, 1, true);
	f.processes[0].state = STATS_WORKER_DRAINING;
	assert_false(read_now(STATS_ALERT_DATABASE_UNREACHABLE).known);
}

static void the_pool_is_saturated_by_threads_that_hang_or_by_requests_that_wait(void **state)
{
	uint64_t *waits = &f.recent.cells[STATS_AT_QUEUE_WAIT];

	(void)state;
	quiet();
	expect(STATS_ALERT_POOL_SATURATED, 0, true);
	f.now.cells[STATS_AT_THREADS_HELD] = 1;
	expect(STATS_ALERT_POOL_SATURATED, 0.25, true);
	waits[histogram_bucket(1000)] = 4;
	waits[histogram_bucket(300000)] = 15;
	expect(STATS_ALERT_POOL_SATURATED, 0.25, true); /* too few to tell */
	waits[histogram_bucket(1000)] = 5;
	expect(STATS_ALERT_POOL_SATURATED, 0.75, true);
	f.now.cells[STATS_AT_THREADS_HELD] = 4;
	expect(STATS_ALERT_POOL_SATURATED, 1, true);
	memset(&f.recent, 0, sizeof(f.recent));
	f.now.cells[STATS_AT_THREADS] = 0;
	assert_false(read_now(STATS_ALERT_POOL_SATURATED).known);
}

/* ---- the list -------------------------------------------------------------------------------- */

static void the_disk_is_judged_by_its_free_share_and_not_while_it_is_unseen(void **state)
{
	(void)state;
	quiet();
	assert_false(read_now(STATS_ALERT_DISK_FILLING).known);
	f.now.disk = (struct segment_disk){.free_bytes = 25, .size_bytes = 1000};
	expect(STATS_ALERT_DISK_FILLING, 0.025, true);
	f.now.disk.free_bytes = 0;
	expect(STATS_ALERT_DISK_FILLING, 0, true);
}

static void every_alert_has_a_page_of_its_name_that_says_its_summary(void **state)
{
	(void)state;
	for (int i = 0; i < STATS_ALERT_COUNT; i++) {
		static char text[65536];
		char path[512];
		FILE *page;

		snprintf(path, sizeof(path), TOP_SRCDIR "/doc/alerts/%s.md",
			alert_name((enum stats_alert)i));
		page = fopen(path, "r");
		if (page == NULL)
			fail_msg("no page %s", path);
		text[fread(text, 1, sizeof(text) - 1, page)] = '\0';
		assert_int_equal(fclose(page), 0);
		snprintf(path, sizeof(path), "# %s\n", alert_name((enum stats_alert)i));
		assert_int_equal(strncmp(text, path, strlen(path)), 0);
		if (strstr(text, alert_summary((enum stats_alert)i)) == NULL)
			fail_msg("%s does not say: %s", alert_name((enum stats_alert)i),
				alert_summary((enum stats_alert)i));
	}
}

static void every_page_is_of_an_alert(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir(TOP_SRCDIR "/doc/alerts");

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char name[256];

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README.md") == 0)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(entry->d_name, "."),
			entry->d_name);
		if (metrics_value_find(STATS_LABEL_ALERT, name) < 0)
			fail_msg("doc/alerts/%s is of no alert", entry->d_name);
	}
	assert_int_equal(closedir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			beyond_its_threshold_for_its_time_it_fires_and_below_the_lower_one_it_clears),
		cmocka_unit_test(a_value_that_returns_in_time_never_fires_and_its_time_begins_anew),
		cmocka_unit_test(a_share_of_few_events_raises_nothing_but_may_keep_it_firing),
		cmocka_unit_test(a_share_of_nothing_clears),
		cmocka_unit_test(what_cannot_be_seen_stays_as_it_is),
		cmocka_unit_test(without_a_time_it_fires_at_once),
		cmocka_unit_test(what_goes_on_firing_is_repeated_and_a_new_firing_counts_anew),
		cmocka_unit_test(it_remembers_since_when_and_how_often),
		cmocka_unit_test(an_alert_that_is_off_is_never_raised_and_one_turned_off_clears),
		cmocka_unit_test(a_rule_may_look_below_a_number),
		cmocka_unit_test(a_new_threshold_holds_from_the_next_step_on),
		cmocka_unit_test(a_service_that_does_nothing_gives_no_reason_for_alarm),
		cmocka_unit_test(each_share_has_its_parts_and_its_least_number_of_events),
		cmocka_unit_test(each_count_counts_what_its_name_says),
		cmocka_unit_test(the_database_is_judged_by_running_workers_that_have_tried_it),
		cmocka_unit_test(
			the_pool_is_saturated_by_threads_that_hang_or_by_requests_that_wait),
		cmocka_unit_test(the_disk_is_judged_by_its_free_share_and_not_while_it_is_unseen),
		cmocka_unit_test(every_alert_has_a_page_of_its_name_that_says_its_summary),
		cmocka_unit_test(every_page_is_of_an_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
