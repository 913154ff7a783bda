/*
 * From a request to the next step, without a database: what is planned, what is refused at once,
 * that a refusal first asks for the session and the card, and that nothing is done for a token that
 * nobody knows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "api/api.h"
#include "api/face.h"
#include "api/known.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/must.h"

#define TOKEN   "Bearer ck_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define CARD    "/api/cards/00010203-0405-0607-0809-0a0b0c0d0e0f"
#define NOTHING (-1) /* no call: the answer is there */

static struct conf conf;
static struct known *known; /* knows TOKEN */
static const struct uuid account = {{7}};

static const struct {
	enum request_method method;
	const char *path;
	const char *token;
	const char *type;
	const char *body;
	int call;   /* the planned call, or NOTHING */
	int status; /* of the prepared answer; 0 for a call that is the request's own */
} cases[] = {
	/* 401 first */
	{REQUEST_GET, "/api/cards", NULL, NULL, "", NOTHING, 401},
	{REQUEST_GET, "/api/nothing", NULL, NULL, "", NOTHING, 401},
	{REQUEST_PUT, "/api/cards", NULL, NULL, "", NOTHING, 401},
	{REQUEST_POST, "/api/cards", NULL, "image/png", "{", NOTHING, 401},
	{REQUEST_GET, "/api/cards", "Basic eDp5", NULL, "", NOTHING, 401},
	{REQUEST_GET, "/api/cards", "Bearer ck_short", NULL, "", NOTHING, 401},
	{REQUEST_GET, "/api/cards", "Bearer xx_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL,
		"", NOTHING, 401},
	{REQUEST_GET, "/api/cards", "Bearer ck_!AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL,
		"", NOTHING, 401},
	/* then what needs the session, and the card, looked up before it is said */
	{REQUEST_GET, "/api/nothing", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, "", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, "/api/cards/", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, "/api/cards/7", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, CARD "/x", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_PUT, "/api/cards", TOKEN, NULL, "", CALL_CHECK_SESSION, 405},
	{REQUEST_PUT, CARD, TOKEN, NULL, "", CALL_CHECK_CARD, 405},
	{REQUEST_OPTIONS, "/api/cards", TOKEN, NULL, "", CALL_CHECK_SESSION, 405},
	{REQUEST_POST, "/api/cards", TOKEN, "image/png", "{}", CALL_CHECK_SESSION, 415},
	{REQUEST_PATCH, CARD, TOKEN, "image/png", "{", CALL_CHECK_CARD, 415},
	{REQUEST_POST, "/api/cards", TOKEN, NULL, "", CALL_CHECK_SESSION, 400},
	{REQUEST_POST, "/api/cards", TOKEN, NULL, "{", CALL_CHECK_SESSION, 400},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"name\":\"x\"}", CALL_CHECK_CARD, 428},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1}", CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, CARD, TOKEN, "application/json-patch+json", "[]", CALL_CHECK_CARD, 428},
	{REQUEST_PATCH, CARD, TOKEN, "application/vnd.api+json", "{\"version\":1,\"name\":\"x\"}",
		CALL_UPDATE_CARD, 0},
	{REQUEST_PATCH, CARD, TOKEN, "application/jsonp", "{\"version\":1,\"name\":\"x\"}",
		CALL_CHECK_CARD, 415},
	{REQUEST_PATCH, "/api/profile/personal", TOKEN, "application/ld+json", "{}",
		CALL_CHECK_SESSION, 428},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\",\"id\":null}",
		CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, CARD, TOKEN, NULL,
		"{\"id\":\"10010203-0405-0607-0809-0a0b0c0d0e0f\",\"version\":1,\"name\":\"x\"}",
		CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\",\"slug\":7}",
		CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"nmae\":\"x\"}", CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":null}", CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, "/api/cards", TOKEN, NULL, "{\"name\":\"x\"}", CALL_CHECK_SESSION, 428},
	{REQUEST_PATCH, "/api/cards", TOKEN, NULL, "{\"version\":1,\"name\":\"x\"}",
		CALL_CHECK_SESSION, 422},
	{REQUEST_PATCH, "/api/cards", TOKEN, NULL, "{\"id\":\"7\",\"version\":1,\"name\":\"x\"}",
		CALL_CHECK_SESSION, 404},
	{REQUEST_POST, "/api/cards", TOKEN, NULL, "[]", CALL_CHECK_SESSION, 422},
	{REQUEST_POST, "/api/cards", TOKEN, NULL, "{}", CALL_CHECK_SESSION, 422},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"merge\":true}", CALL_CHECK_CARD, 422},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\",\"merge\":null}",
		CALL_CHECK_CARD, 422},
	{REQUEST_DELETE, CARD, TOKEN, NULL, "", CALL_CHECK_CARD, 428},
	{REQUEST_DELETE, "/api/sessions/7", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, "/api/cards/7/history", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, CARD "/history/", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_POST, CARD "/history", TOKEN, NULL, "", CALL_CHECK_CARD, 405},
	{REQUEST_GET, CARD "/revert", TOKEN, NULL, "", CALL_CHECK_CARD, 405},
	{REQUEST_POST, CARD "/revert", TOKEN, "image/png", "{}", CALL_CHECK_CARD, 415},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "", CALL_CHECK_CARD, 400},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"to\":0}", CALL_CHECK_CARD, 428},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"version\":2}", CALL_CHECK_CARD, 422},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"version\":2,\"to\":0}", CALL_CHECK_CARD,
		422},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"version\":2,\"to\":\"1\"}", CALL_CHECK_CARD,
		422},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"version\":2,\"to\":2147483648}",
		CALL_CHECK_CARD, 422},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"version\":2,\"to\":1,\"name\":\"x\"}",
		CALL_CHECK_CARD, 422},
	{REQUEST_POST, "/api/profile/personal/revert", TOKEN, NULL, "[]", CALL_CHECK_SESSION, 428},
	{REQUEST_POST, "/rest/v1/rpc/nothing", TOKEN, "image/png", "{", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, "/rest/v1/nothing", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_GET, "/rest/v1/rpc/generate_unique_slug", TOKEN, NULL, "", CALL_CHECK_SESSION,
		405},
	{REQUEST_PATCH, "/rest/v1/business_cards", TOKEN, NULL, "{", CALL_CHECK_SESSION, 405},
	{REQUEST_POST, "/rpc/generate_unique_slug", TOKEN, "image/png", "{", CALL_CHECK_SESSION,
		415},
	{REQUEST_POST, "/rpc/generate_unique_slug", TOKEN, NULL, "{", CALL_CHECK_SESSION, 400},
	{REQUEST_POST, "/rpc/generate_unique_slug", TOKEN, NULL, "[]", CALL_CHECK_SESSION, 400},
	{REQUEST_POST, "/rpc/generate_unique_slug", TOKEN, NULL, "", CALL_CHECK_SESSION, 404},
	{REQUEST_POST, "/rpc/create_business_card_atomic", TOKEN, NULL, "{\"name\":\"x\"}",
		CALL_CHECK_SESSION, 404},
	{REQUEST_POST, "/rpc/upsert_personal_info_optimistic", TOKEN, NULL,
		"{\"p_expected_version\":0,\"p_website\":\"x\"}", CALL_CHECK_SESSION, 400},
	/* routes without a session answer at once */
	{REQUEST_GET, "/api/users", NULL, NULL, "", NOTHING, 405},
	{REQUEST_PUT, "/api/sessions", NULL, NULL, "", NOTHING, 405},
	{REQUEST_POST, "/api/users", NULL, "image/png", "{}", NOTHING, 415},
	{REQUEST_POST, "/api/users", NULL, NULL, "{", NOTHING, 400},
	{REQUEST_POST, "/api/users", NULL, NULL, "{}", NOTHING, 422},
	{REQUEST_POST, "/api/sessions", NULL, NULL, "{\"email\":\"x\",\"password\":\"12345678\"}",
		NOTHING, 422},
	/* and these are planned */
	{REQUEST_GET, "/api/cards", TOKEN, NULL, "", CALL_LIST_CARDS, 0},
	{REQUEST_HEAD, "/api/cards", TOKEN, NULL, "", CALL_LIST_CARDS, 0},
	{REQUEST_GET, CARD, TOKEN, NULL, "", CALL_READ_CARD, 0},
	{REQUEST_POST, "/api/cards", TOKEN, NULL, "{\"name\":\"x\"}", CALL_CREATE_CARD, 0},
	{REQUEST_POST, "/api/cards", TOKEN, "application/x-www-form-urlencoded", "{\"name\":\"x\"}",
		CALL_CREATE_CARD, 0},
	{REQUEST_POST, "/api/cards", TOKEN, "text/plain;charset=UTF-8", "{\"name\":\"x\"}",
		CALL_CREATE_CARD, 0},
	{REQUEST_POST, "/api/cards", TOKEN, "application/merge-patch+json", "{\"name\":\"x\"}",
		CALL_CREATE_CARD, 0},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\"}", CALL_UPDATE_CARD, 0},
	{REQUEST_PATCH, "/api/cards", TOKEN, NULL,
		"{\"id\":\"00010203-0405-0607-0809-0a0b0c0d0e0f\",\"version\":1,\"name\":\"x\"}",
		CALL_UPDATE_CARD, 0},
	{REQUEST_PATCH, CARD, TOKEN, "application/merge-patch+json; charset=utf-8",
		"{\"version\":1,\"name\":\"x\"}", CALL_PATCH_CARD, 0},
	{REQUEST_PATCH, "/api/profile/personal", TOKEN, "Application/Merge-Patch+JSON",
		"{\"version\":0,\"full_name\":\"x\"}", CALL_SAVE_PERSONAL, 0},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\",\"slug\":\"x\"}",
		CALL_CHECK_CARD, 0},
	{REQUEST_GET, "/api/profile/personal", TOKEN, NULL, "", CALL_READ_PERSONAL, 0},
	{REQUEST_PATCH, "/api/profile/personal", TOKEN, NULL, "{\"version\":0,\"full_name\":\"x\"}",
		CALL_SAVE_PERSONAL, 0},
	{REQUEST_PATCH, "/api/profile/professional", TOKEN, NULL,
		"{\"version\":0,\"job_title\":\"x\"}", CALL_SAVE_PROFESSIONAL, 0},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\",\"merge\":true}",
		CALL_MERGE_CARD, 0},
	{REQUEST_PATCH, CARD, TOKEN, NULL, "{\"version\":1,\"name\":\"x\",\"merge\":false}",
		CALL_UPDATE_CARD, 0},
	{REQUEST_PATCH, "/api/profile/personal", TOKEN, NULL,
		"{\"version\":1,\"full_name\":\"x\",\"merge\":true}", CALL_MERGE_PERSONAL, 0},
	{REQUEST_PATCH, "/api/profile/professional", TOKEN, NULL,
		"{\"version\":1,\"job_title\":\"x\",\"merge\":true}", CALL_MERGE_PROFESSIONAL, 0},
	{REQUEST_GET, CARD "/history", TOKEN, NULL, "", CALL_CARD_HISTORY, 0},
	{REQUEST_HEAD, CARD "/history", TOKEN, NULL, "", CALL_CARD_HISTORY, 0},
	{REQUEST_POST, CARD "/revert", TOKEN, NULL, "{\"version\":2,\"to\":1}", CALL_REVERT_CARD,
		0},
	{REQUEST_GET, "/api/profile/personal/history", TOKEN, NULL, "", CALL_PERSONAL_HISTORY, 0},
	{REQUEST_POST, "/api/profile/personal/revert", TOKEN, NULL, "{\"version\":2,\"to\":1}",
		CALL_REVERT_PERSONAL, 0},
	{REQUEST_GET, "/api/profile/professional/history", TOKEN, NULL, "",
		CALL_PROFESSIONAL_HISTORY, 0},
	{REQUEST_POST, "/api/profile/professional/revert", TOKEN, NULL, "{\"version\":2,\"to\":1}",
		CALL_REVERT_PROFESSIONAL, 0},
	{REQUEST_DELETE, "/api/sessions/current", TOKEN, NULL, "", CALL_END_SESSION, 0},
	{REQUEST_GET, "/api/users/me", TOKEN, NULL, "", CALL_READ_USER, 0},
	{REQUEST_POST, "/rpc/generate_unique_slug", TOKEN, NULL, "{\"base_slug\":null}",
		CALL_RPC_SLUG, 0},
	{REQUEST_POST, "/rest/v1/rpc/create_business_card_atomic", TOKEN, NULL,
		"{\"p_name\":7,\"p_user_id\":\"x\"}", CALL_RPC_CREATE, 0},
	{REQUEST_POST, "/rest/v1/rpc/update_business_card_optimistic", TOKEN, NULL,
		"{\"p_card_id\":1,\"p_expected_version\":1}", CALL_RPC_UPDATE, 0},
	{REQUEST_POST, "/rest/v1/rpc/upsert_personal_info_optimistic", TOKEN, NULL,
		"{\"p_expected_version\":0,\"p_full_name\":\"x\"}", CALL_RPC_PERSONAL, 0},
	{REQUEST_POST, "/rest/v1/rpc/upsert_professional_info_optimistic", TOKEN, NULL,
		"{\"p_expected_version\":0,\"p_job_title\":null}", CALL_RPC_PROFESSIONAL, 0},
	{REQUEST_GET, "/rest/v1/business_cards", TOKEN, NULL, "", CALL_READ_ROWS, 0},
	{REQUEST_HEAD, "/rest/v1/personal_info", TOKEN, NULL, "", CALL_READ_ROWS, 0},
	{REQUEST_GET, "/rest/v1/professional_info", TOKEN, NULL, "", CALL_READ_ROWS, 0},
	{REQUEST_POST, "/api/sessions", NULL, NULL,
		"{\"email\":\"x@example.org\",\"password\":\"12345678\"}", CALL_FIND_ACCOUNT, 0},
};

