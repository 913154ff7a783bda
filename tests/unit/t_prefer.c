/* The Prefer header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "http/prefer.h"

static void a_preference_is_found_among_others_and_in_every_spelling(void **state)
{
	static const char *const headers[] = {
		"conflict=merge",
		"Conflict=merge",
		"conflict=\"merge\"",
		"conflict=\"m\\erge\"",
		"conflict = merge",
		"conflict\t=\t\"merge\" ",
		" , ,conflict=merge",
		"conflict=merge; why=\"a, b\"",
		"conflict=merge;;",
		"respond-async, conflict=merge",
		"respond-async,conflict=merge",
		"wait=10; a; b=\"c,\\\"d\" , return=minimal,, conflict=merge, conflict=refuse",
		"wait=\"conflict=refuse, x\", conflict=merge",
		"wait=1; conflict=refuse, conflict=merge",
		"conflict=merge, =",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (!prefer_has(headers[i], "conflict", "merge"))
			fail_msg("not found in: %s", headers[i]);
}

static void what_is_something_else_or_malformed_is_passed_over(void **state)
{
	static const char *const headers[] = {
		NULL,
		"",
		",",
		"conflict",
		"conflict=",
		"conflict=\"\"",
		"conflict=Merge",
		"conflict=merger",
		"conflict=merg",
		"conflict=\"merge",
		"conflict=\"merge\\",
		"conflict=\"merge \"",
		"conflicts=merge",
		"xconflict=merge",
		"conflict=refuse, conflict=merge",
		"wait=1; conflict=merge",
		"wait=\"conflict=merge\"",
		"a b, conflict=merge",
		"=x, conflict=merge",
		"wait=\"x, conflict=merge",
		"wait=1; =, conflict=merge",
		"(conflict=merge)",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (prefer_has(headers[i], "conflict", "merge"))
			fail_msg("found in: %s", headers[i]);
}

static void an_empty_value_is_none(void **state)
{
	(void)state;
	assert_true(prefer_has("respond-async", "respond-async", ""));
	assert_true(prefer_has("respond-async=\"\"; x", "respond-async", ""));
	assert_false(prefer_has("respond-async=1", "respond-async", ""));
}

/* What prefer_next finds, with bars. */
static void join(const char *header, char *out, size_t size)
{
	const char *item;
	size_t len;

	out[0] = '\0';
	for (const char *p = header; p != NULL;) {
		p = prefer_next(p, &item, &len);
		if (p != NULL)
			snprintf(out + strlen(out), size - strlen(out), "%.*s|", (int)len, item);
	}
}

static void preferences_come_one_by_one_with_their_values(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{" , ", ""},
		{"a", "a|"},
		{"a=1, b ;c=2 , d=\"x, y\";e", "a=1|b|d=\"x, y\"|"},
		{"a=1 b=2, c", ""},
		{"a, =, c", "a|"},
	};
	char found[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		join(cases[i][0], found, sizeof(found));
		assert_string_equal(found, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_preference_is_found_among_others_and_in_every_spelling),
		cmocka_unit_test(what_is_something_else_or_malformed_is_passed_over),
		cmocka_unit_test(an_empty_value_is_none),
		cmocka_unit_test(preferences_come_one_by_one_with_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
