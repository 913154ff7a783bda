/*
 * Tokens that the database accepted lately, and whose they are.
 *
 * What this knows authorises nothing: every call still looks the session up, as its first statement,
 * so a token that is revoked is refused from the next request on. It decides the order of work alone.
 * The body of a request whose token is known here is read at once; for any other the database is
 * asked first who it is. So a token that somebody made up costs one look-up of an index, whatever
 * comes with it.
 *
 * Bounded: of more tokens than there is room for, those that were not used for the longest time give
 * way, and cost one more look-up when they come again. Thread-safe; one for a process.
 */
#ifndef API_KNOWN_H
#define API_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "base/uuid.h"

#define KNOWN_HASH_BYTES 32    /* a token's SHA-256 */
#define KNOWN_TOKENS     65536 /* so many have room */

struct known;

MUST_CHECK struct known *known_new(void);
void known_free(struct known **known);

/* Whether that token is known, and then whose it is. NULL knows nobody. */
MUST_CHECK bool known_find(
	struct known *known, const uint8_t *token_hash, struct uuid *ret_account);
/* The database has just accepted that token. NULL keeps nothing, here and below. */
void known_keep(struct known *known, const uint8_t *token_hash, const struct uuid *account);
/* The database has just refused that token. */
void known_drop(struct known *known, const uint8_t *token_hash);

#endif