static void begin(struct exchange *x, size_t i)
{
	memset(x, 0, sizeof(*x));
	x->conf = &conf;
	x->known = known;
	x->request = (struct request){.method = cases[i].method,
		.path = cases[i].path,
		.face = strncmp(cases[i].path, "/r", 2) == 0 ? REQUEST_FACE_POSTGREST
							     : REQUEST_FACE_JSON,
		.query = "",
		.authorization = cases[i].token,
		.content_type = cases[i].type,
		.body = cases[i].body,
		.body_len = strlen(cases[i].body)};
	uuid_format(&x->request.id, x->request.id_text);
	x->face = face_of(x->request.face);
}

static void requests_are_planned_or_refused_in_the_order_of_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x;
		enum step step;

		begin(&x, i);
		step = router_begin(&x);
		if (step != (cases[i].call == NOTHING ? STEP_ANSWER : STEP_CALL) ||
			x.reply.status != cases[i].status ||
			(step == STEP_CALL && (int)x.call.id != cases[i].call))
			print_error("case %zu: %s %s: step %d status %d call %s\n", i,
				cases[i].path, cases[i].body, (int)step, x.reply.status,
				call_name(x.call.id));
		assert_int_equal(step, cases[i].call == NOTHING ? STEP_ANSWER : STEP_CALL);
		assert_int_equal(x.reply.status, cases[i].status);
		if (step == STEP_CALL) {
			assert_int_equal(x.call.id, cases[i].call);
			assert_int_equal(x.call.nargs, call_arity(x.call.id));
		}
		exchange_fini(&x);
	}
}

