/* What a client asks: targets decoded once, headers taken as they are, ages held in bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "http/request.h"
#include "http/utf8.h"

#define ID "000102030405060708090a0b0c0d0e0f"

/* Parameters as nginx sends them: pairs of name and value, ended by NULL. */
static const char *lookup(void *source, const char *name, size_t nth)
{
	for (const char **pair = source; *pair != NULL; pair += 2)
		if (strcmp(pair[0], name) == 0 && nth-- == 0)
			return pair[1];
	return NULL;
}

static struct mem_arena arena;

static struct request filled(const char *method, const char *uri)
{
	const char *params[] = {
		"CARDKEEP_REQUEST_ID", ID, "REQUEST_METHOD", method, "REQUEST_URI", uri, NULL};
	struct request request = {.body = ""};

	assert_null(request_fill(&request, &arena, lookup, params, 0));
	return request;
}

static int release(void **state)
{
	(void)state;
	mem_arena_free(&arena);
	return 0;
}

static void the_target_is_split_and_its_path_decoded_once(void **state)
{
	static const struct {
		const char *uri, *path, *query;
	} cases[] = {
		{"/", "/", ""},
		{"/api/cards", "/api/cards", ""},
		{"/api/cards?limit=1&after=x", "/api/cards", "limit=1&after=x"},
		{"/api/cards?", "/api/cards", ""},
		{"/api/cards??a", "/api/cards", "?a"},
		{"/a/b%20c", "/a/b c", ""},
		/* an encoded slash is no separator, and no name of ours has one */
		{"/a%2Fb", "", ""},
		{"/a%2f", "", ""},
		{"/%c5%82", "/\xc5\x82", ""},
		{"/a%2541", "/a%41", ""},
		{"/a+b", "/a+b", ""},
		{"/a?b=%zz", "/a", "b=%zz"},
		{"/../etc//passwd", "/../etc//passwd", ""},
		{"/a%3Fb", "/a?b", ""},
		/* what no route may match */
		{"/a%", "", ""},
		{"/a%4", "", ""},
		{"/a%zz", "", ""},
		{"/a%00b", "", ""},
		{"/a%ff", "", ""},
		{"/a%c0%af", "", ""},
		{"/a%ed%a0%80", "", ""},
		{"/a\xff", "", ""},
		{"api/cards", "", ""},
		{"*", "", ""},
		{"http://h/api", "", ""},
		{"?a=1", "", "a=1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request request = filled("GET", cases[i].uri);

		assert_string_equal(request.path, cases[i].path);
		assert_string_equal(request.query, cases[i].query);
	}
}

static void methods_are_known_by_their_exact_names(void **state)
{
	static const struct {
		const char *name;
		enum request_method method;
	} cases[] = {
		{"GET", REQUEST_GET},
		{"HEAD", REQUEST_HEAD},
		{"POST", REQUEST_POST},
		{"PUT", REQUEST_PUT},
		{"PATCH", REQUEST_PATCH},
		{"DELETE", REQUEST_DELETE},
		{"OPTIONS", REQUEST_OPTIONS},
		{"get", REQUEST_OTHER},
		{"GETS", REQUEST_OTHER},
		{"TRACE", REQUEST_OTHER},
		{"PROPFIND", REQUEST_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(filled(cases[i].name, "/").method, cases[i].method);
}

static void headers_are_copied_and_empty_ones_absent(void **state)
{
	const char *params[] = {"CARDKEEP_REQUEST_ID", ID, "REQUEST_METHOD", "POST", "REQUEST_URI",
		"/", "HTTP_AUTHORIZATION", "Bearer x", "CONTENT_TYPE", "application/json",
		"HTTP_IF_MATCH", "\"1\"", "HTTP_IF_NONE_MATCH", "*", "HTTP_USER_AGENT", "curl/8",
		"REMOTE_ADDR", "::1", "HTTP_COOKIE", "a=b", "HTTP_ORIGIN", "http://o",
		"HTTP_SEC_FETCH_SITE", "none", "HTTP_HOST", "h", "REQUEST_SCHEME", "https",
		"CONTENT_LENGTH", "12", NULL};
	struct request request = {.body = ""};

	(void)state;
	assert_null(request_fill(&request, &arena, lookup, params, 12));
	assert_string_equal(request.authorization, "Bearer x");
	assert_ptr_not_equal(request.authorization, params[7]);
	assert_string_equal(request.content_type, "application/json");
	assert_string_equal(request.if_match, "\"1\"");
	assert_string_equal(request.if_none_match, "*");
	assert_string_equal(request.user_agent, "curl/8");
	assert_string_equal(request.remote_address, "::1");
	assert_string_equal(request.cookie, "a=b");
	assert_string_equal(request.origin, "http://o");
	assert_string_equal(request.sec_fetch_site, "none");
	assert_string_equal(request.host, "h");
	assert_string_equal(request.scheme, "https");
	assert_string_equal(request.id_text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
	assert_int_equal(request.id.bytes[15], 15);
	for (size_t i = 6; i < ARRAY_LEN(params) - 1; i += 2)
		params[i + 1] = "";
	assert_null(request_fill(&request, &arena, lookup, params, 12));
	assert_null(request.authorization);
	assert_null(request.content_type);
	assert_null(request.if_match);
	assert_null(request.if_none_match);
	assert_null(request.user_agent);
	assert_null(request.remote_address);
}

static void the_lines_of_a_list_are_one_list(void **state)
{
	const char *params[] = {"CARDKEEP_REQUEST_ID", ID, "REQUEST_METHOD", "GET", "REQUEST_URI",
		"/", "HTTP_PREFER", "return=minimal", "HTTP_ACCEPT", "text/html", "HTTP_PREFER", "",
		"HTTP_ACCEPT", "*/*;q=0.1", "HTTP_PREFER", "conflict=merge", "HTTP_IF_MATCH",
		"\"1\"", "HTTP_IF_MATCH", "\"2\"", "HTTP_IF_NONE_MATCH", "", "HTTP_HOST", "a",
		"HTTP_HOST", "b", NULL};
	struct request request = {.body = ""};

	(void)state;
	assert_null(request_fill(&request, &arena, lookup, params, 0));
	assert_string_equal(request.prefer, "return=minimal, conflict=merge");
	assert_string_equal(request.accept, "text/html, */*;q=0.1");
	assert_string_equal(request.if_match, "\"1\", \"2\"");
	assert_null(request.if_none_match);
	assert_string_equal(request.host, "a");
}

static void a_user_agent_that_is_no_text_is_absent(void **state)
{
	static const char *bad[] = {"a\x01", "a\tb", "a\x7f", "\xff", "\xc3"};
	const char *params[] = {"CARDKEEP_REQUEST_ID", ID, "REQUEST_METHOD", "GET", "REQUEST_URI",
		"/", "HTTP_USER_AGENT", "", NULL};
	struct request request = {.body = ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		params[7] = bad[i];
		assert_null(request_fill(&request, &arena, lookup, params, 0));
		assert_null(request.user_agent);
	}
	params[7] = "Fj\xc3\xb6rd/1";
	assert_null(request_fill(&request, &arena, lookup, params, 0));
	assert_string_equal(request.user_agent, params[7]);
}

static void a_key_is_absent_empty_or_there_and_perhaps_again(void **state)
{
	const char *params[] = {"CARDKEEP_REQUEST_ID", ID, "REQUEST_METHOD", "POST", "REQUEST_URI",
		"/", "HTTP_IDEMPOTENCY_KEY", "", "HTTP_IDEMPOTENCY_KEY", "k", NULL};
	struct request request = {.body = ""};

	(void)state;
	assert_null(request_fill(&request, &arena, lookup, params, 0));
	assert_string_equal(request.idempotency_key, "");
	assert_true(request.idempotency_key_again);
	params[8] = NULL;
	request = (struct request){.body = ""};
	assert_null(request_fill(&request, &arena, lookup, params, 0));
	assert_string_equal(request.idempotency_key, "");
	assert_false(request.idempotency_key_again);
	assert_null(filled("POST", "/").idempotency_key);
}

static void what_nginx_always_sends_may_not_be_missing(void **state)
{
	static const struct {
		const char *id, *method, *uri, *length, *complaint;
	} cases[] = {
		{NULL, "GET", "/", NULL, "CARDKEEP_REQUEST_ID"},
		{"", "GET", "/", NULL, "CARDKEEP_REQUEST_ID"},
		{"000102030405060708090a0b0c0d0e0", "GET", "/", NULL, "CARDKEEP_REQUEST_ID"},
		{"000102030405060708090a0b0c0d0e0g", "GET", "/", NULL, "CARDKEEP_REQUEST_ID"},
		{ID, NULL, "/", NULL, "REQUEST_METHOD"},
		{ID, "", "/", NULL, "REQUEST_METHOD"},
		{ID, "GET", NULL, NULL, "REQUEST_URI"},
		{ID, "GET", "", NULL, "REQUEST_URI"},
		{ID, "GET", "/", "4", "CONTENT_LENGTH"},
		{ID, "GET", "/", "6", "CONTENT_LENGTH"},
		{ID, "GET", "/", "-5", "CONTENT_LENGTH"},
		{ID, "GET", "/", "+5", "CONTENT_LENGTH"},
		{ID, "GET", "/", " 5", "CONTENT_LENGTH"},
		{ID, "GET", "/", "5 ", "CONTENT_LENGTH"},
		{ID, "GET", "/", "0x5", "CONTENT_LENGTH"},
		{ID, "GET", "/", "4294967301", "CONTENT_LENGTH"},
		{ID, "GET", "/", "18446744073709551621", "CONTENT_LENGTH"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *params[] = {"CARDKEEP_REQUEST_ID", cases[i].id, "REQUEST_METHOD",
			cases[i].method, "REQUEST_URI", cases[i].uri, "CONTENT_LENGTH",
			cases[i].length, NULL};
		struct request request = {.body = ""};
		const char *wrong = request_fill(&request, &arena, lookup, params, 5);

		assert_non_null(wrong);
		assert_non_null(strstr(wrong, cases[i].complaint));
	}
}

static void the_age_of_a_request_is_held_within_a_minute(void **state)
{
	const int64_t mono = INT64_C(5000000000);
	const int64_t wall = INT64_C(1700000000) * CLOCK_S + 500 * CLOCK_MS;
	static const struct {
		const char *msec;
		int64_t age_us;
	} cases[] = {
		{"1700000000.500", 0},
		{"1700000000.499", 1 * CLOCK_MS},
		{"1699999999.500", 1 * CLOCK_S},
		{"1699999940.500", 60 * CLOCK_S},
		{"1699999940.499", 60 * CLOCK_S},
		{"0.000", 60 * CLOCK_S},
		{"1700000000.501", 0},
		{"1800000000.000", 0},
		{"999999999999999.000", 0},
		{"9999999999999999.000", 0},
		{NULL, 0},
		{"", 0},
		{"1699999999", 0},
		{"1699999999.5", 0},
		{"1699999999.5000", 0},
		{"1699999999,500", 0},
		{"-169999999.500", 0},
		{"1699999999.-50", 0},
		{"1699999999. 50", 0},
		{".500", 0},
		{"x", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(request_began_us(cases[i].msec, wall, mono) == mono - cases[i].age_us);
}

static void a_pattern_takes_one_segment_that_is_not_empty(void **state)
{
	static const struct {
		const char *path, *pattern;
		bool fits;
		const char *segment;
	} cases[] = {
		{"/api/cards", "/api/cards", true, NULL},
		{"/api/cards/", "/api/cards", false, NULL},
		{"/api/cards/7", "/api/cards/{}", true, "7"},
		{"/api/cards/a b", "/api/cards/{}", true, "a b"},
		{"/api/cards/{}", "/api/cards/{}", true, "{}"},
		{"/api/cards/", "/api/cards/{}", false, NULL},
		{"/api/cards", "/api/cards/{}", false, NULL},
		{"/api/card", "/api/cards/{}", false, NULL},
		{"/api/cards/7/history", "/api/cards/{}", false, NULL},
		{"/api/cards/7/", "/api/cards/{}", false, NULL},
		{"/api/cards//7", "/api/cards/{}", false, NULL},
		{"", "/api/cards/{}", false, NULL},
		{"/api/cards/7/history", "/api/cards/{}/history", true, "7"},
		{"/api/cards/history", "/api/cards/{}/history", false, NULL},
		{"/api/cards//history", "/api/cards/{}/history", false, NULL},
		{"/api/cards/7/history/", "/api/cards/{}/history", false, NULL},
		{"/api/cards/7/8/history", "/api/cards/{}/history", false, NULL},
		{"/api/cards/7", "/api/cards/{}/history", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct request request = {.path = cases[i].path};
		const char *segment;
		size_t len;

		assert_true(
			request_fits(&request, cases[i].pattern, &segment, &len) == cases[i].fits);
		if (cases[i].segment == NULL)
			assert_null(segment);
		else
			assert_memory_equal(segment, cases[i].segment, len);
		assert_int_equal(len, cases[i].segment != NULL ? strlen(cases[i].segment) : 0);
	}
}

static void query_parameters_are_found_decoded_and_never_twice(void **state)
{
	static const struct {
		const char *query;
		enum request_param found;
		const char *value;
	} cases[] = {
		{"", REQUEST_PARAM_ABSENT, NULL},
		{"b=1", REQUEST_PARAM_ABSENT, NULL},
		{"aa=1&ba=2", REQUEST_PARAM_ABSENT, NULL},
		{"A=1", REQUEST_PARAM_ABSENT, NULL},
		{"=a", REQUEST_PARAM_ABSENT, NULL},
		{"a=1", REQUEST_PARAM_FOUND, "1"},
		{"a", REQUEST_PARAM_FOUND, ""},
		{"a=", REQUEST_PARAM_FOUND, ""},
		{"&&b=2&a=1&", REQUEST_PARAM_FOUND, "1"},
		{"a=b=c", REQUEST_PARAM_FOUND, "b=c"},
		{"%61=1", REQUEST_PARAM_FOUND, "1"},
		{"a=x+y%20z%2B%26", REQUEST_PARAM_FOUND, "x y z+&"},
		{"a=%c5%82", REQUEST_PARAM_FOUND, "\xc5\x82"},
		{"%zz=1&a=2", REQUEST_PARAM_FOUND, "2"},
		{"b=%zz&a=2", REQUEST_PARAM_FOUND, "2"},
		{"a=1?x", REQUEST_PARAM_FOUND, "1?x"},
		{"a=1&a=1", REQUEST_PARAM_BAD, NULL},
		{"a=1&b=2&%61=3", REQUEST_PARAM_BAD, NULL},
		{"a=&a", REQUEST_PARAM_BAD, NULL},
		{"a=%", REQUEST_PARAM_BAD, NULL},
		{"a=%4", REQUEST_PARAM_BAD, NULL},
		{"a=%4&b", REQUEST_PARAM_BAD, NULL},
		{"a=%zz", REQUEST_PARAM_BAD, NULL},
		{"a=%00", REQUEST_PARAM_BAD, NULL},
		{"a=%ff", REQUEST_PARAM_BAD, NULL},
		{"a=\xff", REQUEST_PARAM_BAD, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct request request = {.query = cases[i].query};
		const char *value = "untouched";

		assert_int_equal(request_param(&request, "a", &arena, &value), cases[i].found);
		assert_string_equal(value, cases[i].value != NULL ? cases[i].value : "untouched");
	}
}

static void utf8_ends_where_rfc_3629_ends_it(void **state)
{
	static const struct {
		const char *text;
		size_t step;
	} cases[] = {
		{"a", 1},
		{"\x7f", 1},
		{"\x80", 0},
		{"\xc1\xbf", 0},
		{"\xc2\x80", 2},
		{"\xc2\x7f", 0},
		{"\xc2\xc0", 0},
		{"\xdf\xbf", 2},
		{"\xe0\x9f\xbf", 0},
		{"\xe0\xa0\x80", 3},
		{"\xec\xbf\xbf", 3},
		{"\xed\x9f\xbf", 3},
		{"\xed\xa0\x80", 0},
		{"\xee\x80\x80", 3},
		{"\xef\xbf\xbf", 3},
		{"\xe2\x82\x28", 0},
		{"\xf0\x8f\xbf\xbf", 0},
		{"\xf0\x90\x80\x80", 4},
		{"\xf3\xbf\xbf\xbf", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		{"\xf4\x90\x80\x80", 0},
		{"\xf5\x80\x80\x80", 0},
		{"\xf0\x90\x80\x28", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const size_t len = strlen(cases[i].text);

		assert_int_equal(utf8_step(cases[i].text, len), cases[i].step);
		assert_int_equal(utf8_valid(cases[i].text, len), cases[i].step == len);
		assert_int_equal(utf8_step(cases[i].text, len - 1), 0);
	}
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
}

static void parameters_come_one_by_one_in_their_order(void **state)
{
	const struct request request = filled("GET", "/x?a=1&&b=c+d%3D&e&a=%C3%A9&=f&");
	static const char *const expected[][2] = {
		{"a", "1"}, {"b", "c d="}, {"e", ""}, {"a", "\xc3\xa9"}, {"", "f"}};
	const char *cursor = request.query;
	const char *name;
	const char *value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(
			request_param_next(&cursor, &arena, &name, &value), REQUEST_PARAM_FOUND);
		assert_string_equal(name, expected[i][0]);
		assert_string_equal(value, expected[i][1]);
	}
	assert_int_equal(request_param_next(&cursor, &arena, &name, &value), REQUEST_PARAM_ABSENT);
	for (size_t i = 0; i < 3; i++) {
		static const char *const broken[] = {"%zz=1", "a=%00", "a=%ff"};

		cursor = broken[i];
		assert_int_equal(
			request_param_next(&cursor, &arena, &name, &value), REQUEST_PARAM_BAD);
	}
}

static void the_rest_face_is_known_by_the_path_also_where_that_cannot_be_read(void **state)
{
	static const char *const yes[] = {"/rest", "/rest/", "/rest/v1/x?y", "/rpc?x", "/rpc/%zz",
		"/rest/%ff", "/r%65st/x", "/rest?/api"};
	static const char *const no[] = {"/", "/api/cards", "/restful", "/rpcs/x", "/x/rest/",
		"/api/%ff?/rest", "/api?/rpc/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (filled("GET", yes[i]).face != REQUEST_FACE_POSTGREST)
			fail_msg("%s is not known", yes[i]);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		if (filled("GET", no[i]).face != REQUEST_FACE_JSON)
			fail_msg("%s is taken for it", no[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_target_is_split_and_its_path_decoded_once),
		cmocka_unit_test(methods_are_known_by_their_exact_names),
		cmocka_unit_test(headers_are_copied_and_empty_ones_absent),
		cmocka_unit_test(the_lines_of_a_list_are_one_list),
		cmocka_unit_test(a_user_agent_that_is_no_text_is_absent),
		cmocka_unit_test(a_key_is_absent_empty_or_there_and_perhaps_again),
		cmocka_unit_test(what_nginx_always_sends_may_not_be_missing),
		cmocka_unit_test(the_age_of_a_request_is_held_within_a_minute),
		cmocka_unit_test(a_pattern_takes_one_segment_that_is_not_empty),
		cmocka_unit_test(query_parameters_are_found_decoded_and_never_twice),
		cmocka_unit_test(utf8_ends_where_rfc_3629_ends_it),
		cmocka_unit_test(parameters_come_one_by_one_in_their_order),
		cmocka_unit_test(the_rest_face_is_known_by_the_path_also_where_that_cannot_be_read),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, release);
}
