/* Refusals: every kind of problem, in the shape of RFC 9457 and of the older clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http/json.h"
#include "http/problem.h"
#include "http/utf8.h"

#define ID "00010203-0405-0607-0809-0a0b0c0d0e0f"

static struct json_doc *body_of(const struct reply *reply)
{
	char why[200] = "";
	struct json_doc *doc =
		json_parse(buf_cstr(&reply->body), reply->body.len, why, sizeof(why));

	if (doc == NULL)
		print_message("%s\n%s\n", buf_cstr(&reply->body), why);
	assert_non_null(doc);
	return doc;
}

static void a_problem_reads_as_promised_to_the_byte(void **state)
{
	struct reply reply = {0};

	(void)state;
	reply_start(&reply, 200, REPLY_JSON);
	reply_etag(&reply, 1);
	buf_str(&reply.body, "half an answer");
	problem_reply(&reply, PROBLEM_VERSION_CONFLICT, ID, "{\"currentVersion\":4}",
		"Version %d is now current.", 4);
	assert_int_equal(reply.status, 409);
	assert_string_equal(reply.content_type, "application/problem+json");
	assert_string_equal(buf_cstr(&reply.headers), "");
	assert_string_equal(buf_cstr(&reply.body),
		"{\"type\":\"urn:cardkeep:problem:version-conflict\",\"title\":\"Version "
		"conflict\","
		"\"status\":409,\"detail\":\"Version 4 is now current.\","
		"\"instance\":\"urn:uuid:" ID "\",\"error\":\"Version conflict\","
		"\"message\":\"Version 4 is now current.\",\"currentVersion\":4}");
	reply_free(&reply);
}

static void every_problem_has_its_seven_members_in_order(void **state)
{
	static const char *names[] = {
		"type", "title", "status", "detail", "instance", "error", "message"};
	struct reply reply = {0};

	(void)state;
	for (int id = 0; id < PROBLEM_COUNT; id++) {
		struct json_doc *doc;

		problem_reply(&reply, (enum problem_id)id, ID, NULL, "Why, in \"quotes\".");
		doc = body_of(&reply);
		assert_int_equal(json_count(doc), ARRAY_LEN(names));
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			assert_string_equal(json_at(doc, i)->name, names[i]);
		assert_memory_equal(json_at(doc, 0)->string, "urn:cardkeep:problem:", 21);
		assert_int_equal(json_at(doc, 2)->integer, reply.status);
		assert_int_equal(problem_status((enum problem_id)id), reply.status);
		assert_true(reply.status >= 400);
		assert_string_equal(json_at(doc, 3)->string, "Why, in \"quotes\".");
		assert_string_equal(json_at(doc, 6)->string, "Why, in \"quotes\".");
		json_free(&doc);
	}
	reply_free(&reply);
}

static void each_status_brings_the_headers_it_demands(void **state)
{
	struct reply reply = {0};

	(void)state;
	for (int id = 0; id < PROBLEM_COUNT; id++) {
		const char *want = "";

		problem_reply(&reply, (enum problem_id)id, ID, NULL, "Why.");
		if (reply.status == 401)
			want = "WWW-Authenticate: Bearer\r\n";
		if (reply.status == 429 || reply.status == 503 || reply.status == 504)
			want = "Retry-After: 1\r\n";
		assert_string_equal(buf_cstr(&reply.headers), want);
	}
	reply_free(&reply);
}

static void members_are_added_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *members;
		size_t more;
	} cases[] = {
		{"{}", 0},
		{"{ \n}", 0},
		{"{\"a\":1}", 1},
		{" { \"a\" : 1, \"b\":{\"c\":[]} } ", 2},
	};
	struct reply reply = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_doc *doc;

		problem_reply(&reply, PROBLEM_VALIDATION, ID, cases[i].members, "Why.");
		doc = body_of(&reply);
		assert_int_equal(json_count(doc), 7 + cases[i].more);
		json_free(&doc);
	}
	reply_free(&reply);
}

static void a_list_of_fields_has_commas_between(void **state)
{
	struct buf errors = {0};
	struct reply reply = {0};
	struct json_doc *doc;

	(void)state;
	buf_str(&errors, "{\"errors\":[");
	problem_field(&errors, "name", "is required");
	problem_field(&errors, "a\"b", "is \\ wrong");
	buf_str(&errors, "]}");
	assert_string_equal(buf_cstr(&errors),
		"{\"errors\":[{\"field\":\"name\",\"message\":\"is required\"},"
		"{\"field\":\"a\\\"b\",\"message\":\"is \\\\ wrong\"}]}");
	problem_reply(&reply, PROBLEM_VALIDATION, ID, buf_cstr(&errors), "Two fields are wrong.");
	doc = body_of(&reply);
	assert_int_equal(json_find(doc, "errors")->kind, JSON_ARRAY);
	json_free(&doc);
	reply_free(&reply);
	buf_free(&errors);
}

static void a_name_that_is_too_long_is_cut_between_letters(void **state)
{
	char name[2 * PROBLEM_NAME_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < PROBLEM_NAME_BYTES; i++)
		memcpy(name + i * 2, "\xc5\x82", 3);
	for (size_t shift = 0; shift < 2; shift++) {
		struct buf errors = {0};

		name[0] = shift == 1 ? 'a' : '\xc5';
		name[1] = shift == 1 ? 'b' : '\x82';
		problem_field(&errors, name + shift, "is long");
		assert_int_equal(errors.len, strlen("{\"field\":\"\",\"message\":\"is long\"}") +
						     PROBLEM_NAME_BYTES - shift);
		assert_true(utf8_valid(errors.data, errors.len));
		buf_free(&errors);
	}
	assert_int_equal(problem_cut("abc", 3), 3);
	assert_int_equal(problem_cut("abc", 2), 2);
	assert_int_equal(problem_cut("", 2), 0);
	assert_int_equal(problem_cut("\U0001f600", 3), 0);
}

/* Cut in the middle of a letter it would be no JSON any more. */
static void a_detail_that_is_too_long_ends_with_a_whole_letter(void **state)
{
	char letters[1201];
	struct reply reply = {0};

	(void)state;
	for (size_t i = 0; i < 600; i++)
		memcpy(letters + i * 2, "\xc5\x82", 3);
	for (int shift = 0; shift < 2; shift++) {
		struct json_doc *doc;

		problem_reply(
			&reply, PROBLEM_BAD_JSON, ID, NULL, "%s%s", shift ? "a" : "", letters);
		doc = body_of(&reply);
		assert_true(json_find(doc, "detail")->string_len >= 510);
		json_free(&doc);
	}
	reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_reads_as_promised_to_the_byte),
		cmocka_unit_test(every_problem_has_its_seven_members_in_order),
		cmocka_unit_test(each_status_brings_the_headers_it_demands),
		cmocka_unit_test(members_are_added_whole_or_not_at_all),
		cmocka_unit_test(a_list_of_fields_has_commas_between),
		cmocka_unit_test(a_name_that_is_too_long_is_cut_between_letters),
		cmocka_unit_test(a_detail_that_is_too_long_ends_with_a_whole_letter),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