static int know_the_token(void **state)
{
	static const uint8_t random[EXCHANGE_TOKEN_BYTES];
	uint8_t hash[KNOWN_HASH_BYTES];

	(void)state;
	crypto_hash_sha256(hash, random, sizeof(random));
	known = known_new();
	known_keep(known, hash, &account);
	return 0;
}

static int forget_it(void **state)
{
	(void)state;
	known_free(&known);
	return 0;
}

/* The request of case `i`, with a token that was not seen before; false where it has none. */
static bool begin_unknown(struct exchange *x, size_t i)
{
	begin(x, i);
	x->known = NULL;
	return cases[i].token != NULL && cases[i].call != NOTHING;
}

/* What check_session says of it. */
static enum step told(struct exchange *x, int status, const char *detail)
{
	x->call.row = (struct call_row){.status = status, .detail = detail, .body = ""};
	return api_resume(x);
}

static void an_unknown_token_is_looked_up_before_anything_is_done(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x;

		if (begin_unknown(&x, i)) {
			assert_int_equal(router_begin(&x), STEP_CALL);
			assert_int_equal(x.call.id, CALL_CHECK_SESSION);
			assert_int_equal(x.reply.status, 0);
			assert_null(x.body);
			assert_int_equal(x.errors.len, 0);
			assert_false(x.keyed);
			assert_int_equal(told(&x, 401, ""), STEP_ANSWER);
			assert_int_equal(x.reply.status, 401);
			assert_null(x.body);
			assert_false(x.has_caller);
		}
		exchange_fini(&x);
	}
}

