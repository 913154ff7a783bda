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
#include "report/series_json.h"
#include "stats/series.h"
#include "stats_fixture.h"

#define WALL_S INT64_C(1769860800)

/* A snapshot `s` seconds after the service's start, and what it adds to the history. */
static void add_at(struct series *series, const struct fixture *fixture, int64_t s)
{
	const int64_t made_us = segment_header(fixture->segment)->made_us;
	struct snapshot *snapshot = snapshot_take(fixture->segment, made_us + s * CLOCK_S);

	series_add(series, snapshot, (WALL_S + s) * CLOCK_S);
	snapshot_free(&snapshot);
}

static float value(const struct series *series, size_t i, enum series_id id)
{
	return series_point(series, i)->values[id];
}

static void a_point_is_what_was_counted_in_its_step(void **state)
{
	struct fixture *fixture = *state;
	struct stats_slot *slot = segment_slot(fixture->segment, 0, 0);
	struct series *series = series_new();

	stats_add(slot, STATS_REQUESTS_FINISHED, 1000);
	add_at(series, fixture, 1);
	assert_int_equal(series_count(series), 0);
	stats_add(slot, STATS_REQUESTS_STARTED, 1063);
	stats_add(slot, STATS_REQUESTS_FINISHED, 60);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_UPDATE, STATS_CODE_503);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_READ, STATS_CODE_504);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_READ, STATS_CODE_409);
	stats_observe(slot, STATS_REQUEST_DURATION, STATS_ROUTE_CARD_READ, 2000);
	add_at(series, fixture, 4);
	assert_int_equal(series_count(series), 0);
	add_at(series, fixture, 7);
	assert_int_equal(series_count(series), 1);
	assert_int_equal(series_point(series, 0)->at_s, WALL_S + 7);
	assert_float_equal(value(series, 0, SERIES_REQUESTS), 10, 1e-6);
	assert_float_equal(value(series, 0, SERIES_ERRORS), 2.0 / 6, 1e-6);
	assert_float_equal(value(series, 0, SERIES_LATENCY_P50), 2.048, 1e-3);
	assert_float_equal(value(series, 0, SERIES_IN_FLIGHT), 3, 1e-6);
	add_at(series, fixture, 12);
	assert_float_equal(value(series, 1, SERIES_REQUESTS), 0, 1e-6);
	assert_true(isnan(value(series, 1, SERIES_LATENCY_P50)));
	series_free(&series);
	assert_null(series);
}

static void it_is_an_hour_long_and_no_longer(void **state)
{
	struct series *series = series_new();

	for (int64_t s = 0; s <= (SERIES_POINTS + 10) * SERIES_STEP_S; s += SERIES_STEP_S)
		add_at(series, *state, s);
	assert_int_equal(series_count(series), SERIES_POINTS);
	assert_int_equal(series_point(series, 0)->at_s, WALL_S + 11 * SERIES_STEP_S);
	assert_int_equal(series_point(series, SERIES_POINTS - 1)->at_s,
		WALL_S + (SERIES_POINTS + 10) * SERIES_STEP_S);
	series_free(&series);
}

/* The body of /status/history.json, read; json_object_put releases it. */
static json_object *exposed(const struct series *series, int64_t after_s)
{
	struct buf out = {0};
	json_object *json;

	series_json(&out, series, after_s);
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
	struct series *series = series_new();
	json_object *json;

	for (int64_t s = 0; s <= 30; s += SERIES_STEP_S)
		add_at(series, *state, s);
	json = exposed(series, WALL_S + 20);
	assert_int_equal(json_object_get_int(member(json, "step_seconds")), SERIES_STEP_S);
	assert_int_equal(json_object_array_length(member(json, "at")), 2);
	assert_int_equal(json_object_get_int64(json_object_array_get_idx(member(json, "at"), 0)),
		WALL_S + 25);
	for (int i = 0; i < SERIES_COUNT; i++)
		assert_int_equal(
			json_object_array_length(member(json, series_name((enum series_id)i))), 2);
	assert_null(json_object_array_get_idx(member(json, "latency_p99_ms"), 0));
	assert_non_null(json_object_array_get_idx(member(json, "requests_per_second"), 0));
	json_object_put(json);
	json = exposed(series, INT64_MAX);
	assert_int_equal(json_object_array_length(member(json, "at")), 0);
	json_object_put(json);
	series_free(&series);
}

static void a_chart_has_one_to_three_series(void **state)
{
	(void)state;
	for (int c = 0; c < SERIES_CHART_COUNT; c++) {
		int count = 0;

		for (int s = 0; s < SERIES_COUNT; s++)
			count += series_chart_of((enum series_id)s) == (enum series_chart)c;
		assert_in_range(count, 1, 3);
		assert_true(strlen(series_chart_title((enum series_chart)c)) > 0);
		assert_true(strlen(series_chart_unit((enum series_chart)c)) > 0);
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
