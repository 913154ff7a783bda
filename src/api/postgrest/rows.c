/* The caller's own rows of the three tables. */
#include "api/handlers.h"

#include "api/auth.h"
#include "api/postgrest/rest.h"

static enum step plan_rows(struct exchange *x, const char *table)
{
	const char *view;
	enum step step;

	if (!rest_view(x, false, &view, &step))
		return step;
	call_start(&x->call, CALL_READ_ROWS);
	auth_argument(x);
	call_text(&x->call, table);
	call_text(&x->call, view);
	x->resume = rest_answer;
	return STEP_CALL;
}

enum step rows_cards(struct exchange *x)
{
	return plan_rows(x, "business_cards");
}

enum step rows_personal(struct exchange *x)
{
	return plan_rows(x, "personal_info");
}

enum step rows_professional(struct exchange *x)
{
	return plan_rows(x, "professional_info");
}
