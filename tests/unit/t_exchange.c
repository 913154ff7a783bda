/*
 * What a handler keeps from one of its functions to the next, and that a request leaves no password and no token
 * behind: each block that our code gives back, from its first byte to its end, is looked through. What json-c
 * gives back is e2e/secrets' to look at.
 */
#include "config.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/face.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/must.h"

#define TOKEN   "Bearer ck_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ACCOUNT "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define OLD \
	"corre\\u0301ct horse" /* as a body has it: in another form than the one that is hashed */
#define NEW "another horse"

static struct conf conf = {.session_lifetime_hours = 2160,
	.session_idle_hours = 720,
	.sessions_per_user = 10,
	.request_deadline_ms = 60000};

/* ---- memory that is given back ----------------------------------------------------------------- */

static char token[64]; /* the one that the request made; "" while there is none */
/* Volatile, since a compiler knows that free() touches nobody's variables. */
static volatile size_t blocks;
static volatile size_t left; /* blocks that held a secret */

void __real_free(void *block);
void __wrap_free(void *block);

static bool holds(const void *block, const char *secret)
{
	return secret[0] != '\0' && memmem(block, malloc_usable_size((void *)(uintptr_t)block),
					    secret, strlen(secret)) != NULL;
}

void __wrap_free(void *block)
{
	/* The part that all forms of the old password have in common. */
	static const char *const secrets[] = {"ct horse", NEW, token};

	blocks += block != NULL;
	for (size_t i = 0; block != NULL && i < ARRAY_LEN(secrets); i++)
		left += holds(block, secrets[i]);
	__real_free(block);
}

static void what_is_left_behind_is_found(void **state)
{
	char *block = mem_strdup("a correct horse");

	(void)state;
	left = 0;
	free(block);
	assert_int_equal(left, 1);
}

/* ---- requests ---------------------------------------------------------------------------------- */

/* The row that a step of the request is answered with. Where there is a session the token is another's. */
static struct call_row row_for(const struct exchange *x, int tried)
{
	static const char body[] = "{\"user\":{}}";

	switch (x->call.id) {
	case CALL_FIND_ACCOUNT:
		return (struct call_row){.status = 200,
			.detail = "stored",
			.body = ACCOUNT,
			.body_len = strlen(ACCOUNT)};
	case CALL_CHECK_SESSION:
	case CALL_READ_PASSWORD:
		return (struct call_row){.status = 200,
			.detail = x->call.id == CALL_READ_PASSWORD ? "stored" : ACCOUNT,
			.body = ""};
	case CALL_REGISTER:
		return (struct call_row){
			.status = 201, .detail = "", .body = body, .body_len = strlen(body)};
	case CALL_OPEN_SESSION:
		/* At first the account has another hash meanwhile. */
		return (struct call_row){.status = tried == 0 ? 401 : 201,
			.detail = "",
			.body = body,
			.body_len = strlen(body)};
	default:
		return (struct call_row){
			.status = tried == 0 ? 422 : 204, .detail = "", .body = ""};
	}
}

static void take_token(const struct exchange *x)
{
	const char *at = strstr(buf_cstr(&x->reply.body), "ck_");

	if (at == NULL)
		at = strstr(buf_cstr(&x->reply.headers), "=ck_");
	if (at == NULL)
		return;
	at = strstr(at, "ck_");
	memcpy(token, at, 46);
	token[46] = '\0';
}

/* Carries the request through to its answer, whose status it returns. */
static int serve(enum request_method method, const char *path, const char *text)
{
	struct exchange x = {.conf = &conf, .face = face_of(REQUEST_FACE_JSON)};
	const char *body = mem_arena_copy(&x.arena, text, strlen(text));
	int tried = 0;
	int status;
	enum step step;

	token[0] = '\0';
	blocks = 0;
	left = 0;
	x.request = (struct request){.method = method,
		.path = path,
		.query = "",
		.authorization = TOKEN,
		.body = body,
		.body_len = strlen(body),
		.began_us = clock_mono_us()};
	for (step = router_begin(&x); step != STEP_ANSWER; step = x.resume(&x)) {
		if (step == STEP_CALL) {
			x.call.row = row_for(&x, tried);
			tried += call_kind(x.call.id) == CALL_WRITE;
			continue;
		}
		x.hash.matches = true;
		x.hash.done = true;
		if (x.hash.kind == HASH_MAKE)
			strcpy(x.hash.encoded, "fresh");
	}
	take_token(&x);
	status = x.reply.status;
	exchange_fini(&x);
	assert_true(blocks > 0);
	assert_int_equal(left, 0);
	return status;
}

static void no_password_and_no_token_is_left_behind(void **state)
{
	static const struct {
		enum request_method method;
		const char *path;
		const char *body;
		int status;
		bool makes_token;
	} cases[] = {
		{REQUEST_POST, "/api/users",
			"{\"email\":\"ada@example.org\",\"password\":\"" OLD "\"}", 201, true},
		{REQUEST_POST, "/api/users",
			"{\"email\":\"ada@example.org\",\"password\":\"" OLD "\",\"cookie\":true}",
			201, true},
		{REQUEST_POST, "/api/users", "{\"password\":\"" OLD "\"}", 422, false},
		{REQUEST_POST, "/api/sessions",
			"{\"email\":\"ada@example.org\",\"password\":\"" OLD "\"}", 201, true},
		{REQUEST_PUT, "/api/users/me/password",
			"{\"current_password\":\"" OLD "\",\"new_password\":\"" NEW "\"}", 204,
			false},
		{REQUEST_PUT, "/api/users/me/password", "{\"current_password\":\"" OLD "\"}", 422,
			false},
		{REQUEST_DELETE, "/api/users/me", "{\"password\":\"" OLD "\"}", 204, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
			serve(cases[i].method, cases[i].path, cases[i].body), cases[i].status);
		assert_int_equal(token[0] != '\0', cases[i].makes_token);
	}
}

static void what_a_handler_keeps_is_its_own_and_begins_as_zeros(void **state)
{
	static const unsigned char zeros[300];
	struct exchange x = {0};
	unsigned char *first = mem_arena_alloc(&x.arena, 16);
	unsigned char *own;

	(void)state;
	/* What the arena gives next, as memory that was somebody's before. */
	memset(first + 16, 'x', sizeof(zeros) + 16);
	own = exchange_own(&x, sizeof(zeros));
	assert_in_range(own - first, 16, 32);
	assert_ptr_equal(x.own, own);
	assert_memory_equal(own, zeros, sizeof(zeros));
	exchange_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_behind_is_found),
		cmocka_unit_test(no_password_and_no_token_is_left_behind),
		cmocka_unit_test(what_a_handler_keeps_is_its_own_and_begins_as_zeros),
	};

	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
