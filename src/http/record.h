/*
 * The records of one FastCGI request, read within bounds.
 *
 * A peer may send any bytes: nginx does so by mistake at most, but whoever else is let in at the
 * socket speaks raw. libfcgi trusts lengths that a peer writes (it aborts, or writes past its stack,
 * for some of them) and keeps whatever it is sent. So requests are read here, and only what nginx
 * sends is a request: one BEGIN_REQUEST for a responder, its parameters, its body, all under one id,
 * and nothing behind. Anything else is nonsense. Pure but for its memory; for one thread.
 */
#ifndef HTTP_RECORD_H
#define HTTP_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define RECORD_HEADER_BYTES 8
#define RECORD_BEGIN_BYTES  16 /* BEGIN_REQUEST, its header included */
/* Of all parameters together. nginx takes 33 KiB of headers from a client, and passes a header of
 * four bytes on as eight. */
#define RECORD_PARAMS_MAX (128 * 1024)
/* Of a body, beyond what is kept: nginx takes 1 MiB at most from a client. */
#define RECORD_BODY_MAX (16 * 1024 * 1024)

enum record_part { RECORD_BEGIN, RECORD_PARAMS, RECORD_BODY, RECORD_END };

struct record_reader {
	enum record_part part; /* what comes next */
	unsigned char header[RECORD_HEADER_BYTES];
	size_t header_len;   /* bytes of it that are there */
	size_t content_left; /* of the record that is being read */
	size_t padding_left;
	unsigned char begin[RECORD_BEGIN_BYTES]; /* as it came, for libfcgi */
	size_t begin_len;
	struct buf params; /* as they came; texts, once they are whole */
	struct buf index;  /* where these begin, and how long their names are: each is looked for */
	struct buf body;   /* empty when there was more than `body_max` */
	size_t body_bytes; /* that came */
	size_t body_max;
};

enum record_state {
	RECORD_MORE,     /* the request has not ended */
	RECORD_DONE,     /* it has: `params`, `body` and `begin` are whole */
	RECORD_NONSENSE, /* it is none, and the connection is worth nothing */
};

/* Keeps a body of at most `body_max` bytes. */
void record_init(struct record_reader *reader, size_t body_max);
/* The next bytes that came. *ret_why says in words for the log what is nonsense. */
MUST_CHECK enum record_state record_feed(
	struct record_reader *reader, const char *bytes, size_t len, const char **ret_why);
/* The nth value of that name, from 0 on; NULL when there is none. For a request that is done. */
const char *record_param(const struct record_reader *reader, const char *name, size_t nth);
/* Wipes what came and gives its memory back. */
void record_fini(struct record_reader *reader);

#endif