/* A refusal that only wants the session is answered now, as it was just looked up. */
static bool answered_now(size_t i)
{
	return cases[i].status != 0 && cases[i].call == CALL_CHECK_SESSION;
}

static void a_token_that_is_found_goes_the_way_of_a_known_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char id[UUID_TEXT_BYTES];
		struct exchange x;

		uuid_format(&account, id);
		if (begin_unknown(&x, i)) {
			x.known = known_new();
			assert_int_equal(router_begin(&x), STEP_CALL);
			assert_int_equal(
				told(&x, 200, id), answered_now(i) ? STEP_ANSWER : STEP_CALL);
			assert_int_equal(x.reply.status, cases[i].status);
			assert_int_equal(x.call.id, cases[i].call);
			assert_true(x.has_caller);
			assert_memory_equal(&x.caller, &account, sizeof(account));
			assert_true(known_find(x.known, x.token_hash, &x.caller));
			known_free(&x.known);
		}
		exchange_fini(&x);
	}
}

static void the_repeat_of_a_write_is_planned_for_a_session_that_is_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const bool read = cases[i].method == REQUEST_GET ||
				  cases[i].method == REQUEST_HEAD ||
				  cases[i].method == REQUEST_OPTIONS;
		struct exchange x;

		if (begin_unknown(&x, i)) {
			assert_int_equal(router_begin(&x), STEP_CALL);
			assert_int_equal(
				told(&x, 401, CALL_DETAIL_OVER), read ? STEP_ANSWER : STEP_CALL);
			assert_int_equal(x.reply.status, read ? 401 : cases[i].status);
			if (!read)
				assert_int_equal(x.call.id, cases[i].call);
			assert_false(x.has_caller);
		}
		exchange_fini(&x);
	}
}

