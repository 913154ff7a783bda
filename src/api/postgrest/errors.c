/* Refusals as PostgREST words them. */
#include "api/postgrest/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"

#define MESSAGE_BYTES 512  /* a sentence or two; longer ones are cut */
#define DETAIL_BYTES  2048 /* likewise details and hints, which name what there is */

static const struct {
	const char *code;
	int status;
} refusals[] = {
#define POSTGREST(id, code, status) [POSTGREST_##id] = {code, status},
#include "api/postgrest/errors.def"
#undef POSTGREST
};

static void add_text(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s\"%s\":", out->len == 0 ? "{" : ",", name);
	if (value != NULL)
		json_text_quote(out, value, problem_cut(value, DETAIL_BYTES));
	else
		buf_str(out, "null");
}

static void put_refusal(struct reply *reply, int status, const char *code, const char *message,
	const char *details, const char *hint)
{
	reply_start(reply, status, REPLY_JSON);
	problem_headers(reply, status);
	add_text(&reply->body, "code", code);
	add_text(&reply->body, "message", message);
	add_text(&reply->body, "details", details);
	add_text(&reply->body, "hint", hint);
	buf_char(&reply->body, '}');
}

void postgrest_reply(struct reply *reply, enum postgrest_error id, const char *details,
	const char *hint, const char *message_fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list ap;

	va_start(ap, message_fmt);
	vsnprintf(message, sizeof(message), message_fmt, ap);
	va_end(ap);
	problem_trim(message);
	put_refusal(reply, refusals[id].status, refusals[id].code, message, details, hint);
}

/* The code for what PostgREST refuses too. */
static const char *code_of(enum problem_id id)
{
	switch (id) {
	case PROBLEM_BAD_JSON:
	case PROBLEM_UNSUPPORTED_TYPE:
		return refusals[POSTGREST_BODY].code;
	case PROBLEM_UNAUTHORIZED:
		return "PGRST301";
	case PROBLEM_CROSS_ORIGIN:
		return refusals[POSTGREST_NOT_OWN].code;
	case PROBLEM_NOT_FOUND:
		return refusals[POSTGREST_PATH].code;
	case PROBLEM_METHOD_NOT_ALLOWED:
		return refusals[POSTGREST_TABLE_METHOD].code;
	default:
		return problem_name(id);
	}
}

void postgrest_problem(struct reply *reply, enum problem_id id, const char *detail)
{
	put_refusal(reply, problem_status(id), code_of(id), detail, NULL, NULL);
}

int postgrest_status(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (strcmp(refusals[i].code, code) == 0)
			return refusals[i].status;
	return 400;
}
