/* What a browser is told about pages of other origins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/cors.h"
#include "api/face.h"
#include "api/router.h"
#include "base/must.h"

#define CARD    "/api/cards/00010203-0405-0607-0809-0a0b0c0d0e0f"
#define WELCOME "https://app.example.org"

static struct conf conf;

static int no_origins(void **state)
{
	(void)state;
	conf.cors_origins[0] = '\0';
	return 0;
}

static int some_origins(void **state)
{
	(void)state;
	strcpy(conf.cors_origins, "http://localhost:5173 " WELCOME);
	return 0;
}

static enum step begin(
	struct exchange *x, enum request_method method, const char *path, const char *origin)
{
	*x = (struct exchange){.conf = &conf,
		.face = face_of(REQUEST_FACE_JSON),
		.request = {
			.method = method, .path = path, .query = "", .origin = origin, .body = ""}};
	uuid_format(&x->request.id, x->request.id_text);
	return router_begin(x);
}

/* The value of the answer's header; NULL where it has none, or two. The caller frees it. */
static char *header(const struct exchange *x, const char *name)
{
	char line[64];
	const char *at;
	char *value;

	snprintf(line, sizeof(line), "%s: ", name);
	at = strstr(buf_cstr(&x->reply.headers), line);
	if (at == NULL || strstr(at + 1, line) != NULL)
		return NULL;
	at += strlen(line);
	value = strdup(at);
	value[strcspn(value, "\r")] = '\0';
	return value;
}

static void has_header(const struct exchange *x, const char *name, const char *want)
{
	char *value = header(x, name);

	if (want == NULL)
		assert_null(value);
	else
		assert_non_null(value);
	if (want != NULL)
		assert_string_equal(value, want);
	free(value);
}

static void every_path_tells_its_methods_without_a_session(void **state)
{
	static const struct {
		const char *path;
		const char *methods;
	} cases[] = {
		{"/api/users", "POST"},
		{"/api/users/me", "GET, HEAD, DELETE"},
		{"/api/users/me/password", "PUT"},
		{"/api/sessions", "POST, GET, HEAD, DELETE"},
		{"/api/sessions/current", "DELETE"},
		{"/api/cards", "POST, GET, HEAD, PATCH"},
		{CARD, "GET, HEAD, PATCH, DELETE"},
		{"/api/cards/7", "GET, HEAD, PATCH, DELETE"},
		{CARD "/history", "GET, HEAD"},
		{CARD "/revert", "POST"},
		{"/api/profile/personal", "GET, HEAD, PATCH"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x;
		char allow[64];

		assert_int_equal(begin(&x, REQUEST_OPTIONS, cases[i].path, WELCOME), STEP_ANSWER);
		cors_finish(&x);
		snprintf(allow, sizeof(allow), "%s, OPTIONS", cases[i].methods);
		assert_int_equal(x.reply.status, 204);
		has_header(&x, "Allow", allow);
		has_header(&x, "Access-Control-Allow-Methods", cases[i].methods);
		has_header(&x, "Access-Control-Allow-Origin", WELCOME);
		has_header(&x, "Access-Control-Max-Age", "7200");
		has_header(&x, "Vary", "Origin");
		exchange_fini(&x);
	}
}

static void who_is_not_welcome_learns_the_methods_and_nothing_else(void **state)
{
	static const char *const origins[] = {NULL, "https://evil.example", "null",
		"http://app.example.org", WELCOME ".evil.example"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
		struct exchange x;

		assert_int_equal(begin(&x, REQUEST_OPTIONS, "/api/users", origins[i]), STEP_ANSWER);
		cors_finish(&x);
		assert_int_equal(x.reply.status, 204);
		has_header(&x, "Allow", "POST, OPTIONS");
		has_header(&x, "Vary", "Origin");
		assert_null(strstr(buf_cstr(&x.reply.headers), "Access-Control-"));
		exchange_fini(&x);
	}
}

static void a_path_that_is_not_there_has_no_options(void **state)
{
	struct exchange x;

	(void)state;
	assert_int_equal(begin(&x, REQUEST_OPTIONS, "/api/nowhere", WELCOME), STEP_ANSWER);
	assert_int_equal(x.reply.status, 401);
	exchange_fini(&x);
}

static void a_welcome_page_may_read_every_answer(void **state)
{
	struct exchange x;

	(void)state;
	(void)begin(&x, REQUEST_PUT, "/api/users", WELCOME);
	cors_finish(&x);
	assert_int_equal(x.reply.status, 405);
	has_header(&x, "Allow", "POST, OPTIONS");
	has_header(&x, "Access-Control-Allow-Origin", WELCOME);
	has_header(&x, "Access-Control-Expose-Headers",
		"ETag, Location, Link, Retry-After, X-Request-Id, Content-Range, "
		"Preference-Applied, Idempotent-Replayed");
	has_header(&x, "Access-Control-Allow-Credentials", NULL);
	exchange_fini(&x);
	(void)begin(&x, REQUEST_PUT, "/api/users", "https://evil.example");
	cors_finish(&x);
	has_header(&x, "Vary", "Origin");
	assert_null(strstr(buf_cstr(&x.reply.headers), "Access-Control-"));
	exchange_fini(&x);
}

static void without_origins_options_is_no_method_and_nothing_is_said(void **state)
{
	struct exchange x;

	(void)state;
	assert_int_equal(begin(&x, REQUEST_OPTIONS, "/api/users", WELCOME), STEP_ANSWER);
	cors_finish(&x);
	assert_int_equal(x.reply.status, 405);
	has_header(&x, "Allow", "POST");
	assert_null(strstr(buf_cstr(&x.reply.headers), "Vary"));
	assert_null(strstr(buf_cstr(&x.reply.headers), "Access-Control-"));
	exchange_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			every_path_tells_its_methods_without_a_session, some_origins),
		cmocka_unit_test_setup(
			who_is_not_welcome_learns_the_methods_and_nothing_else, some_origins),
		cmocka_unit_test_setup(a_path_that_is_not_there_has_no_options, some_origins),
		cmocka_unit_test_setup(a_welcome_page_may_read_every_answer, some_origins),
		cmocka_unit_test_setup(
			without_origins_options_is_no_method_and_nothing_is_said, no_origins),
	};

	return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}
