/*
 * The session cookie: the token of a browser, kept where its scripts cannot read it.
 */
#ifndef API_COOKIE_H
#define API_COOKIE_H

#include "api/exchange.h"

/*
 * The value of `ck_session` in a Cookie header, or NULL: where there is none, and where there are
 * two that differ, as one of them was then put there by another site of the same domain, and nobody
 * can say which. Allocated in `arena`. `header` may be NULL.
 */
const char *cookie_value(const char *header, struct mem_arena *arena);

/* Adds Set-Cookie to the reply: x->token, for as long as the session may last. */
void cookie_set(struct exchange *x);
/* Adds Set-Cookie that makes the browser forget the cookie, where the request came with it. */
void cookie_clear(struct exchange *x);

#endif
