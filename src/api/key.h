/*
 * Idempotency-Key: the name that a client gives to one intended write, so that it is applied once
 * however often and by whomever it is repeated.
 *
 * A key is bound to the request it came with. What the database sees of both are two hashes: one of
 * the key, and one of all that the key is bound to, the key included, which takes the place of the
 * write id. The database makes them the user's own.
 */
#ifndef API_KEY_H
#define API_KEY_H

#include <stdbool.h>

#include "api/exchange.h"

#define KEY_CHARS_MAX 255

enum key_status {
	KEY_OK, /* or none was sent */
	KEY_MALFORMED,
	KEY_REPEATED,
};

/*
 * Reads the header into x->key and x->write. A structured string (RFC 8941) and the same characters
 * bare are the same key. `secret`: the body carries a password, which must not be hashed in the
 * clear, so the body is left out.
 */
MUST_CHECK enum key_status key_read(struct exchange *x, bool secret);

/* Adds the write id to the planned call. */
void key_write_argument(struct exchange *x);
/* Adds the key to the planned call; null where there is none. */
void key_argument(struct exchange *x);

#endif
