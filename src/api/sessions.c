/*
 * Accounts and their sessions: register, sign in, list, end.
 *
 * Argon2id takes tens of milliseconds on purpose, so it never runs on a wave thread: a handler
 * plans STEP_HASH, and goes on when the hasher is done. Signing in answers one text, after the same
 * work, whatever was wrong: an unknown address is hashed against a decoy.
 */
#include "api/handlers.h"

#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "api/cookie.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/known.h"
#include "api/origin.h"
#include "api/refuse.h"
#include "api/secret.h"
#include "base/json_text.h"
#include "base/log.h"

#define DEVICE_POINTS_MAX 100
#define USER_AGENT_MAX    512

/* A sign-in or a registration: what it asks for, and what was found for it. */
struct sign_in {
	const char *email; /* cleaned */
	struct field_value password;
	const char *device_name;
	bool wants_cookie;            /* the token is to be one */
	char token[AUTH_TOKEN_BYTES]; /* the new one in clear */
	struct uuid account;          /* of that address */
	const char *seen_hash;        /* the hash that the password was found to fit */
};

enum {
	ACCOUNT_EMAIL,
	ACCOUNT_PASSWORD,
	ACCOUNT_DEVICE,
	ACCOUNT_COOKIE,
	ACCOUNT_FIELDS,
};

#define ACCOUNT(password_kind)                                                \
	{                                                                     \
		[ACCOUNT_EMAIL] = {.name = "email",                           \
			.kind = FIELD_EMAIL,                                  \
			.max = 254,                                           \
			.required = true},                                    \
		[ACCOUNT_PASSWORD] = {.name = "password",                     \
			.kind = password_kind,                                \
			.required = true},                                    \
		[ACCOUNT_DEVICE] = {.name = "device_name",                    \
			.kind = FIELD_LINE,                                   \
			.max = DEVICE_POINTS_MAX,                             \
			.nullable = true},                                    \
		[ACCOUNT_COOKIE] = {.name = "cookie", .kind = FIELD_BOOLEAN}, \
	}

/* A sign-in takes a password of any length, and tells of a wrong one in one way. */
static const struct field new_account[ACCOUNT_FIELDS] = ACCOUNT(FIELD_SECRET);
static const struct field old_account[ACCOUNT_FIELDS] = ACCOUNT(FIELD_PASSWORD);

