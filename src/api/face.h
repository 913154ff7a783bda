/*
 * A face of the service: in which shape its clients get what all routes have in common, refusals above all.
 *
 * Which one a request has is said by its path (request.face). A route answers what it is asked for in its own
 * way; whatever is refused on the way there is refused by the face.
 */
#ifndef API_FACE_H
#define API_FACE_H

#include "api/exchange.h"

/* What each function but the first refuses is answered only when the session is there, and the card where one is
 * named (exchange_refuse), unless `open`: the route needs none. */
struct face {
	/* Makes the reply a refusal; `detail` is in words, and trimmed. */
	void (*problem)(struct exchange *x, enum problem_id id, const char *detail);
	/* Nothing is at the path. */
	enum step (*no_path)(struct exchange *x);
	/* The path has other methods; `route` is one of it. */
	enum step (*no_method)(struct exchange *x, enum stats_route route, bool open);
	/* The body is JSON, and yet no body can be such; `fault` says how, after "body". */
	enum step (*bad_body)(struct exchange *x, const char *fault, bool open);
	/* The database has refused a value, and does not say which: the reply is that, at once. */
	void (*bad_value)(struct exchange *x);
};

/* problem+json, as of all paths but PostgREST's. */
extern const struct face face_json;

/* The one that the request has. */
const struct face *face_of(const struct exchange *x);

#endif
