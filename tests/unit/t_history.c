/* The last hour, point by point. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/clock.h"
#include "stats/history.h"
#include "stats_fixture.h"

#define WALL_S INT64_C(1769860800)

/* A snapshot `s` seconds after the service's start, and what it adds to the history. */
static void add_at(struct history *history, const struct fixture *fixture, int64_t s)
{
	const int64_t made_us = segment_header(fixture->segment)->made_us;
	struct snapshot *snapshot = snapshot_take(fixture->segment, made_us + s * CLOCK_S);

	history_add(history, snapshot, (WALL_S + s) * CLOCK_S);
	snapshot_free(&snapshot);
}

static float value(const struct history *history, size_t i, enum history_series series)
{
	return history_point(history, i)->values[series];
}

static void a_point_is_what_was_counted_in_its_step(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	struct history *history = history_new();

	stats_add(slot, STATS_REQUESTS_FINISHED, 1000);
	add_at(history, fixture, 1);
	assert_int_equal(history_count(history), 0);
	stats_add(slot, STATS_REQUESTS_STARTED, 1063);
	stats_add(slot, STATS_REQUESTS_FINISHED, 60);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_UPDATE, STATS_CODE_503);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_READ, STATS_CODE_504);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_READ, STATS_CODE_409);
	stats_observe(slot, STATS_REQUEST_DURATION, STATS_ROUTE_CARD_READ, 2000);
	add_at(history, fixture, 4);
	assert_int_equal(history_count(history), 0);
	add_at(history, fixture, 7);
	assert_int_equal(history_count(history), 1);
	assert_int_equal(history_point(history, 0)->at_s, WALL_S + 7);
	assert_float_equal(value(history, 0, HISTORY_REQUESTS), 10, 1e-6);
	assert_float_equal(value(history, 0, HISTORY_ERRORS), 2.0 / 6, 1e-6);
	assert_float_equal(value(history, 0, HISTORY_LATENCY_P50), 2.048, 1e-3);
	assert_float_equal(value(history, 0, HISTORY_IN_FLIGHT), 3, 1e-6);
	add_at(history, fixture, 12);
	assert_float_equal(value(history, 1, HISTORY_REQUESTS), 0, 1e-6);
	assert_true(isnan(value(history, 1, HISTORY_LATENCY_P50)));
	history_free(&history);
	assert_null(history);
}

static void it_is_an_hour_long_and_no_longer(void **state)
{
	struct history *history = history_new();

	for (int64_t s = 0; s <= (HISTORY_POINTS + 10) * HISTORY_STEP_S; s += HISTORY_STEP_S)
		add_at(history, *state, s);
	assert_int_equal(history_count(history), HISTORY_POINTS);
	assert_int_equal(history_point(history, 0)->at_s, WALL_S + 11 * HISTORY_STEP_S);
	assert_int_equal(history_point(history, HISTORY_POINTS - 1)->at_s,
		WALL_S + (HISTORY_POINTS + 10) * HISTORY_STEP_S);
	history_free(&history);
}

/* The body of /status/history.json, read; json_object_put releases it. */
static json_object *exposed(const struct history *history, int64_t after_s)
{
	struct buf out = {0};
	json_object *json;

	history_expose(&out, history, after_s);
	json = json_tokener_parse(buf_cstr(&out));
	assert_non_null(json);
	buf_free(&out);
	return json;
}

static json_object *member(json_object *json, const char *name)
{
	json_object *value = NULL;

	assert_true(json_object_object_get_ex(json, name, &value));
	return value;
}

static void every_series_is_a_column_and_what_is_unknown_is_null(void **state)
{
	struct history *history = history_new();
	json_object *json;

	for (int64_t s = 0; s <= 30; s += HISTORY_STEP_S)
		add_at(history, *state, s);
	json = exposed(history, WALL_S + 20);
	assert_int_equal(json_object_get_int(member(json, "step_seconds")), HISTORY_STEP_S);
	assert_int_equal(json_object_array_length(member(json, "at")), 2);
	assert_int_equal(json_object_get_int64(json_object_array_get_idx(member(json, "at"), 0)),
		WALL_S + 25);
	for (int i = 0; i < HISTORY_SERIES_COUNT; i++)
		assert_int_equal(json_object_array_length(
					 member(json, history_series_name((enum history_series)i))),
			2);
	assert_null(json_object_array_get_idx(member(json, "latency_p99_ms"), 0));
	assert_non_null(json_object_array_get_idx(member(json, "requests_per_second"), 0));
	json_object_put(json);
	json = exposed(history, INT64_MAX);
	assert_int_equal(json_object_array_length(member(json, "at")), 0);
	json_object_put(json);
	history_free(&history);
}

static void a_chart_has_one_to_three_series(void **state)
{
	(void)state;
	for (int c = 0; c < HISTORY_CHART_COUNT; c++) {
		int count = 0;

		for (int s = 0; s < HISTORY_SERIES_COUNT; s++)
			count += history_series_chart((enum history_series)s) ==
				 (enum history_chart)c;
		assert_in_range(count, 1, 3);
		assert_true(strlen(history_chart_title((enum history_chart)c)) > 0);
		assert_true(strlen(history_chart_unit((enum history_chart)c)) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_point_is_what_was_counted_in_its_step),
		FIXTURE_TEST(it_is_an_hour_long_and_no_longer),
		FIXTURE_TEST(every_series_is_a_column_and_what_is_unknown_is_null),
		cmocka_unit_test(a_chart_has_one_to_three_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