static void a_token_that_is_refused_is_no_longer_known(void **state)
{
	struct known *own = known_new();
	struct exchange x;
	size_t i = 0;

	(void)state;
	while (cases[i].call != CALL_CREATE_CARD)
		i++;
	begin(&x, i);
	assert_int_equal(router_begin(&x), STEP_CALL);
	assert_true(x.has_caller);
	x.known = own;
	known_keep(own, x.token_hash, &account);
	assert_int_equal(told(&x, 401, ""), STEP_ANSWER);
	assert_int_equal(x.reply.status, 401);
	assert_false(known_find(own, x.token_hash, &x.caller));
	known_free(&own);
	exchange_fini(&x);
}

static void begin_keyed(struct exchange *x, const char *key)
{
	size_t i = 0;

	while (cases[i].call != CALL_CREATE_CARD)
		i++;
	begin(x, i);
	x->request.idempotency_key = key;
}

static void a_key_travels_with_its_write_or_is_refused(void **state)
{
	struct exchange x;

	(void)state;
	begin_keyed(&x, "k");
	assert_int_equal(router_begin(&x), STEP_CALL);
	assert_int_equal(x.call.id, CALL_CREATE_CARD);
	assert_non_null(x.call.values[x.call.nargs - 1]);
	assert_string_not_equal(x.call.values[1], x.request.id_text);
	exchange_fini(&x);
	begin_keyed(&x, NULL);
	assert_int_equal(router_begin(&x), STEP_CALL);
	assert_null(x.call.values[x.call.nargs - 1]);
	assert_string_equal(x.call.values[1], x.request.id_text);
	exchange_fini(&x);
	begin_keyed(&x, "");
	assert_int_equal(router_begin(&x), STEP_CALL);
	assert_int_equal(x.call.id, CALL_CHECK_SESSION);
	assert_int_equal(x.reply.status, 400);
	exchange_fini(&x);
}

