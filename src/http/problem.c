/* Refusals as RFC 9457 problem details. */
#include "http/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_text.h"
#include "http/utf8.h"

#define DETAIL_BYTES 512 /* a sentence or two; longer ones are cut */

#define TYPE_PREFIX "urn:cardkeep:problem:"

static const struct {
	const char *type;
	int status;
	const char *title;
	const char *error;
} problems[] = {
#define PROBLEM(id, name, status, title, error, when) \
	[PROBLEM_##id] = {TYPE_PREFIX name, status, title, error},
#include "catalog/problems.def"
#undef PROBLEM
};

int problem_status(enum problem_id id)
{
	return problems[id].status;
}

const char *problem_name(enum problem_id id)
{
	return problems[id].type + sizeof(TYPE_PREFIX) - 1;
}

static void add_text(struct buf *out, const char *name, const char *value)
{
	buf_char(out, ',');
	json_text_member(out, name, value);
}

/* The members of `{...}` without the braces, after a comma; nothing for an empty object. */
static void add_members(struct buf *out, const char *members)
{
	const char *first = strchr(members, '{');
	const char *last = strrchr(members, '}');

	MUST(first != NULL && last != NULL);
	first++;
	first += strspn(first, " \t\r\n");
	if (first == last)
		return;
	buf_char(out, ',');
	buf_add(out, first, (size_t)(last - first));
}

void problem_headers(struct reply *reply, int status)
{
	if (status == 401)
		reply_header(reply, "WWW-Authenticate", "Bearer");
	if (status == 429 || status == 503 || status == 504)
		reply_header(reply, "Retry-After", "1");
}

void problem_trim(char *text)
{
	size_t len = strlen(text);

	while (!utf8_valid(text, len))
		len--;
	text[len] = '\0';
}

void problem_reply(struct reply *reply, enum problem_id id, const char *request_id,
	const char *members, const char *detail_fmt, ...)
{
	struct buf *body = &reply->body;
	char detail[DETAIL_BYTES];
	va_list ap;

	va_start(ap, detail_fmt);
	vsnprintf(detail, sizeof(detail), detail_fmt, ap);
	va_end(ap);
	problem_trim(detail);
	reply_start(reply, problems[id].status, REPLY_PROBLEM);
	problem_headers(reply, problems[id].status);
	buf_printf(body, "{\"type\":\"%s\"", problems[id].type);
	add_text(body, "title", problems[id].title);
	buf_printf(body, ",\"status\":%d", problems[id].status);
	add_text(body, "detail", detail);
	buf_printf(body, ",\"instance\":\"urn:uuid:%s\"", request_id);
	add_text(body, "error", problems[id].error);
	add_text(body, "message", detail);
	if (members != NULL)
		add_members(body, members);
	buf_char(body, '}');
}

size_t problem_cut(const char *text, size_t most)
{
	size_t len = strnlen(text, most + 1);

	if (len <= most)
		return len;
	/* Back to where a letter begins: bytes within one are 10xxxxxx. */
	for (len = most; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
		len--;
	return len;
}

void problem_field(struct buf *errors, const char *field, const char *message)
{
	if (errors->len > 0 && errors->data[errors->len - 1] == '}')
		buf_char(errors, ',');
	buf_str(errors, "{\"field\":");
	json_text_quote(errors, field, problem_cut(field, PROBLEM_NAME_BYTES));
	buf_char(errors, ',');
	json_text_member(errors, "message", message);
	buf_char(errors, '}');
}
