/* Whether the service lives, and whether it would serve a request. */
#include "api/health.h"

#include "api/auth.h"

static enum step answer(struct exchange *x, const char *text)
{
	reply_start(&x->reply, 200, "text/plain; charset=utf-8");
	buf_str(&x->reply.body, text);
	return STEP_ANSWER;
}

enum step health_live(struct exchange *x)
{
	return answer(x, "alive\n");
}

static enum step ready(struct exchange *x)
{
	return answer(x, "ready\n");
}

/* Asks as a request would, with a token that nobody has: any row is as good as another. */
enum step health_ready(struct exchange *x)
{
	call_start(&x->call, CALL_CHECK_SESSION);
	auth_argument(x);
	x->resume = ready;
	return STEP_CALL;
}
