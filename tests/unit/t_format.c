/* Figures as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "report/format.h"

/* What was appended, once. */
static const char *taken(struct buf *out)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s", buf_cstr(out));
	buf_free(out);
	return text;
}

static void counts_are_grouped_by_thousands(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {1000007, "1,000,007"},
		{UINT64_MAX, "18,446,744,073,709,551,615"}};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_count(&out, cases[i].count);
		assert_string_equal(taken(&out), cases[i].text);
	}
}

static void rates_keep_three_digits(void **state)
{
	static const struct {
		double rate;
		const char *text;
	} cases[] = {{0, "0"}, {0.004, "0.00"}, {1.5, "1.50"}, {9.994, "9.99"}, {9.996, "10.0"},
		{99.94, "99.9"}, {99.96, "100"}, {12345.6, "12,346"}};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_rate(&out, cases[i].rate);
		assert_string_equal(taken(&out), cases[i].text);
	}
}

static void spans_are_told_in_the_unit_that_fits(void **state)
{
	static const struct {
		int64_t s;
		const char *text;
	} cases[] = {{-5, "0 s"}, {0, "0 s"}, {119, "119 s"}, {120, "2 min"}, {7199, "119 min"},
		{7200, "2:00 h"}, {86399, "23:59 h"}, {86400, "1 d 00:00"},
		{3 * 86400 + 4 * 3600 + 60, "3 d 04:01"}};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_span(&out, cases[i].s * CLOCK_S);
		assert_string_equal(taken(&out), cases[i].text);
	}
}

static void latencies_too(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} cases[] = {{0, "0 us"}, {999, "999 us"}, {1000, "1.0 ms"}, {99949, "99.9 ms"},
		{99950, "100 ms"}, {999499, "999 ms"}, {999500, "1.0 s"}, {67000000, "67.0 s"}};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_latency(&out, cases[i].us);
		assert_string_equal(taken(&out), cases[i].text);
	}
}

static void a_percentile_of_nothing_is_a_dash(void **state)
{
	uint64_t cells[HISTOGRAM_CELLS] = {0};
	struct buf out = {0};

	(void)state;
	format_percentile(&out, cells, 0.5);
	assert_string_equal(taken(&out), "-");
	cells[histogram_bucket(2000)] = 1;
	format_percentile(&out, cells, 0.5);
	assert_string_equal(taken(&out), "2.0 ms");
}

static void shares_are_told_in_percent_and_numbers_as_they_are(void **state)
{
	const struct indicator rate = {.known = true, .value = 0.0123};
	const struct indicator attempts = {.known = true, .value = 1.0625};
	const struct indicator nothing = {.ok = true};
	struct buf out = {0};

	(void)state;
	format_indicator(&out, INDICATOR_VERSION_CONFLICT_RATE, &rate);
	assert_string_equal(taken(&out), "1.23 %");
	format_indicator(&out, INDICATOR_AVERAGE_ATTEMPTS, &attempts);
	assert_string_equal(taken(&out), "1.062");
	format_indicator(&out, INDICATOR_AVERAGE_ATTEMPTS, &nothing);
	assert_string_equal(taken(&out), "-");
	format_target(&out, INDICATOR_RETRY_SUCCESS_RATE);
	assert_string_equal(taken(&out), "above 95 %");
	format_target(&out, INDICATOR_SLUG_GENERATION_FAILURES);
	assert_string_equal(taken(&out), "at most 0");
}

static void padding_reaches_the_column_and_keeps_words_apart(void **state)
{
	struct buf out = {0};

	(void)state;
	buf_str(&out, "a\nbc");
	format_pad(&out, 2, 4, 1);
	buf_char(&out, '|');
	format_pad(&out, 2, 4, 2);
	buf_char(&out, '|');
	assert_string_equal(taken(&out), "a\nbc  |  |");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_grouped_by_thousands),
		cmocka_unit_test(rates_keep_three_digits),
		cmocka_unit_test(spans_are_told_in_the_unit_that_fits),
		cmocka_unit_test(latencies_too),
		cmocka_unit_test(a_percentile_of_nothing_is_a_dash),
		cmocka_unit_test(shares_are_told_in_percent_and_numbers_as_they_are),
		cmocka_unit_test(padding_reaches_the_column_and_keeps_words_apart),
	};

	return cmocka_run_group_tests_name("figure", tests, NULL, NULL);
}
