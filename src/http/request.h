/*
 * What a client asks, as the handlers see it: plain values, no FastCGI.
 *
 * Everything a request points to lives in the arena it was read with, until that is freed. Owned
 * by one thread at a time. An absent header is NULL.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/uuid.h"

#define REQUEST_BODY_MAX (256 * 1024) /* bytes; the contract's limit */

enum request_method {
	REQUEST_GET,
	REQUEST_HEAD,
	REQUEST_POST,
	REQUEST_PUT,
	REQUEST_PATCH,
	REQUEST_DELETE,
	REQUEST_OPTIONS,
	REQUEST_OTHER,
};

struct request {
	enum request_method method;
	const char *path;  /* percent-decoded, without the query; starts with a slash */
	const char *query; /* raw, without the question mark; "" when there is none */
	const char *authorization;
	const char *content_type;
	const char *if_match;
	const char *if_none_match;
	const char *user_agent;
	const char *remote_address;
	struct uuid id; /* nginx's $request_id */
	char id_text[UUID_TEXT_BYTES];
	const char *body; /* NUL-terminated; `body_len` bytes; "" when there is none */
	size_t body_len;
	bool body_too_large; /* over REQUEST_BODY_MAX: `body` is "", the rest was read and dropped */
	int64_t began_us;    /* monotonic: when nginx handed the request over (its $msec) */
};

/* The last of the slash-separated path segments after `prefix`, or NULL when the path is not
 * `prefix` and one non-empty segment: request_tail("/api/cards/7", "/api/cards/") is "7". */
const char *request_tail(const struct request *request, const char *prefix);

enum request_param {
	REQUEST_PARAM_ABSENT,
	REQUEST_PARAM_FOUND,
	REQUEST_PARAM_BAD, /* given twice, or its percent-encoding or its UTF-8 is broken */
};

/* The decoded value of query parameter `name`, allocated in `arena`. */
MUST_CHECK enum request_param request_param(const struct request *request, const char *name,
	struct mem_arena *arena, const char **ret_value);

/* Decodes %XX in place-sized copy; false for a broken escape, for NUL or for invalid UTF-8.
 * Plus signs mean blanks only when `form`. */
MUST_CHECK bool request_percent_decode(
	const char *text, size_t len, bool form, struct mem_arena *arena, const char **ret_text);

#endif
