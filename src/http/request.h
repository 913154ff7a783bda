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

#define REQUEST_BODY_MAX   (256 * 1024)        /* bytes; the contract's limit */
#define REQUEST_AGE_MAX_US (INT64_C(60000000)) /* nothing waits for longer before it is read */

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

/* In which shape the client expects answers that are no route's own (api/face). */
enum request_face {
	REQUEST_FACE_JSON,
	REQUEST_FACE_POSTGREST, /* the path is, or would be, under /rest or /rpc */
};

struct request {
	enum request_method method;
	const char *path;  /* percent-decoded, without the query; starts with a slash, or is "" */
	const char *query; /* raw, without the question mark; "" when there is none */
	enum request_face face;
	const char *authorization;
	const char *content_type;
	const char *if_match;        /* this one and the next, accept and prefer are lists: */
	const char *if_none_match;   /* what came in several lines is joined by commas */
	const char *idempotency_key; /* "" when it was sent empty */
	bool idempotency_key_again;  /* it was sent more than once */
	const char *accept;
	const char *cookie;
	const char *origin;
	const char *sec_fetch_site;
	const char *host;   /* as the client wrote it */
	const char *scheme; /* http or https, as nginx sees it */
	const char *prefer;
	const char *range;
	const char *accept_profile;
	const char *content_profile;
	const char *user_agent;
	const char *remote_address;
	const char *
		peer; /* whom nginx heard: another than remote_address where real_ip is configured */
	bool forwarded; /* it came with a header in which proxies say for whom they speak */
	struct uuid id; /* nginx's $request_id */
	char id_text[UUID_TEXT_BYTES];
	const char *body; /* NUL-terminated; `body_len` bytes; "" when there is none */
	size_t body_len;
	bool body_too_large; /* over REQUEST_BODY_MAX: `body` is "", the rest was read and dropped */
	int64_t began_us;    /* monotonic: when nginx handed the request over (its $msec) */
};

/* Looks up what nginx sent under `name` for the nth time, from 0 on; NULL or "" when it sent nothing. */
typedef const char *request_lookup_fn(void *source, const char *name, size_t nth);

/*
 * Fills `request`, but for its body, from nginx's parameters; what it points to is copied into
 * `arena`. `body_bytes` came as a body in all. NULL when all is well, else what is wrong, in words
 * for the log: nginx always sends a method, a URI and a request id, and a CONTENT_LENGTH, if any,
 * that is true.
 *
 * A path whose percent-encoding or UTF-8 is broken, that holds a NUL or does not start with a
 * slash becomes "", which no route matches, so the answer is 404. Paths are names, never files:
 * `//` and `..` mean nothing here. A user agent with control bytes or broken UTF-8 is absent.
 */
MUST_CHECK const char *request_fill(struct request *request, struct mem_arena *arena,
	request_lookup_fn *lookup, void *source, size_t body_bytes);

/* "GET" and the like; "other" for what has no name here. */
const char *request_method_name(enum request_method method);

/*
 * When nginx handed the request over, on the monotonic clock: `mono_us` less the age that `msec`
 * (nginx's $msec, "seconds.millis" of the wall clock) has at `wall_us`. Wall clocks jump, so the
 * age is held within 0 and REQUEST_AGE_MAX_US; it is 0 when `msec` is NULL or unreadable.
 */
int64_t request_began_us(const char *msec, int64_t wall_us, int64_t mono_us);

/*
 * Whether the path is `pattern`, in which `{}` may stand once for one segment that is not empty:
 * "/api/cards/7/history" fits "/api/cards/{}/history". `ret_segment` points to that segment in the
 * path (its end is `ret_len` bytes on), or is NULL where the pattern has none.
 */
MUST_CHECK bool request_fits(const struct request *request, const char *pattern,
	const char **ret_segment, size_t *ret_len);

enum request_param {
	REQUEST_PARAM_ABSENT,
	REQUEST_PARAM_FOUND,
	REQUEST_PARAM_BAD, /* given twice, or its percent-encoding or its UTF-8 is broken */
};

/* The decoded value of query parameter `name`, allocated in `arena`. */
MUST_CHECK enum request_param request_param(const struct request *request, const char *name,
	struct mem_arena *arena, const char **ret_value);

/*
 * The parameters one by one, in their order: the decoded name and value of the one that `*cursor`
 * stands at, which is moved behind it. Begins at request->query; ABSENT at the end.
 */
MUST_CHECK enum request_param request_param_next(const char **cursor, struct mem_arena *arena,
	const char **ret_name, const char **ret_value);

/* Decodes %XX in place-sized copy; false for a broken escape, for NUL or for invalid UTF-8.
 * Plus signs mean blanks only when `form`. */
MUST_CHECK bool request_percent_decode(
	const char *text, size_t len, bool form, struct mem_arena *arena, const char **ret_text);

#endif
