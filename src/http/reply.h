/*
 * What is answered: status, headers, body; no FastCGI.
 *
 * Zero-initialised is empty. Owned by one thread at a time; reply_free releases it. Header values
 * must not contain control characters: that is an invariant (MUST), as every value is our own.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define REPLY_JSON    "application/json; charset=utf-8"
#define REPLY_PROBLEM "application/problem+json"
#define REPLY_ROW     "application/vnd.pgrst.object+json; charset=utf-8"

struct reply {
	int status;               /* 100..599; 0 while nothing is decided */
	const char *content_type; /* static; NULL for an answer without a body */
	struct buf headers;       /* whole lines, each ended by CR LF */
	struct buf body;          /* used when `borrowed` is NULL */
	const char *borrowed;     /* a body owned by somebody who outlives the reply */
	size_t borrowed_len;
	bool cache_control; /* a Cache-Control line is among the headers */
};

/* Forgets what was there, headers included, and starts an answer. */
void reply_start(struct reply *reply, int status, const char *content_type);
/* Adds a header of at most 1023 bytes. One named Cache-Control takes the place of `no-store`. */
void reply_header(struct reply *reply, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* ETag: "VERSION", and the caching headers that go with it. */
void reply_etag(struct reply *reply, int version);
/* Uses `body` without a copy; it must outlive the reply's rendering. */
void reply_borrow(struct reply *reply, const char *body, size_t len);
void reply_free(struct reply *reply);

/*
 * The whole CGI answer into `out`: Status, Content-Type, Content-Length, X-Request-Id, the
 * caching headers of the contract (`no-store` unless an ETag was set), X-Content-Type-Options,
 * an empty line, and the body unless `head`. 204 and 304 have neither body nor Content-Type.
 */
void reply_render(const struct reply *reply, const char *request_id, bool head, struct buf *out);

#endif
