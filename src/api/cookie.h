/*
 * The session cookie: the token of a browser, kept where its scripts cannot read it.
 *
 * Over HTTPS it is `__Host-ck_session`: browsers take a cookie of such a name from this very host
 * alone, so no other site of the same domain can put one of its own in its place (RFC 6265bis). Without
 * HTTPS they take none, and it is `ck_session`, which is read over HTTPS too, where there is no other:
 * it may be from before.
 */
#ifndef API_COOKIE_H
#define API_COOKIE_H

#include "api/exchange.h"

/*
 * The value of the session cookie in a Cookie header, or NULL: where there is none, and where there are
 * two of one name that differ, as one of them was then put there by another site of the same domain, and
 * nobody can say which. Where both names are there, *ret_host_only says that it is the value of the
 * first. Allocated in `arena`. `header` may be NULL.
 */
const char *cookie_value(const char *header, struct mem_arena *arena, bool *ret_host_only);

/* Adds Set-Cookie to the reply: the token, for as long as the session may last. */
void cookie_set(struct exchange *x, const char *token);
/* Adds Set-Cookie that makes the browser forget the cookie, where the request came with it. */
void cookie_clear(struct exchange *x);

#endif
