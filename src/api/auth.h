/*
 * Tokens: made here, kept by the client, known to the database only as their SHA-256.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include <stdbool.h>

#include "api/exchange.h"

#define AUTH_TOKEN_BYTES 48 /* room for a token in clear */

/* Reads `Authorization: Bearer TOKEN`, or the session cookie where there is no Authorization, into
 * x->token_hash. False when there is none or it cannot be one of ours; whether it is valid is for
 * the database to say. */
MUST_CHECK bool auth_read(struct exchange *x);

/* Makes a new token: in clear for the client, and x->token_hash for the database. */
void auth_make(struct exchange *x, char ret_token[AUTH_TOKEN_BYTES]);
/* Adds the token's hash to the planned call. */
void auth_argument(struct exchange *x);

#endif
