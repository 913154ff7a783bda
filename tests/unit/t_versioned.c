/* Which version a write names: body, query and If-Match, alone and together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/versioned.h"

static const struct {
	const char *if_match; /* NULL: no header */
	const char *body;     /* NULL: no body */
	const char *query;    /* NULL: no version there */
	enum versioned_status status;
	const char *expected; /* with VERSIONED_OK */
	bool by_header;
} cases[] = {
	/* said once */
	{NULL, "{\"version\":3}", NULL, VERSIONED_OK, "{3}", false},
	{NULL, NULL, "3", VERSIONED_OK, "{3}", false},
	{"\"3\"", "{}", NULL, VERSIONED_OK, "{3}", true},
	{"\"3\"", NULL, NULL, VERSIONED_OK, "{3}", true},
	/* a list matches if any member does */
	{"\"1\", \"3\"", "{}", NULL, VERSIONED_OK, "{1,3}", true},
	{"\"1\",\"3\" , \"2147483647\"", "{}", NULL, VERSIONED_OK, "{1,3,2147483647}", true},
	/* empty members are passed over, wherever they stand */
	{"\"3\",", "{}", NULL, VERSIONED_OK, "{3}", true},
	{", \"3\"", "{}", NULL, VERSIONED_OK, "{3}", true},
	{" ,\t,\"1\" , ,, \"3\" ,", "{}", NULL, VERSIONED_OK, "{1,3}", true},
	{",", "{}", NULL, VERSIONED_OK, "{}", true},
	/* tags that never match leave an empty list: always 412 */
	{"W/\"3\"", "{}", NULL, VERSIONED_OK, "{}", true},
	{"\"abc\"", "{}", NULL, VERSIONED_OK, "{}", true},
	{"\"\"", "{}", NULL, VERSIONED_OK, "{}", true},
	{"\"03\"", "{}", NULL, VERSIONED_OK, "{}", true},
	{"\"2147483648\"", "{}", NULL, VERSIONED_OK, "{}", true},
	{"W/\"1\", \"3\"", "{}", NULL, VERSIONED_OK, "{3}", true},
	/* said twice: must agree */
	{"\"3\"", "{\"version\":3}", NULL, VERSIONED_OK, "{3}", true},
	{"\"1\", \"3\"", "{\"version\":3}", NULL, VERSIONED_OK, "{3}", true},
	{"\"2\"", "{\"version\":3}", NULL, VERSIONED_DISAGREE, NULL, true},
	{"\"2\"", NULL, "3", VERSIONED_DISAGREE, NULL, true},
	{"W/\"3\"", "{\"version\":3}", NULL, VERSIONED_OK, "{}", true},
	/* a star is no version */
	{"*", "{}", NULL, VERSIONED_MISSING, NULL, false},
	{"*", "{\"version\":3}", NULL, VERSIONED_OK, "{3}", false},
	/* not said */
	{NULL, "{}", NULL, VERSIONED_MISSING, NULL, false},
	{NULL, NULL, NULL, VERSIONED_MISSING, NULL, false},
	/* malformed headers, which come before malformed fields */
	{"3", "{}", NULL, VERSIONED_BAD_HEADER, NULL, false},
	{"\"3", "{}", NULL, VERSIONED_BAD_HEADER, NULL, false},
	{"\"3\" \"4\"", "{}", NULL, VERSIONED_BAD_HEADER, NULL, false},
	{"\"3\", *", "{}", NULL, VERSIONED_BAD_HEADER, NULL, false},
	{"w/\"3\"", "{}", NULL, VERSIONED_BAD_HEADER, NULL, false},
	{"3", "{\"version\":\"x\"}", NULL, VERSIONED_BAD_HEADER, NULL, false},
	/* malformed fields */
	{NULL, "{\"version\":\"3\"}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":3.5}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":0}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":-1}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":null}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":true}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":2147483648}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, "{\"version\":99999999999999999999}", NULL, VERSIONED_MALFORMED, NULL, false},
	{NULL, NULL, "", VERSIONED_MALFORMED, NULL, false},
	{NULL, NULL, "3x", VERSIONED_MALFORMED, NULL, false},
	{"\"3\"", "{\"version\":\"3\"}", NULL, VERSIONED_MALFORMED, NULL, true},
};

static void exchange_init(struct exchange *x, const char *body)
{
	char why[160];

	memset(x, 0, sizeof(*x));
	if (body != NULL) {
		x->body = json_parse(body, strlen(body), why, sizeof(why));
		assert_non_null(x->body);
	}
}