static void a_first_answer_is_marked_and_a_spent_key_refused(void **state)
{
	static const struct {
		const char *key;
		struct call_row row;
		int status;
		bool marked;
	} answers[] = {
		{"k", {.status = 201, .version = 1, .replayed = true}, 201, true},
		{"k", {.status = 201, .version = 1}, 201, false},
		{NULL, {.status = 201, .version = 1, .replayed = true}, 201, false},
		{"k", {.status = 422, .detail = CALL_DETAIL_KEY_REUSED}, 422, false},
	};
	static const char body[] = "{\"id\":\"00010203-0405-0607-0809-0a0b0c0d0e0f\"}";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct exchange x;

		begin_keyed(&x, answers[i].key);
		assert_int_equal(router_begin(&x), STEP_CALL);
		x.call.row = answers[i].row;
		x.call.row.body = body;
		x.call.row.body_len = sizeof(body) - 1;
		if (x.call.row.detail == NULL)
			x.call.row.detail = "";
		assert_int_equal(api_resume(&x), STEP_ANSWER);
		assert_int_equal(x.reply.status, answers[i].status);
		assert_int_equal(
			strstr(buf_cstr(&x.reply.headers), "Idempotent-Replayed: true\r\n") != NULL,
			answers[i].marked);
		exchange_fini(&x);
	}
}

static void a_prepared_refusal_gives_way_to_a_missing_session_or_card(void **state)
{
	static const int rows[] = {200, 401, 404};
	static const int answers[] = {428, 401, 404};
	size_t i = 0;

	(void)state;
	while (cases[i].status != 428)
		i++;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct exchange x;

		begin(&x, i);
		assert_int_equal(router_begin(&x), STEP_CALL);
		x.call.row = (struct call_row){.status = rows[r], .detail = "", .body = ""};
		assert_int_equal(x.resume(&x), STEP_ANSWER);
		assert_int_equal(x.reply.status, answers[r]);
		exchange_fini(&x);
	}
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
	size_t i = 0;
	struct exchange x;

	(void)state;
	while (cases[i].status != 405 || cases[i].call != CALL_CHECK_CARD)
		i++;
	begin(&x, i);
	assert_int_equal(router_begin(&x), STEP_CALL);
	assert_non_null(strstr(buf_cstr(&x.reply.headers), "Allow: GET, HEAD, PATCH, DELETE\r\n"));
	exchange_fini(&x);
}

static void registration_hashes_before_it_calls(void **state)
{
	static const char body[] = "{\"email\":\"A@Example.org\",\"password\":\"correct horse\"}";
	struct exchange x = {.conf = &conf, .face = face_of(REQUEST_FACE_JSON)};
	const char *token;

	(void)state;
	conf.session_lifetime_hours = 2160;
	x.request = (struct request){.method = REQUEST_POST,
		.path = "/api/users",
		.query = "",
		.body = body,
		.body_len = strlen(body)};
	assert_int_equal(router_begin(&x), STEP_HASH);
	assert_int_equal(x.hash.kind, HASH_MAKE);
	assert_string_equal(x.hash.password, "correct horse");
	strcpy(x.hash.encoded, "$argon2id$");
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_int_equal(x.call.id, CALL_REGISTER);
	assert_string_equal(x.call.values[1], "a@example.org");
	assert_string_equal(x.call.values[2], "$argon2id$");
	x.call.row = (struct call_row){.status = 201,
		.detail = "",
		.body = "{\"user\":{}}",
		.body_len = strlen("{\"user\":{}}")};
	assert_int_equal(x.resume(&x), STEP_ANSWER);
	token = strstr(buf_cstr(&x.reply.body), "\"token\":\"ck_");
	assert_non_null(token);
	assert_int_equal(strlen(token), strlen("\"token\":\"") + 46 + strlen("\"}"));
	exchange_fini(&x);
}

