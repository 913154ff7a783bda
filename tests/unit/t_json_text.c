/* JSON as it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_text.h"

static void what_stands_for_itself_is_not_escaped_and_everything_else_is(void **state)
{
	struct buf out = {0};

	(void)state;
	json_text_quote(&out, "a\"b\\c\n\x01\0", 8);
	assert_string_equal(buf_cstr(&out), "\"a\\\"b\\\\c\\n\\u0001\\u0000\"");
	buf_reset(&out);
	json_text_quote(&out, "\xc5\x82/'", 4);
	assert_string_equal(buf_cstr(&out), "\"\xc5\x82/'\"");
	buf_reset(&out);
	json_text_quote(&out, "", 0);
	assert_string_equal(buf_cstr(&out), "\"\"");
	buf_free(&out);
}

static void what_is_not_known_is_null(void **state)
{
	struct buf out = {0};
	bool first = true;

	(void)state;
	json_text_comma(&out, &first);
	json_text_member(&out, "text", "it's \"so\"");
	json_text_comma(&out, &first);
	json_text_member(&out, "none", NULL);
	json_text_comma(&out, &first);
	json_text_number(&out, "number", true, 0.1234567);
	json_text_comma(&out, &first);
	json_text_number(&out, "nothing", false, 1);
	assert_string_equal(buf_cstr(&out),
		"\"text\":\"it's \\\"so\\\"\",\"none\":null,\"number\":0.123457,\"nothing\":null");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_for_itself_is_not_escaped_and_everything_else_is),
		cmocka_unit_test(what_is_not_known_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