/* ASCII only: a mail server may tell the case of other letters apart. */
static const char *lower_ascii(struct exchange *x, const char *text)
{
	char *copy = mem_arena_copy(&x->arena, text, strlen(text));

	for (char *p = copy; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return copy;
}

/* Another site's page must not sign a visitor in to an account of its own choice, where what the
 * visitor then writes would be its to read. Programs, which are no browser's victims, say nothing. */
static bool may_have_cookie(struct exchange *x, const struct sign_in *sign_in)
{
	if (!sign_in->wants_cookie ||
		origin_of(&x->request, x->conf->public_url, &x->arena) != ORIGIN_FOREIGN)
		return true;
	x->forged = true;
	(void)exchange_problem(x, PROBLEM_CROSS_ORIGIN,
		"a sign-in that asks for a cookie must come from a page of this site");
	return false;
}

/* Reads the body of both forms. These routes need no session, so faults are answered at once: NULL. */
static struct sign_in *read_account(struct exchange *x, const struct field *fields)
{
	struct sign_in *sign_in = exchange_own(x, sizeof(*sign_in));
	struct field_value values[ACCOUNT_FIELDS];

	if (!fields_read(x, fields, ACCOUNT_FIELDS, values)) {
		(void)exchange_invalid(x);
		return NULL;
	}
	sign_in->email = lower_ascii(x, values[ACCOUNT_EMAIL].text);
	sign_in->password = values[ACCOUNT_PASSWORD];
	sign_in->device_name = values[ACCOUNT_DEVICE].text;
	sign_in->wants_cookie =
		values[ACCOUNT_COOKIE].text != NULL && values[ACCOUNT_COOKIE].text[0] == 't';
	x->hash.whose.address = sign_in->email;
	return may_have_cookie(x, sign_in) ? sign_in : NULL;
}

static const char *user_agent(struct exchange *x)
{
	const char *agent = x->request.user_agent;

	return agent != NULL && strlen(agent) <= USER_AGENT_MAX ? agent : NULL;
}

/* The arguments that both ways to a session end with. */
static void session_arguments(struct exchange *x, struct sign_in *sign_in)
{
	auth_make(x, sign_in->token);
	auth_argument(x);
	call_text(&x->call, sign_in->device_name);
	call_text(&x->call, user_agent(x));
	call_text(&x->call,
		mem_arena_printf(&x->arena, "%ld hours", x->conf->session_lifetime_hours));
	call_text(&x->call, mem_arena_printf(&x->arena, "%ld hours", x->conf->session_idle_hours));
}

/* An account at its limit: the row's detail names what gave way, and so does its body. */
static void log_ended(const struct exchange *x)
{
	if (x->call.row.detail[0] != '\0')
		log_info("sessions gave way limit=%ld sessions=\"%s\" request=%s",
			x->conf->sessions_per_user, x->call.row.detail, x->request.id_text);
}

/* {"user":...,"session":...} from the database, and the token that only we know: in the body, or as a
 * cookie, where no script gets at it. */
static enum step answer_session(struct exchange *x, const struct uuid *account)
{
	const struct call_row *row = &x->call.row;
	const struct sign_in *sign_in = x->own;

	log_ended(x);
	known_keep(x->known, x->token_hash, account);
	reply_start(&x->reply, 201, REPLY_JSON);
	buf_add(&x->reply.body, row->body, row->body_len - 1);
	if (sign_in->wants_cookie) {
		cookie_set(x, sign_in->token);
	} else {
		buf_str(&x->reply.body, ",\"token\":");
		json_text_quote(&x->reply.body, sign_in->token, strlen(sign_in->token));
	}
	buf_char(&x->reply.body, '}');
	reply_header(&x->reply, "Location", "/api/sessions/current");
	return STEP_ANSWER;
}

static enum step wrong_credentials(struct exchange *x)
{
	return exchange_problem(x, PROBLEM_UNAUTHORIZED, "the address or the password is wrong");
}

/* ---- register ------------------------------------------------------------------------------ */

static enum step registered(struct exchange *x)
{
	switch (x->call.row.status) {
	case 201:
		/* An account's id is that of the request that made it. */
		return answer_session(x, &x->request.id);
	case 409:
		return exchange_problem(x, PROBLEM_ADDRESS_TAKEN,
			"an account with this address exists: sign in instead");
	default:
		return exchange_common(x, "account");
	}
}

static enum step register_hashed(struct exchange *x)
{
	struct sign_in *sign_in = x->own;

	call_start(&x->call, CALL_REGISTER);
	call_uuid(&x->call, &x->arena, &x->request.id);
	call_text(&x->call, sign_in->email);
	call_text(&x->call, x->hash.encoded);
	session_arguments(x, sign_in);
	x->resume = registered;
	return STEP_CALL;
}

enum step sessions_register(struct exchange *x)
{
	const struct sign_in *sign_in = read_account(x, new_account);

	if (sign_in == NULL)
		return STEP_ANSWER;
	return secret_make(x, sign_in->password.text, sign_in->password.len, register_hashed);
}

/* ---- sign in ------------------------------------------------------------------------------- */

static enum step find_account(struct exchange *x);

static enum step opened(struct exchange *x)
{
	const struct sign_in *sign_in = x->own;

	switch (x->call.row.status) {
	case 201:
		return answer_session(x, &sign_in->account);
	case 401:
		return secret_look_again(x) ? find_account(x) : wrong_credentials(x);
	default:
		return exchange_common(x, "account");
	}
}

static enum step open_session(struct exchange *x, const char *fresh_hash)
{
	struct sign_in *sign_in = x->own;

	call_start(&x->call, CALL_OPEN_SESSION);
	call_uuid(&x->call, &x->arena, &x->request.id);
	call_uuid(&x->call, &x->arena, &sign_in->account);
	call_text(&x->call, sign_in->seen_hash);
	session_arguments(x, sign_in);
	call_integer(&x->call, &x->arena, x->conf->sessions_per_user);
	call_text(&x->call, fresh_hash);
	x->resume = opened;
	return STEP_CALL;
}

static enum step hash_renewed(struct exchange *x)
{
	return open_session(x, x->hash.done ? x->hash.encoded : NULL);
}

static enum step password_checked(struct exchange *x)
{
	struct sign_in *sign_in = x->own;

	if (!x->hash.matches)
		return wrong_credentials(x);
	sign_in->seen_hash = mem_arena_copy(&x->arena, x->hash.encoded, strlen(x->hash.encoded));
	if (!secret_renew(x))
		return open_session(x, NULL);
	x->resume = hash_renewed;
	return STEP_HASH;
}

static enum step account_found(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	struct sign_in *sign_in = x->own;

	if (row->status == 200 && strlen(row->detail) < sizeof(x->hash.encoded) &&
		uuid_parse(row->body, row->body_len, &sign_in->account)) {
		strcpy(x->hash.encoded, row->detail);
		return secret_check(x, HASH_VERIFY, password_checked);
	}
	return secret_check(x, HASH_DECOY, password_checked);
}

static enum step find_account(struct exchange *x)
{
	const struct sign_in *sign_in = x->own;

	call_start(&x->call, CALL_FIND_ACCOUNT);
	call_text(&x->call, sign_in->email);
	x->resume = account_found;
	return STEP_CALL;
}

enum step sessions_open(struct exchange *x)
{
	const struct sign_in *sign_in = read_account(x, old_account);

	if (sign_in == NULL)
		return STEP_ANSWER;
	secret_take(x, sign_in->password.text, sign_in->password.len);
	return find_account(x);
}

/* ---- list, end ----------------------------------------------------------------------------- */

enum step sessions_list(struct exchange *x)
{
	call_start(&x->call, CALL_LIST_SESSIONS);
	auth_argument(x);
	x->resume = exchange_answered;
	return STEP_CALL;
}

static enum step ended(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	bool own = strcmp(x->segment, "current") == 0 || strcmp(row->detail, "own") == 0;
	enum step step = exchange_answered(x);

	if (row->status == 204 && own)
		cookie_clear(x);
	return step;
}

enum step sessions_end(struct exchange *x)
{
	struct uuid session;
	bool current = strcmp(x->segment, "current") == 0;

	if (!current && !uuid_parse(x->segment, strlen(x->segment), &session))
		return refuse(x, PROBLEM_NOT_FOUND, "no such session");
	call_start(&x->call, CALL_END_SESSION);
	auth_argument(x);
	key_write_argument(x);
	if (current)
		call_text(&x->call, NULL);
	else
		call_uuid(&x->call, &x->arena, &session);
	key_argument(x);
	x->resume = ended;
	return STEP_CALL;
}

static enum step all_ended(struct exchange *x)
{
	enum step step = exchange_answered(x);

	if (x->call.row.status == 204)
		cookie_clear(x);
	return step;
}

enum step sessions_end_many(struct exchange *x)
{
	const char *scope = "";
	bool others;

	if (request_param(&x->request, "scope", &x->arena, &scope) != REQUEST_PARAM_FOUND)
		scope = "";
	others = strcmp(scope, "others") == 0;
	if (!others && strcmp(scope, "global") != 0) {
		fields_fault(x, "scope", "must be others or global, in the query");
		return refuse_fields(x);
	}
	call_start(&x->call, CALL_END_SESSIONS);
	auth_argument(x);
	key_write_argument(x);
	call_text(&x->call, others ? "t" : "f");
	key_argument(x);
	x->resume = others ? exchange_answered : all_ended;
	return STEP_CALL;
}