#define ACCOUNT "00010203-0405-0607-0809-0a0b0c0d0e0f"

/* What the database and the hasher would say, up to the call that opens the session. */
static void sign_in(struct exchange *x, const char *stored)
{
	static const char body[] = "{\"email\":\"a@example.org\",\"password\":\"correct horse\"}";

	*x = (struct exchange){.conf = &conf, .face = face_of(REQUEST_FACE_JSON)};
	x->request = (struct request){.method = REQUEST_POST,
		.path = "/api/sessions",
		.query = "",
		.body = body,
		.body_len = strlen(body),
		.began_us = clock_mono_us()};
	assert_int_equal(router_begin(x), STEP_CALL);
	assert_int_equal(x->call.id, CALL_FIND_ACCOUNT);
	x->call.row = (struct call_row){
		.status = 200, .detail = stored, .body = ACCOUNT, .body_len = strlen(ACCOUNT)};
	assert_int_equal(x->resume(x), STEP_HASH);
	assert_int_equal(x->hash.kind, HASH_VERIFY);
	x->hash.matches = true;
}

static void a_sign_in_renews_a_hash_of_another_cost_and_no_other(void **state)
{
	static const char today[] = "$argon2id$v=19$m=64,t=1,p=1$5Vaiu8mBp6H+7IxfJjGfIw$"
				    "WOlV8BpdAv8+gVb4AylKLPiSjpjHzLdHixgnfYwsPEE";
	struct exchange x;

	(void)state;
	conf.hash_memory_kib = 64;
	conf.hash_passes = 1;
	conf.request_deadline_ms = 60000;
	sign_in(&x, today);
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_int_equal(x.call.id, CALL_OPEN_SESSION);
	assert_string_equal(x.call.values[2], today);
	assert_null(x.call.values[9]);
	exchange_fini(&x);

	conf.hash_passes = 2;
	sign_in(&x, today);
	assert_int_equal(x.resume(&x), STEP_HASH);
	assert_int_equal(x.hash.kind, HASH_MAKE);
	assert_true(x.hash.optional);
	assert_string_equal(x.hash.password, "correct horse");
	strcpy(x.hash.encoded, "fresh");
	x.hash.done = true;
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_string_equal(x.call.values[2], today);
	assert_string_equal(x.call.values[9], "fresh");
	/* Another sign-in was quicker: the account is looked up again, once. */
	x.call.row = (struct call_row){.status = 401, .detail = "", .body = ""};
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_int_equal(x.call.id, CALL_FIND_ACCOUNT);
	assert_string_equal(x.hash.password, "correct horse");
	x.call.row = (struct call_row){
		.status = 200, .detail = "fresh", .body = ACCOUNT, .body_len = strlen(ACCOUNT)};
	assert_int_equal(x.resume(&x), STEP_HASH);
	x.hash.matches = true;
	conf.request_deadline_ms = 0;
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_string_equal(x.call.values[2], "fresh");
	x.call.row = (struct call_row){.status = 401, .detail = "", .body = ""};
	assert_int_equal(x.resume(&x), STEP_ANSWER);
	assert_int_equal(x.reply.status, 401);
	exchange_fini(&x);

	/* The hasher may have left it. */
	conf.request_deadline_ms = 60000;
	sign_in(&x, today);
	assert_false(x.hash.optional);
	assert_int_equal(x.resume(&x), STEP_HASH);
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_string_equal(x.call.values[2], today);
	assert_null(x.call.values[9]);
	exchange_fini(&x);

	/* There may be no time for it. */
	conf.request_deadline_ms = 0;
	sign_in(&x, today);
	assert_int_equal(x.resume(&x), STEP_CALL);
	assert_null(x.call.values[9]);
	exchange_fini(&x);
}

