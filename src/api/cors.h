/*
 * CORS: which pages of other origins may use the API, and how a browser is told.
 *
 * Off unless `cors_origins` names some. Such a page uses a token, which it has to have been given:
 * Access-Control-Allow-Credentials is never sent, so no browser lets it read anything by the session
 * cookie; what would write by it is refused by api/origin besides.
 */
#ifndef API_CORS_H
#define API_CORS_H

#include <stdbool.h>

#include "api/exchange.h"

/* Whether any origin is configured: every path then has the method OPTIONS. */
bool cors_on(const struct exchange *x);

/* Answers OPTIONS on a path that has `methods`. A browser asks without a session, before it sends
 * anything that a plain form could not. */
enum step cors_preflight(struct exchange *x, const char *methods);

/* Adds to a finished answer, whatever it says, which page may read it. */
void cors_finish(struct exchange *x);

#endif
