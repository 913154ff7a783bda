/* One request on its way through the service: what all handlers share. */
#include "api/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define DETAIL_BYTES 256

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

void exchange_vproblem(struct exchange *x, enum problem_id id, const char *fmt, va_list ap)
{
	char detail[DETAIL_BYTES];

	vsnprintf(detail, sizeof(detail), fmt, ap);
	problem_trim(detail);
	x->face->problem(x, id, detail);
}

enum step exchange_problem(struct exchange *x, enum problem_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	exchange_vproblem(x, id, fmt, ap);
	va_end(ap);
	return STEP_ANSWER;
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
			call_name(x->call.id), x->call.row.status, x->call.row.detail,
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
