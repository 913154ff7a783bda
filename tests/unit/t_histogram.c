/* Buckets: their bounds, and what percentiles read from them are worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "stats/histogram.h"

static void put(uint64_t cells[HISTOGRAM_CELLS], uint64_t value)
{
	cells[histogram_bucket(value)]++;
	cells[HISTOGRAM_SUM] += value;
}

static void a_bound_belongs_to_its_bucket_and_the_next_value_to_the_next(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		assert_int_equal(histogram_bucket(histogram_bound(i)), i);
		assert_int_equal(histogram_bucket(histogram_bound(i) + 1), i + 1);
	}
	assert_int_equal(histogram_bound(HISTOGRAM_BUCKETS - 2), UINT64_C(1) << 26);
	assert_int_equal(histogram_bound(HISTOGRAM_BUCKETS - 1), UINT64_MAX);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(0), 0);
	assert_int_equal(histogram_bucket(1), 0);
	assert_int_equal(histogram_bucket(2), 1);
}

static void a_bucket_is_at_most_a_quarter_as_wide_as_its_values(void **state)
{
	(void)state;
	for (size_t i = 4; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t low = histogram_bound(i - 1);

		assert_true(4 * (histogram_bound(i) - low) <= low);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of very different sizes, so that every doubling is met. */
static uint64_t random_value(void)
{
	uint64_t word = ((uint64_t)random() << 31) ^ (uint64_t)random();

	return word >> (38 + (unsigned)random() % 26);
}

static void a_percentile_is_never_too_low_and_at_most_a_quarter_too_high(void **state)
{
	static const double shares[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0};
	enum { VALUES = 5000 };
	static uint64_t values[VALUES];
	uint64_t cells[HISTOGRAM_CELLS] = {0};

	(void)state;
	srandom(7);
	for (size_t i = 0; i < VALUES; i++) {
		values[i] = random_value();
		put(cells, values[i]);
	}
	qsort(values, VALUES, sizeof(values[0]), compare);
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		size_t rank = (size_t)(shares[i] * VALUES + 0.999999) - 1;
		uint64_t exact = values[rank];
		uint64_t got = histogram_percentile(cells, shares[i]);

		assert_true(got >= exact);
		assert_true(got <= exact + exact / 4 + 1);
	}
}

static void counts_up_to_a_bound_include_it(void **state)
{
	uint64_t cells[HISTOGRAM_CELLS] = {0};

	(void)state;
	for (uint64_t v = 1; v <= 100; v++)
		put(cells, v);
	assert_int_equal(histogram_count(cells), 100);
	assert_int_equal(histogram_count_upto(cells, 1), 1);
	assert_int_equal(histogram_count_upto(cells, 64), 64);
	assert_int_equal(histogram_count_upto(cells, 96), 96);
	assert_int_equal(histogram_count_upto(cells, 1024), 100);
	assert_int_equal(cells[HISTOGRAM_SUM], 5050);
}

static void nothing_has_no_percentile_and_the_endless_is_cut_off(void **state)
{
	uint64_t cells[HISTOGRAM_CELLS] = {0};

	(void)state;
	assert_int_equal(histogram_percentile(cells, 0.5), 0);
	put(cells, UINT64_MAX / 2);
	assert_int_equal(histogram_percentile(cells, 0.5), UINT64_C(1) << 26);
	assert_int_equal(histogram_percentile(cells, 0), UINT64_C(1) << 26);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bound_belongs_to_its_bucket_and_the_next_value_to_the_next),
		cmocka_unit_test(a_bucket_is_at_most_a_quarter_as_wide_as_its_values),
		cmocka_unit_test(a_percentile_is_never_too_low_and_at_most_a_quarter_too_high),
		cmocka_unit_test(counts_up_to_a_bound_include_it),
		cmocka_unit_test(nothing_has_no_percentile_and_the_endless_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
