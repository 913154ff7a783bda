/* One request on its way through the service: what all handlers share. */
#include "api/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/auth.h"
#include "api/face.h"
#include "api/known.h"
#include "base/log.h"

#define DETAIL_BYTES 256

/* An operator has to make room; until then each repeat is work for nothing. */
#define READ_ONLY_WAIT_S 60

void *exchange_own(struct exchange *x, size_t size)
{
	MUST(x->own == NULL);
	x->own = mem_arena_alloc(&x->arena, size);
	memset(x->own, 0, size);
	return x->own;
}

void exchange_fini(struct exchange *x)
{
	json_free(&x->body);
	call_release(&x->call);
	reply_free(&x->reply);
	buf_free(&x->errors);
	mem_arena_free(&x->arena);
}

enum step exchange_key_reused(struct exchange *x)
{
	return exchange_problem(x, PROBLEM_KEY_REUSED,
		"this Idempotency-Key was used for another request: take a new one");
}

static bool key_reused(const struct call_row *row)
{
	return row->status == 422 && strcmp(row->detail, CALL_DETAIL_KEY_REUSED) == 0;
}

/* In the place of the only header that the problem has. */
static void retry_after(struct exchange *x, int64_t seconds)
{
	buf_reset(&x->reply.headers);
	reply_header(&x->reply, "Retry-After", "%lld", (long long)seconds);
}

/* A limit where time helps is told with the time. */
static enum step refuse_quota(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status != 429)
		return exchange_problem(x, PROBLEM_QUOTA, "%s", row->body);
	(void)exchange_problem(x, PROBLEM_QUOTA_SPENT, "%s", row->body);
	retry_after(x, row->version);
	return STEP_ANSWER;
}

static bool over_quota(const struct call_row *row)
{
	return (row->status == 422 || row->status == 429) &&
	       strcmp(row->detail, CALL_DETAIL_QUOTA) == 0;
}

enum step exchange_resume(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	enum step step;

	if (x->has_token && row->status == 401)
		known_drop(x->known, x->token_hash);
	if (x->keyed && key_reused(row))
		return exchange_key_reused(x);
	if (over_quota(row))
		return refuse_quota(x);
	step = x->resume(x);
	if (step == STEP_ANSWER && x->keyed && row->replayed && x->reply.status < 300)
		reply_header(&x->reply, "Idempotent-Replayed", "true");
	return step;
}

static void PRINTF_LIKE(3, 0)
	put_problem(struct exchange *x, enum problem_id id, const char *fmt, va_list ap)
{
	char detail[DETAIL_BYTES];

	vsnprintf(detail, sizeof(detail), fmt, ap);
	problem_trim(detail);
	face_of(x)->problem(x, id, detail);
}

enum step exchange_problem(struct exchange *x, enum problem_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_problem(x, id, fmt, ap);
	va_end(ap);
	return STEP_ANSWER;
}

enum step exchange_limited(struct exchange *x, int64_t seconds, const char *detail)
{
	(void)exchange_problem(x, PROBLEM_RATE_LIMITED, "%s; nothing was applied", detail);
	if (seconds > 1)
		retry_after(x, seconds);
	return STEP_ANSWER;
}

/* The session is there, and the card where one was named: the prepared refusal stands. */
static enum step refused(struct exchange *x)
{
	if (x->call.row.status == 200)
		return STEP_ANSWER;
	return exchange_common(x, "card");
}

enum step exchange_check_first(struct exchange *x)
{
	if (x->session_live && !x->has_card)
		return STEP_ANSWER;
	call_start(&x->call, x->has_card ? CALL_CHECK_CARD : CALL_CHECK_SESSION);
	auth_argument(x);
	if (x->has_card)
		call_uuid(&x->call, &x->arena, &x->card);
	x->resume = refused;
	return STEP_CALL;
}

enum step exchange_read_only(struct exchange *x)
{
	(void)exchange_problem(x, PROBLEM_READ_ONLY,
		"the service has little room left and only reads and deletes for now; nothing was "
		"applied");
	retry_after(x, READ_ONLY_WAIT_S);
	return x->has_token ? exchange_check_first(x) : STEP_ANSWER;
}

enum step exchange_refuse(struct exchange *x, enum problem_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_problem(x, id, fmt, ap);
	va_end(ap);
	return exchange_check_first(x);
}

enum step exchange_invalid(struct exchange *x)
{
	struct buf members = {0};

	buf_printf(&members, "{\"errors\":[%s]}", buf_cstr(&x->errors));
	if (x->faults > EXCHANGE_FAULTS_MAX)
		problem_reply(&x->reply, PROBLEM_VALIDATION, x->request.id_text, buf_cstr(&members),
			"some fields cannot be taken as they are; errors names the first %d of %zu",
			EXCHANGE_FAULTS_MAX, x->faults);
	else
		problem_reply(&x->reply, PROBLEM_VALIDATION, x->request.id_text, buf_cstr(&members),
			"some fields cannot be taken as they are; errors names them");
	buf_free(&members);
	return STEP_ANSWER;
}

enum step exchange_refuse_fields(struct exchange *x)
{
	(void)exchange_invalid(x);
	return exchange_check_first(x);
}

enum step exchange_common(struct exchange *x, const char *what)
{
	switch (x->call.row.status) {
	case 401:
		return exchange_problem(x, PROBLEM_UNAUTHORIZED,
			"the token is unknown, expired or revoked: sign in again");
	case 404:
		return exchange_problem(x, PROBLEM_NOT_FOUND, "no such %s", what);
	default:
		log_error("unexpected answer fn=%s status=%d detail=%s request=%s",
			call_function(x->call.id), x->call.row.status, x->call.row.detail,
			x->request.id_text);
		return exchange_problem(x, PROBLEM_UNAVAILABLE,
			"the request could not be carried out; nothing was applied");
	}
}

enum step exchange_answered(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status == 204) {
		reply_start(&x->reply, 204, NULL);
		return STEP_ANSWER;
	}
	if (row->status != 200)
		return exchange_common(x, "session");
	reply_start(&x->reply, 200, REPLY_JSON);
	reply_borrow(&x->reply, row->body, row->body_len);
	return STEP_ANSWER;
}

void exchange_failed(struct exchange *x, enum sqlstate_class class)
{
	switch (class) {
	case SQLSTATE_NO_ACCOUNT:
		(void)exchange_problem(x, PROBLEM_UNAUTHORIZED, "the account is gone");
		break;
	case SQLSTATE_INPUT:
	case SQLSTATE_TAKEN:
		face_of(x)->bad_value(x);
		break;
	case SQLSTATE_OVERRUN:
		(void)exchange_problem(x, PROBLEM_UNAVAILABLE,
			"this took the database longer than a call may take; nothing was applied");
		break;
	default:
		(void)exchange_problem(x, PROBLEM_UNAVAILABLE,
			"the database could not carry this out; nothing was applied");
	}
}