static void a_write_names_the_version_it_saw(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *expected = NULL;
		enum versioned_status status;
		struct exchange x;

		exchange_init(&x, cases[i].body);
		x.request.if_match = cases[i].if_match;
		status = versioned_read(&x, cases[i].query, 1, &expected);
		if (status != cases[i].status)
			print_error("case %zu: If-Match %s, body %s\n", i, cases[i].if_match,
				cases[i].body);
		assert_int_equal(status, cases[i].status);
		if (status == VERSIONED_OK) {
			assert_string_equal(expected, cases[i].expected);
			assert_int_equal(x.by_header, cases[i].by_header);
			assert_int_equal(x.errors.len, 0);
		}
		if (status == VERSIONED_MALFORMED)
			assert_true(x.errors.len > 0);
		exchange_fini(&x);
	}
}

static void a_write_is_not_applied_to_what_if_none_match_names(void **state)
{
	static const struct {
		const char *if_none_match;
		const char *if_match;
		const char *body;
		enum versioned_status status;
		const char *expected;
		bool by_header;
	} table[] = {
		{"\"2\"", NULL, "{\"version\":3}", VERSIONED_OK, "{3}", false},
		{"\"3\"", NULL, "{\"version\":3}", VERSIONED_OK, "{}", true},
		{"\"9\", W/\"3\"", NULL, "{\"version\":3}", VERSIONED_OK, "{}", true},
		{"*", NULL, "{\"version\":3}", VERSIONED_OK, "{}", true},
		{"*", "\"3\"", "{}", VERSIONED_OK, "{}", true},
		{"\"3\",", "\"3\", \"4\"", "{}", VERSIONED_OK, "{4}", true},
		/* nothing is there at version 0 */
		{"*", NULL, "{\"version\":0}", VERSIONED_OK, "{0}", false},
		{"\"0\"", NULL, "{\"version\":0}", VERSIONED_OK, "{}", true},
		{"*", NULL, "{}", VERSIONED_MISSING, NULL, false},
		{"3", NULL, "{\"version\":3}", VERSIONED_BAD_NONE, NULL, false},
		{"3", NULL, "{\"version\":\"x\"}", VERSIONED_BAD_NONE, NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *expected = NULL;
		struct exchange x;

		exchange_init(&x, table[i].body);
		x.request.if_match = table[i].if_match;
		x.request.if_none_match = table[i].if_none_match;
		if (versioned_read(&x, NULL, 0, &expected) != table[i].status)
			fail_msg("case %zu", i);
		if (table[i].expected != NULL) {
			assert_string_equal(expected, table[i].expected);
			assert_int_equal(x.by_header, table[i].by_header);
		}
		exchange_fini(&x);
	}
}

static void what_a_write_expects_can_be_asked(void **state)
{
	(void)state;
	assert_true(versioned_expects("{3}", 3));
	assert_true(versioned_expects("{1,3}", 3));
	assert_false(versioned_expects("{1,31}", 3));
	assert_false(versioned_expects("{}", 3));
}

static void version_zero_is_for_profiles_alone(void **state)
{
	const char *expected = NULL;
	struct exchange x;

	(void)state;
	exchange_init(&x, "{\"version\":0}");
	assert_int_equal(versioned_read(&x, NULL, 0, &expected), VERSIONED_OK);
	assert_string_equal(expected, "{0}");
	exchange_fini(&x);
}

static void if_none_match_compares_weakly_and_forgives_nonsense(void **state)
{
	static const struct {
		const char *header;
		bool match;
	} table[] = {{NULL, false}, {"*", true}, {"\"7\"", true}, {"W/\"7\"", true},
		{"\"6\", W/\"7\"", true}, {", \"7\",", true}, {"\"6\"", false}, {"7", false},
		{"\"7", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct exchange x;

		exchange_init(&x, NULL);
		x.request.if_none_match = table[i].header;
		assert_int_equal(versioned_none_match(&x, 7), table[i].match);
		exchange_fini(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_names_the_version_it_saw),
		cmocka_unit_test(a_write_is_not_applied_to_what_if_none_match_names),
		cmocka_unit_test(what_a_write_expects_can_be_asked),
		cmocka_unit_test(version_zero_is_for_profiles_alone),
		cmocka_unit_test(if_none_match_compares_weakly_and_forgives_nonsense),
	};

	return cmocka_run_group_tests_name("versioned", tests, NULL, NULL);
}