/* A sign-in elsewhere renewed the hash while the new password was hashed. */
static void a_change_that_finds_another_hash_looks_again_with_what_was_typed(void **state)
{
	static const char body[] =
		"{\"current_password\":\"correct horse\",\"new_password\":\"another horse\"}";
	struct exchange x = {.conf = &conf, .face = face_of(REQUEST_FACE_JSON)};

	x.known = known;
	(void)state;
	x.request = (struct request){.method = REQUEST_PUT,
		.path = "/api/users/me/password",
		.query = "",
		.authorization = TOKEN,
		.body = body,
		.body_len = strlen(body)};
	assert_int_equal(router_begin(&x), STEP_CALL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(x.call.id, CALL_READ_PASSWORD);
		x.call.row = (struct call_row){.status = 200, .detail = "stored", .body = ""};
		assert_int_equal(x.resume(&x), STEP_HASH);
		assert_int_equal(x.hash.kind, HASH_VERIFY);
		assert_int_equal(x.hash.password_len, strlen("correct horse"));
		assert_memory_equal(x.hash.password, "correct horse", x.hash.password_len);
		x.hash.matches = true;
		assert_int_equal(x.resume(&x), STEP_HASH);
		assert_int_equal(x.hash.kind, HASH_MAKE);
		assert_int_equal(x.hash.password_len, strlen("another horse"));
		assert_memory_equal(x.hash.password, "another horse", x.hash.password_len);
		strcpy(x.hash.encoded, "fresh");
		assert_int_equal(x.resume(&x), STEP_CALL);
		assert_int_equal(x.call.id, CALL_CHANGE_PASSWORD);
		x.call.row =
			(struct call_row){.status = 422, .detail = "password_changed", .body = ""};
		assert_int_equal(x.resume(&x), i == 0 ? STEP_CALL : STEP_ANSWER);
	}
	assert_int_equal(x.reply.status, 422);
	exchange_fini(&x);
}

/* The first request of this key set a password; whether this one sets the same is checked with the new one alone,
 * and the old one, typed in another form than is hashed, is no second guess. */
static void a_repeated_change_is_checked_by_its_new_password_once(void **state)
{
	static const char body[] = "{\"current_password\":\"corre\\u0301ct "
				   "horse\",\"new_password\":\"another horse\"}";
	struct exchange x = {.conf = &conf, .known = known, .face = face_of(REQUEST_FACE_JSON)};

	(void)state;
	x.request = (struct request){.method = REQUEST_PUT,
		.path = "/api/users/me/password",
		.query = "",
		.authorization = TOKEN,
		.idempotency_key = "k",
		.body = body,
		.body_len = strlen(body)};
	assert_int_equal(router_begin(&x), STEP_CALL);
	assert_int_equal(x.call.id, CALL_READ_PASSWORD);
	x.call.row =
		(struct call_row){.status = 204, .replayed = true, .detail = "stored", .body = ""};
	assert_int_equal(api_resume(&x), STEP_HASH);
	assert_int_equal(x.hash.kind, HASH_VERIFY);
	assert_int_equal(x.hash.password_len, strlen("another horse"));
	assert_memory_equal(x.hash.password, "another horse", x.hash.password_len);
	x.hash.matches = false;
	assert_int_equal(api_resume(&x), STEP_ANSWER);
	assert_int_equal(x.reply.status, 422);
	exchange_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repeated_change_is_checked_by_its_new_password_once),
		cmocka_unit_test(a_change_that_finds_another_hash_looks_again_with_what_was_typed),
		cmocka_unit_test(a_sign_in_renews_a_hash_of_another_cost_and_no_other),
		cmocka_unit_test(requests_are_planned_or_refused_in_the_order_of_checks),
		cmocka_unit_test(an_unknown_token_is_looked_up_before_anything_is_done),
		cmocka_unit_test(a_token_that_is_found_goes_the_way_of_a_known_one),
		cmocka_unit_test(the_repeat_of_a_write_is_planned_for_a_session_that_is_over),
		cmocka_unit_test(a_token_that_is_refused_is_no_longer_known),
		cmocka_unit_test(a_key_travels_with_its_write_or_is_refused),
		cmocka_unit_test(a_first_answer_is_marked_and_a_spent_key_refused),
		cmocka_unit_test(a_prepared_refusal_gives_way_to_a_missing_session_or_card),
		cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
		cmocka_unit_test(registration_hashes_before_it_calls),
	};

	return cmocka_run_group_tests_name("router", tests, know_the_token, forget_it);
}
