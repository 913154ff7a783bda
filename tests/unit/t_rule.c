/* Thresholds as operators write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rule.h"

static void a_rule_is_read_as_it_is_written(void **state)
{
	static const struct {
		const char *text;
		struct rule want;
	} cases[] = {
		{"off", {.on = false}},
		{"above 5% clear 3% for 60s",
			{.on = true, .raise = 0.05, .clear = 0.03, .for_us = 60 * CLOCK_S}},
		{"below 95% clear 97% for 2m", {.on = true,
						       .below = true,
						       .raise = 0.95,
						       .clear = 0.97,
						       .for_us = 120 * CLOCK_S}},
		{"above 0 clear 0 for 0s", {.on = true}},
		{"above  2.5\tclear 1 for 0.5s ",
			{.on = true, .raise = 2.5, .clear = 1, .for_us = CLOCK_S / 2}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rule *want = &cases[i].want;
		struct rule got;

		memset(&got, 0x55, sizeof(got));
		if (!rule_parse(cases[i].text, &got))
			fail_msg("refused: %s", cases[i].text);
		assert_int_equal(got.on, want->on);
		assert_int_equal(got.below, want->below);
		assert_float_equal(got.raise, want->raise, 1e-9);
		assert_float_equal(got.clear, want->clear, 1e-9);
		assert_int_equal(got.for_us, want->for_us);
	}
}

static void what_is_no_rule_is_refused_and_changes_nothing(void **state)
{
	static const char *const texts[] = {"", "on", "off ", "above", "above 5%",
		"above 5% clear 3%", "above 5% clear 3% for", "above 5% clear 3% for 60",
		"above 5% clear 3% for 60h", "above 5% clear 3% for -1s", "above -5 clear 3 for 1s",
		"above 5 % clear 3 for 1s", "above 5 clear 3 for 1s more", "above 5clear 3 for 1s",
		"above5 clear 3 for 1s", "above 1.2.3 clear 1 for 1s", "above . clear 0 for 1s",
		"above inf clear 0 for 1s", "above nan clear 0 for 1s", "above 1e3 clear 0 for 1s",
		"above 0x1 clear 0 for 1s", "above 12345678901234567 clear 0 for 1s",
		"above 5 clear 3 for 100000s", "Above 5 clear 3 for 1s", "beyond 5 clear 3 for 1s",
		/* Cleared while it is raised. */
		"above 5 clear 6 for 1s", "below 95% clear 94% for 1s"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct rule rule = {.raise = 42};

		if (rule_parse(texts[i], &rule))
			fail_msg("taken for a rule: %s", texts[i]);
		assert_float_equal(rule.raise, 42, 0);
	}
}

static void beyond_is_on_the_rules_side_and_not_at_the_number(void **state)
{
	const struct rule above = {.on = true};
	const struct rule below = {.on = true, .below = true};

	(void)state;
	assert_true(rule_beyond(&above, 0.06, 0.05));
	assert_false(rule_beyond(&above, 0.05, 0.05));
	assert_false(rule_beyond(&above, 0.04, 0.05));
	assert_true(rule_beyond(&below, 0.94, 0.95));
	assert_false(rule_beyond(&below, 0.95, 0.95));
	assert_false(rule_beyond(&below, 0.96, 0.95));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_read_as_it_is_written),
		cmocka_unit_test(what_is_no_rule_is_refused_and_changes_nothing),
		cmocka_unit_test(beyond_is_on_the_rules_side_and_not_at_the_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
