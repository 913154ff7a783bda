/* Refusals on routes that need a session. */
#include "api/refuse.h"

#include "api/auth.h"

/* The session is there, and the card where one was named: the prepared refusal stands. */
static enum step refused(struct exchange *x)
{
	if (x->call.row.status == 200)
		return STEP_ANSWER;
	return exchange_common(x, "card");
}

enum step refuse_prepared(struct exchange *x)
{
	if (x->session_live && !x->has_card)
		return STEP_ANSWER;
	call_start(&x->call, x->has_card ? CALL_CHECK_CARD : CALL_CHECK_SESSION);
	auth_argument(x);
	if (x->has_card)
		call_uuid(&x->call, &x->arena, &x->card);
	x->resume = refused;
	return STEP_CALL;
}

enum step refuse(struct exchange *x, enum problem_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	exchange_vproblem(x, id, fmt, ap);
	va_end(ap);
	return refuse_prepared(x);
}

enum step refuse_fields(struct exchange *x)
{
	(void)exchange_invalid(x);
	return refuse_prepared(x);
}
