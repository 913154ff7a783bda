/* The REST face: the shape of its refusals, and which form of an answer Accept asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/postgrest/rest.h"
#include "base/must.h"

static const struct {
	const char *accept;
	enum rest_form form;
} forms[] = {
	{NULL, REST_FORM_ARRAY},
	{"*/*", REST_FORM_ARRAY},
	{"application/json", REST_FORM_ARRAY},
	{"Application/JSON; charset=utf-8", REST_FORM_ARRAY},
	{"application/*;q=0.3", REST_FORM_ARRAY},
	{"text/html, application/xml;q=0.9, */*;q=0.8", REST_FORM_ARRAY},
	{"application/vnd.pgrst.array+json", REST_FORM_ARRAY},
	{"application/vnd.pgrst.object+json", REST_FORM_ROW},
	{"application/vnd.pgrst.object", REST_FORM_ROW},
	{"application/vnd.pgrst.object+json, application/json", REST_FORM_ROW},
	{"application/vnd.pgrst.object+json;q=0.5, application/json", REST_FORM_ARRAY},
	{"application/json;q=0, application/vnd.pgrst.object+json ; q=0.1", REST_FORM_ROW},
	{"application/vnd.pgrst.object+json;nulls=stripped", REST_FORM_NONE},
	{"application/json;q=0", REST_FORM_NONE},
	{"application/jsonp", REST_FORM_NONE},
	{"application/json;q=nan", REST_FORM_NONE},
	{"application/json;q=0.000", REST_FORM_NONE},
	{"application/json;q=0.0009, application/vnd.pgrst.object;q=0.001", REST_FORM_ROW},
	{"application/json;q=1e99, application/vnd.pgrst.object;q=0.999", REST_FORM_ARRAY},
	{"application/json;q=0.25, application/vnd.pgrst.object;q=0.3", REST_FORM_ROW},
	{"text/csv", REST_FORM_NONE},
	{",", REST_FORM_NONE},
	{";q=1", REST_FORM_NONE},
};

static void accept_asks_for_rows_or_for_the_only_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (rest_form(forms[i].accept) != forms[i].form)
			fail_msg("%s", forms[i].accept);
}

static void a_refusal_has_four_members_to_the_byte(void **state)
{
	struct reply reply = {0};

	(void)state;
	postgrest_reply(&reply, POSTGREST_FUNCTION, NULL, "Say \"x\"", "no %s", "such");
	assert_int_equal(reply.status, 404);
	assert_string_equal(reply.content_type, "application/json; charset=utf-8");
	assert_string_equal(buf_cstr(&reply.body),
		"{\"code\":\"PGRST202\",\"message\":\"no such\",\"details\":null,"
		"\"hint\":\"Say \\\"x\\\"\"}");
	reply_free(&reply);
}

static void a_message_that_is_too_long_is_cut_between_letters(void **state)
{
	char text[2000];
	struct reply reply = {0};

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "é", 3);
	postgrest_reply(&reply, POSTGREST_QUERY, NULL, NULL, "x%s", text);
	assert_true(reply.body.len < 600);
	assert_non_null(strstr(buf_cstr(&reply.body), "é\",\"details\""));
	reply_free(&reply);
}

static void a_problem_keeps_its_status_headers_and_name(void **state)
{
	static const struct {
		enum problem_id id;
		const char *code;
		int status;
		const char *headers;
	} problems[] = {
		{PROBLEM_UNAUTHORIZED, "PGRST301", 401, "WWW-Authenticate: Bearer\r\n"},
		{PROBLEM_BAD_JSON, "PGRST102", 400, ""},
		{PROBLEM_UNSUPPORTED_TYPE, "PGRST102", 415, ""},
		{PROBLEM_CROSS_ORIGIN, "42501", 403, ""},
		{PROBLEM_NOT_FOUND, "PGRST125", 404, ""},
		{PROBLEM_METHOD_NOT_ALLOWED, "PGRST117", 405, ""},
		{PROBLEM_IN_PROGRESS, "idempotency-in-progress", 409, ""},
		{PROBLEM_UNAVAILABLE, "unavailable", 503, "Retry-After: 1\r\n"},
		{PROBLEM_OUTCOME_UNKNOWN, "outcome-unknown", 504, "Retry-After: 1\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(problems); i++) {
		struct reply reply = {0};

		postgrest_problem(&reply, problems[i].id, "why");
		assert_int_equal(reply.status, problems[i].status);
		assert_string_equal(buf_cstr(&reply.headers), problems[i].headers);
		assert_non_null(strstr(buf_cstr(&reply.body), problems[i].code));
		reply_free(&reply);
	}
}

static void what_sql_raised_has_the_status_of_its_code(void **state)
{
	(void)state;
	assert_int_equal(postgrest_status("23505"), 409);
	assert_int_equal(postgrest_status("PGRST116"), 406);
	assert_int_equal(postgrest_status("PGRST103"), 416);
	assert_int_equal(postgrest_status("22P02"), 400);
	assert_int_equal(postgrest_status("42703"), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_asks_for_rows_or_for_the_only_row),
		cmocka_unit_test(a_refusal_has_four_members_to_the_byte),
		cmocka_unit_test(a_message_that_is_too_long_is_cut_between_letters),
		cmocka_unit_test(a_problem_keeps_its_status_headers_and_name),
		cmocka_unit_test(what_sql_raised_has_the_status_of_its_code),
	};

	return cmocka_run_group_tests_name("rest", tests, NULL, NULL);
}
