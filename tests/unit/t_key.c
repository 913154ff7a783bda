/* Which headers are keys, which are the same key, and what a key is bound to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/key.h"

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X255 X50 X50 X50 X50 X50 "xxxxx"

static struct request request_of(const char *key)
{
	struct request request = {.method = REQUEST_POST,
		.path = "/api/cards",
		.query = "",
		.body = "{}",
		.body_len = 2,
		.idempotency_key = key};

	return request;
}

static void a_header_is_a_key_or_it_is_not(void **state)
{
	static const struct {
		const char *header;
		enum key_status status;
	} cases[] = {
		{"k", KEY_OK},
		{" k\t", KEY_OK},
		{"\"k\"", KEY_OK},
		{" \"k\" ", KEY_OK},
		{"\"a b\"", KEY_OK},
		{"\"a,b\"", KEY_OK},
		{"\"\\\"\\\\\"", KEY_OK},
		{"a\\b", KEY_OK},
		{"8e03978e-40d5-43dd-bc93-6894a57f9324", KEY_OK},
		{X255, KEY_OK},
		{"\"" X255 "\"", KEY_OK},
		{"", KEY_MALFORMED},
		{" ", KEY_MALFORMED},
		{"\"\"", KEY_MALFORMED},
		{"\"", KEY_MALFORMED},
		{"\"k", KEY_MALFORMED},
		{"\"k\\\"", KEY_MALFORMED},
		{"\"k\\", KEY_MALFORMED},
		{"\"k\\n\"", KEY_MALFORMED},
		{"\"k\" l", KEY_MALFORMED},
		{"\"k\";a", KEY_MALFORMED},
		{"\"k\", \"l\"", KEY_MALFORMED},
		{"k l", KEY_MALFORMED},
		{"k,l", KEY_MALFORMED},
		{"k\"", KEY_MALFORMED},
		{"\"k\tl\"", KEY_MALFORMED},
		{"\xc3\xa9", KEY_MALFORMED},
		{"\"\xc3\xa9\"", KEY_MALFORMED},
		{"\x7f", KEY_MALFORMED},
		{X255 "x", KEY_MALFORMED},
		{"\"" X255 "x\"", KEY_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x = {.request = request_of(cases[i].header)};
		enum key_status status = key_read(&x, false);

		if (status != cases[i].status || x.keyed != (status == KEY_OK))
			fail_msg("%s: %d", cases[i].header, (int)status);
	}
}

static void without_a_header_there_is_no_key(void **state)
{
	struct exchange x = {.request = request_of(NULL)};

	(void)state;
	assert_int_equal(key_read(&x, false), KEY_OK);
	assert_false(x.keyed);
}

static void a_header_that_came_twice_is_no_key(void **state)
{
	struct exchange x = {.request = request_of("k")};

	(void)state;
	x.request.idempotency_key_again = true;
	assert_int_equal(key_read(&x, false), KEY_REPEATED);
	assert_false(x.keyed);
}

static struct exchange read_as(struct request request, bool secret)
{
	struct exchange x = {.request = request};

	assert_int_equal(key_read(&x, secret), KEY_OK);
	return x;
}

static bool same(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static void a_string_and_its_bare_characters_are_one_key(void **state)
{
	static const struct {
		const char *one;
		const char *other;
		bool same;
	} cases[] = {
		{"k", "\"k\"", true},
		{"a\\b", "\"a\\\\b\"", true},
		{" k ", "\"k\"", true},
		{"k", "\"k \"", false},
		{"k", "K", false},
		{"k", "kk", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange one = read_as(request_of(cases[i].one), false);
		struct exchange other = read_as(request_of(cases[i].other), false);

		assert_int_equal(same(&one.key, &other.key), cases[i].same);
		assert_int_equal(same(&one.write, &other.write), cases[i].same);
	}
}

static void every_part_of_the_request_counts_and_the_key_does(void **state)
{
	struct request parts[] = {request_of("k"), request_of("k"), request_of("k"),
		request_of("k"), request_of("k"), request_of("k"), request_of("k"), request_of("k"),
		request_of("k"), request_of("l")};

	(void)state;
	parts[1].method = REQUEST_PATCH;
	parts[2].path = "/api/card";
	parts[3].query = "a";
	parts[4].if_match = "\"1\"";
	parts[5].if_match = "";
	parts[6].prefer = "\"1\"";
	parts[7].body = "{\0";
	parts[8].path = "/api/card";
	parts[8].query = "s";
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t k = 0; k < i; k++) {
			struct exchange one = read_as(parts[i], false);
			struct exchange other = read_as(parts[k], false);

			if (same(&one.write, &other.write))
				fail_msg("%zu and %zu are one request", i, k);
		}
}

static void what_is_read_otherwise_does_not_count(void **state)
{
	struct request request = request_of("k");
	struct exchange one = read_as(request, false);
	struct exchange other;

	(void)state;
	request.authorization = "Bearer x";
	request.content_type = "text/plain";
	request.user_agent = "x";
	request.id.bytes[0] = 1;
	other = read_as(request, false);
	assert_true(same(&one.write, &other.write));
}

static void a_body_with_a_secret_is_left_out(void **state)
{
	struct request request = request_of("k");
	struct exchange one = read_as(request, true);
	struct exchange other;

	(void)state;
	request.body = "{\"password\":\"x\"}";
	request.body_len = strlen(request.body);
	other = read_as(request, true);
	assert_true(same(&one.write, &other.write));
	other = read_as(request, false);
	assert_false(same(&one.write, &other.write));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_a_key_or_it_is_not),
		cmocka_unit_test(without_a_header_there_is_no_key),
		cmocka_unit_test(a_header_that_came_twice_is_no_key),
		cmocka_unit_test(a_string_and_its_bare_characters_are_one_key),
		cmocka_unit_test(every_part_of_the_request_counts_and_the_key_does),
		cmocka_unit_test(what_is_read_otherwise_does_not_count),
		cmocka_unit_test(a_body_with_a_secret_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
