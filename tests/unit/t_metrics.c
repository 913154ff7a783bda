/* The catalogue: its lists agree with those of the rooms above, which map onto it. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "stats/metrics.h"

static void every_call_has_a_function_label_of_its_name(void **state)
{
	(void)state;
#define CALL(id, kind, cost, counts, function, args, nargs) \
	assert_string_equal(metrics_value(STATS_LABEL_FUNCTION, STATS_FUNCTION_##id), function);
#include "catalog/calls.def"
}

static void a_label_is_found_by_its_name(void **state)
{
	(void)state;
	for (enum stats_route route = 0; route < STATS_ROUTE_COUNT; route++)
		assert_int_equal(metrics_value_find(STATS_LABEL_ROUTE,
					 metrics_value(STATS_LABEL_ROUTE, route)),
			route);
	assert_int_equal(metrics_value_find(STATS_LABEL_ROUTE, "no such route"), -1);
}

static void every_status_of_a_problem_has_a_code(void **state)
{
	static const int statuses[] = {
		200,
		201,
		204,
		304,
#define PROBLEM(id, type, status, title, error, when) status,
#include "catalog/problems.def"
#undef PROBLEM
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		char want[16];

		snprintf(want, sizeof(want), "%d", statuses[i]);
		assert_string_equal(metrics_value(STATS_LABEL_CODE, stats_code(statuses[i])), want);
	}
	assert_int_equal(stats_code(0), STATS_CODE_OTHER);
	assert_int_equal(stats_code(299), STATS_CODE_OTHER);
}

static void a_sqlstate_is_told_by_itself_or_by_its_class(void **state)
{
	static const struct {
		const char *code;
		enum stats_sqlstate want;
	} cases[] = {{"40001", STATS_SQLSTATE_40001}, {"40P01", STATS_SQLSTATE_40P01},
		{"55P03", STATS_SQLSTATE_55P03}, {"57014", STATS_SQLSTATE_57014},
		{"22003", STATS_SQLSTATE_22}, {"23505", STATS_SQLSTATE_23},
		{"57P01", STATS_SQLSTATE_OTHER}, {"40003", STATS_SQLSTATE_OTHER},
		{"", STATS_SQLSTATE_OTHER}, {NULL, STATS_SQLSTATE_OTHER}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(stats_sqlstate(cases[i].code), cases[i].want);
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void check_name(const struct metrics_entry *entry)
{
	bool counter = entry->kind == STATS_KIND_COUNTER || entry->kind == STATS_KIND_TALLY;

	for (const char *c = entry->name; *c != '\0'; c++)
		assert_true(islower((unsigned char)*c) || *c == '_');
	assert_int_equal(ends_in(entry->name, "_total"), counter);
	assert_int_equal(ends_in(entry->name, "_info"), entry->kind == STATS_KIND_INFO);
	if (entry->unit == STATS_UNIT_SECONDS)
		assert_non_null(strstr(entry->name, "_seconds"));
	if (entry->unit == STATS_UNIT_BYTES)
		assert_non_null(strstr(entry->name, "_bytes"));
	assert_true(ends_in(entry->help, "."));
	assert_null(strpbrk(entry->help, "\\\n\""));
}

static void every_name_says_kind_and_unit(void **state)
{
	(void)state;
	for (int i = 0; i < STATS_METRIC_COUNT; i++)
		check_name(metrics_entry((enum stats_metric)i));
	for (int i = 0; i < STATS_USAGE_COUNT; i++)
		check_name(metrics_usage((enum stats_usage)i));
}

static void no_two_metrics_share_a_cell_and_none_is_left_over(void **state)
{
	size_t next = 0;

	(void)state;
	for (int i = 0; i < STATS_METRIC_COUNT; i++) {
		const struct stats_shape *shape = &stats_shapes[i];

		assert_int_equal(shape->at, next);
		next += (size_t)shape->width * shape->counts[0] * shape->counts[1];
	}
	assert_int_equal(next, STATS_CELLS);
}

static void the_hash_is_the_same_at_every_look(void **state)
{
	(void)state;
	assert_int_not_equal(metrics_hash(), 0);
	assert_int_equal(metrics_hash(), metrics_hash());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_has_a_function_label_of_its_name),
		cmocka_unit_test(a_label_is_found_by_its_name),
		cmocka_unit_test(every_status_of_a_problem_has_a_code),
		cmocka_unit_test(a_sqlstate_is_told_by_itself_or_by_its_class),
		cmocka_unit_test(every_name_says_kind_and_unit),
		cmocka_unit_test(no_two_metrics_share_a_cell_and_none_is_left_over),
		cmocka_unit_test(the_hash_is_the_same_at_every_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
