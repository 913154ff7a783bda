/* Accept headers: ranges, their parameters, and how much each is liked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/accept.h"

static const struct {
	const char *accept;
	const char *want; /* of each range its type and quality */
} cases[] = {
	{"", ""},
	{" , ,\t,", ""},
	{"text/plain", "text/plain 1000"},
	{"a/b,c/d ,\te/f", "a/b 1000 c/d 1000 e/f 1000"},
	{"a/b;q=0.5", "a/b 500"},
	{"a/b ; q=0.123", "a/b 123"},
	{"a/b;Q=0.9", "a/b 900"},
	{"a/b;version=1.0.0;q=0.2;x=y", "a/b 200"},
	{"a/b;q=0.1234", "a/b 123"},
	{"a/b;q=0.05", "a/b 50"},
	{"a/b;q=1", "a/b 1000"},
	{"a/b;q=1.000", "a/b 1000"},
	{"a/b;q=0", "a/b 0"},
	{"a/b;q=0.000", "a/b 0"},
	{"a/b;q=", "a/b 0"},
	{"a/b;q=x", "a/b 0"},
	{"a/b;q=-1", "a/b 0"},
	{"a/b;q=.5", "a/b 0"},
	{"a/b;q=2", "a/b 0"},
	{"a/b;qq=0.1", "a/b 1000"},
	{"a/b;q=0.1,c/d", "a/b 100 c/d 1000"},
	{"a/b;;;,c/d;", "a/b 1000 c/d 1000"},
	{";q=0.3", " 300"},
};

static void each_range_is_read_with_its_quality(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = cases[i].accept;
		struct accept_range range;
		char got[200] = "";
		size_t len = 0;

		while (accept_next(&at, &range))
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%.*s %d",
				len > 0 ? " " : "", (int)range.type_len, range.type, range.quality);
		assert_string_equal(got, cases[i].want);
		assert_int_equal(*at, '\0');
	}
}

static void a_type_is_the_whole_of_it_whatever_its_case(void **state)
{
	const char *at = "Text/Plain;charset=utf-8";
	struct accept_range range;

	(void)state;
	assert_true(accept_next(&at, &range));
	assert_true(accept_is(&range, "text/plain"));
	assert_false(accept_is(&range, "text/plai"));
	assert_false(accept_is(&range, "text/plain2"));
	assert_true(accept_has(&range, "charset"));
	assert_false(accept_has(&range, "char"));
	assert_false(accept_has(&range, "set"));
}

static void a_parameter_of_the_next_range_is_not_this_ones(void **state)
{
	const char *at = "a/b, c/d;q=0.1;nulls=stripped";
	struct accept_range range;

	(void)state;
	assert_true(accept_next(&at, &range));
	assert_int_equal(range.quality, 1000);
	assert_false(accept_has(&range, "nulls"));
	assert_true(accept_next(&at, &range));
	assert_true(accept_has(&range, "nulls"));
	assert_false(accept_next(&at, &range));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_range_is_read_with_its_quality),
		cmocka_unit_test(a_type_is_the_whole_of_it_whatever_its_case),
		cmocka_unit_test(a_parameter_of_the_next_range_is_not_this_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
