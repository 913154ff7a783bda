/* Lists of origins as operators write them, and what is found in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/origins.h"

static void a_list_holds_origins_as_browsers_send_them(void **state)
{
	static const char *const lists[] = {"", " \t", "https://a.example", "http://localhost:5173",
		" https://a.example\thttp://b.example:8080  ", "http://127.0.0.1:3000",
		"http://[::1]:8080", "https://[2001:db8::1]", "https://xn--bcher-kva.example",
		"http://a.example:443", "https://a.example:80", "https://a.example:65535",
		"http://under_score.local"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (!origins_valid(lists[i]))
			fail_msg("refused: %s", lists[i]);
}

static void what_no_browser_sends_is_refused(void **state)
{
	static const char *const lists[] = {"*", "null", "a.example", "//a.example", "https://",
		"http://", "https:///", "https://a.example/", "https://a.example/app",
		"https://a.example?x", "https://a.example#x", "https://me@a.example",
		"https://*.a.example", "HTTPS://a.example", "https://A.example", "ftp://a.example",
		"https://b\303\274cher.example", "https://a.example:", "https://a.example:0",
		"https://a.example:08", "https://a.example:443", "http://a.example:80",
		"https://a.example:65536", "https://a.example:123456", "https://a.example:8x",
		"https://a.example,https://b.example", "https://a.example;", "https://[::1",
		"https://[]", "https://[::g]", "https://::1", "https://.example",
		"https://-a.example", "https://a.example\"", "https://$host",
		"https://a.example b.example"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (origins_valid(lists[i]))
			fail_msg("taken: %s", lists[i]);
}

static void a_host_is_no_longer_than_a_name_may_be(void **state)
{
	char origin[300] = "https://";

	(void)state;
	memset(origin + 8, 'a', 253);
	assert_true(origins_valid(origin));
	origin[8 + 253] = 'a';
	assert_false(origins_valid(origin));
}

static void an_origin_is_found_whole_or_not_at_all(void **state)
{
	static const char list[] = " https://a.example http://b.example:8080\thttps://c.example ";
	static const char *const in[] = {
		"https://a.example", "http://b.example:8080", "https://c.example"};
	static const char *const out[] = {"", "null", "*", "https://a.exampl",
		"https://a.example.org", "https://a.example:443", "http://a.example",
		"https://b.example:8080", "http://b.example", "https://A.example",
		"https://a.example http://b.example:8080", " https://a.example", "c.example"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		assert_true(origins_have(list, in[i]));
	for (size_t i = 0; i < ARRAY_LEN(out); i++)
		if (origins_have(list, out[i]))
			fail_msg("found: %s", out[i]);
	assert_false(origins_have("", "https://a.example"));
	assert_false(origins_have("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_holds_origins_as_browsers_send_them),
		cmocka_unit_test(what_no_browser_sends_is_refused),
		cmocka_unit_test(a_host_is_no_longer_than_a_name_may_be),
		cmocka_unit_test(an_origin_is_found_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("origins", tests, NULL, NULL);
}
