/*
 * Accounts and their sessions: register, sign in, list, end.
 *
 * Argon2id takes tens of milliseconds on purpose, so it never runs on a wave thread: a handler
 * plans STEP_HASH, and goes on when the hasher is done. Signing in answers one text, after the same
 * work, whatever was wrong: an unknown address is hashed against a decoy.
 */
#include "api/sessions.h"

#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "api/cookie.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/known.h"
#include "api/origin.h"
#include "api/secret.h"
#include "base/json_text.h"
#include "base/log.h"

#define DEVICE_POINTS_MAX 100
#define USER_AGENT_MAX    512

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

/* Who signs in is told of a wrong password in one way, however long it is. */
static const struct field new_account[ACCOUNT_FIELDS] = ACCOUNT(FIELD_SECRET);
static const struct field old_account[ACCOUNT_FIELDS] = ACCOUNT(FIELD_PASSWORD);

/* ASCII only: what a mail server does with the case of other letters is its own business. */
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
static bool may_have_cookie(struct exchange *x)
{
	if (!x->wants_cookie ||
		origin_of(&x->request, x->conf->public_url, &x->arena) != ORIGIN_FOREIGN)
		return true;
	(void)exchange_problem(x, PROBLEM_CROSS_ORIGIN,
		"a sign-in that asks for a cookie must come from a page of this site");
	return false;
}

/* Reads the body of both forms. These routes need no session, so faults are answered at once. */
static bool read_account(
	struct exchange *x, const struct field *fields, struct field_value *ret_password)
{
	struct field_value values[ACCOUNT_FIELDS];
	bool sound = fields_read(x, fields, ACCOUNT_FIELDS, values);

	*ret_password = values[ACCOUNT_PASSWORD];
	x->typed = ret_password->text; /* wiped at the end, also of a request that is refused */
	x->typed_len = ret_password->len;
	if (!sound) {
		(void)exchange_invalid(x);
		return false;
	}
	x->email = lower_ascii(x, values[ACCOUNT_EMAIL].text);
	x->device_name = values[ACCOUNT_DEVICE].text;
	x->wants_cookie =
		values[ACCOUNT_COOKIE].text != NULL && values[ACCOUNT_COOKIE].text[0] == 't';
	return may_have_cookie(x);
}

static const char *user_agent(struct exchange *x)
{
	const char *agent = x->request.user_agent;

	return agent != NULL && strlen(agent) <= USER_AGENT_MAX ? agent : NULL;
}

/* The arguments that both ways to a session end with. */
static void session_arguments(struct exchange *x)
{
	auth_make(x);
	auth_argument(x);
	call_text(&x->call, x->device_name);
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

	log_ended(x);
	known_keep(x->known, x->token_hash, account);
	reply_start(&x->reply, 201, REPLY_JSON);
	buf_add(&x->reply.body, row->body, row->body_len - 1);
	if (x->wants_cookie) {
		cookie_set(x);
	} else {
		buf_str(&x->reply.body, ",\"token\":");
		json_text_quote(&x->reply.body, x->token, strlen(x->token));
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
	call_start(&x->call, CALL_REGISTER);
	call_uuid(&x->call, &x->arena, &x->request.id);
	call_text(&x->call, x->email);
	call_text(&x->call, x->hash.encoded);
	session_arguments(x);
	x->resume = registered;
	return STEP_CALL;
}

enum step sessions_register(struct exchange *x)
{
	struct field_value password;

	if (!read_account(x, new_account, &password))
		return STEP_ANSWER;
	x->hash.password = password.text;
	x->hash.password_len = password.len;
	x->hash.kind = HASH_MAKE;
	x->resume = register_hashed;
	return STEP_HASH;
}

/* ---- sign in ------------------------------------------------------------------------------- */

static enum step find_account(struct exchange *x);

static enum step opened(struct exchange *x)
{
	switch (x->call.row.status) {
	case 201:
		return answer_session(x, &x->account);
	case 401:
		return secret_look_again(x) ? find_account(x) : wrong_credentials(x);
	default:
		return exchange_common(x, "account");
	}
}

static enum step open_session(struct exchange *x, const char *fresh_hash)
{
	call_start(&x->call, CALL_OPEN_SESSION);
	call_uuid(&x->call, &x->arena, &x->request.id);
	call_uuid(&x->call, &x->arena, &x->account);
	call_text(&x->call, x->seen_hash);
	session_arguments(x);
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
	if (!x->hash.matches)
		return wrong_credentials(x);
	x->seen_hash = mem_arena_copy(&x->arena, x->hash.encoded, strlen(x->hash.encoded));
	if (!secret_renew(x))
		return open_session(x, NULL);
	x->resume = hash_renewed;
	return STEP_HASH;
}

static enum step account_found(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status == 200 && strlen(row->detail) < sizeof(x->hash.encoded) &&
		uuid_parse(row->body, row->body_len, &x->account)) {
		strcpy(x->hash.encoded, row->detail);
		return secret_check(x, HASH_VERIFY, password_checked);
	}
	return secret_check(x, HASH_DECOY, password_checked);
}

static enum step find_account(struct exchange *x)
{
	call_start(&x->call, CALL_FIND_ACCOUNT);
	call_text(&x->call, x->email);
	x->resume = account_found;
	return STEP_CALL;
}

enum step sessions_open(struct exchange *x)
{
	struct field_value password;

	if (!read_account(x, old_account, &password))
		return STEP_ANSWER;
	secret_take(x, password.text, password.len);
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
		return exchange_refuse(x, PROBLEM_NOT_FOUND, "no such session");
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
		return exchange_refuse_fields(x);
	}
	call_start(&x->call, CALL_END_SESSIONS);
	auth_argument(x);
	key_write_argument(x);
	call_text(&x->call, others ? "t" : "f");
	key_argument(x);
	x->resume = others ? exchange_answered : all_ended;
	return STEP_CALL;
}
