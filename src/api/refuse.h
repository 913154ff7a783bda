/*
 * Refusals on routes that need a session.
 *
 * The order of checks puts 401 and 404 before everything else, so the session, unless this request has asked for
 * it already, and the card where one is named, are looked up first: the refusal that was made ready in `reply` is
 * answered only when both are there.
 */
#ifndef API_REFUSE_H
#define API_REFUSE_H

#include "api/exchange.h"

/* Refuses with a problem, in the shape that the request's face has. */
enum step refuse(struct exchange *x, enum problem_id id, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Refuses with 422 and the collected `errors`. */
enum step refuse_fields(struct exchange *x);
/* Refuses with what is in `reply` already. */
enum step refuse_prepared(struct exchange *x);

#endif
