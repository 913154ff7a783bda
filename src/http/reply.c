/* What is answered: status, headers, body. */
#include "http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_LINE_BYTES 1024 /* longest value of a header that the service makes */

/* nginx passes the phrase on, and a status line without one confuses old clients. */
static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{200, "OK"},
	{201, "Created"},
	{204, "No Content"},
	{206, "Partial Content"},
	{303, "See Other"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{409, "Conflict"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
};

static const char *phrase_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

void reply_start(struct reply *reply, int status, const char *content_type)
{
	reply->status = status;
	reply->content_type = content_type;
	/* A new token may be in either. */
	reply->headers.secret = true;
	reply->body.secret = true;
	buf_reset(&reply->headers);
	buf_reset(&reply->body);
	reply->borrowed = NULL;
	reply->borrowed_len = 0;
	reply->cache_control = false;
}

/* A line break in a value would let it write headers of its own (response splitting). */
static bool printable(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

void reply_header(struct reply *reply, const char *name, const char *fmt, ...)
{
	char value[HEADER_LINE_BYTES];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	MUST(len >= 0 && (size_t)len < sizeof(value));
	MUST(printable(value));
	buf_printf(&reply->headers, "%s: %s\r\n", name, value);
	explicit_bzero(value, (size_t)len);
	if (strcasecmp(name, "Cache-Control") == 0)
		reply->cache_control = true;
}

void reply_etag(struct reply *reply, int version)
{
	reply_header(reply, "ETag", "\"%d\"", version);
	reply_header(reply, "Cache-Control", "private, no-cache");
	reply_header(reply, "Vary", "Authorization, Cookie");
}

void reply_borrow(struct reply *reply, const char *body, size_t len)
{
	reply->borrowed = body;
	reply->borrowed_len = len;
}

void reply_free(struct reply *reply)
{
	buf_free(&reply->headers);
	buf_free(&reply->body);
	*reply = (struct reply){0};
}

/* What RFC 9110 gives no body: a length or a type there would describe something that is not. */
static bool bodiless(int status)
{
	return status == 204 || status == 304 || status < 200;
}

static void add_line(struct buf *out, const char *name, const char *value)
{
	buf_str(out, name);
	buf_str(out, value);
	buf_str(out, "\r\n");
}

static void render_head(
	const struct reply *reply, const char *request_id, size_t body_len, struct buf *out)
{
	buf_printf(out, "Status: %d %s\r\n", reply->status, phrase_of(reply->status));
	if (!bodiless(reply->status)) {
		if (reply->content_type != NULL)
			add_line(out, "Content-Type: ", reply->content_type);
		buf_printf(out, "Content-Length: %zu\r\n", body_len);
	}
	add_line(out, "X-Request-Id: ", request_id);
	if (!reply->cache_control)
		buf_str(out, "Cache-Control: no-store\r\n");
	buf_str(out, "X-Content-Type-Options: nosniff\r\n");
	buf_add(out, buf_cstr(&reply->headers), reply->headers.len);
	buf_str(out, "\r\n");
}

void reply_render(const struct reply *reply, const char *request_id, bool head, struct buf *out)
{
	const char *body = reply->borrowed != NULL ? reply->borrowed : buf_cstr(&reply->body);
	const size_t len = reply->borrowed != NULL ? reply->borrowed_len : reply->body.len;

	MUST(reply->status >= 100 && reply->status <= 599);
	render_head(reply, request_id, len, out);
	if (!head && !bodiless(reply->status))
		buf_add(out, body, len);
}
