/* CORS: which pages of other origins may use the API, and how a browser is told. */
#include "api/cors.h"

#include "base/origins.h"

/* Seconds that a browser may go by what it was told; none keeps it for longer than two hours. */
#define MAX_AGE "7200"

/* What the service reads, and supabase-js sends, by name for browsers that do not know `*`; whatever
 * else a page sends it passes over, so a client's own headers do no harm. `*` does not cover
 * Authorization. */
#define ALLOWED                                                                           \
	"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, " \
	"X-Retry-Count, Accept-Profile, Content-Profile, Range, apikey, X-Client-Info, *"

#define EXPOSED                                                            \
	"ETag, Location, Link, Retry-After, X-Request-Id, Content-Range, " \
	"Preference-Applied, Idempotent-Replayed"

bool cors_on(const struct exchange *x)
{
	return x->conf->cors_origins[0] != '\0';
}

static bool is_welcome(const struct exchange *x)
{
	return x->request.origin != NULL && origins_have(x->conf->cors_origins, x->request.origin);
}

enum step cors_preflight(struct exchange *x, const char *methods)
{
	reply_start(&x->reply, 204, NULL);
	reply_header(&x->reply, "Allow", "%s, OPTIONS", methods);
	if (!is_welcome(x))
		return STEP_ANSWER;
	reply_header(&x->reply, "Access-Control-Allow-Methods", "%s", methods);
	reply_header(&x->reply, "Access-Control-Allow-Headers", ALLOWED);
	reply_header(&x->reply, "Access-Control-Max-Age", MAX_AGE);
	return STEP_ANSWER;
}

void cors_finish(struct exchange *x)
{
	if (!cors_on(x))
		return;
	reply_header(&x->reply, "Vary", "Origin");
	if (!is_welcome(x))
		return;
	reply_header(&x->reply, "Access-Control-Allow-Origin", "%s", x->request.origin);
	if (x->request.method != REQUEST_OPTIONS)
		reply_header(&x->reply, "Access-Control-Expose-Headers", EXPOSED);
}
