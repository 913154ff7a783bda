/* The security log: which answers have a line, and what it calls them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proc/audit.h"

static void each_kind_of_answer_has_its_name_and_the_rest_has_no_line(void **state)
{
	static const struct {
		enum stats_route route;
		int status;
		bool forged;
		const char *event, *outcome;
	} cases[] = {
		{STATS_ROUTE_SIGN_IN, 201, false, "sign-in", "ok"},
		{STATS_ROUTE_SIGN_IN, 401, false, "sign-in", "refused"},
		{STATS_ROUTE_SIGN_IN, 422, false, "sign-in", "refused"},
		{STATS_ROUTE_SIGN_IN, 429, false, "sign-in", "limited"},
		{STATS_ROUTE_SIGN_IN, 503, false, "sign-in", "failed"},
		{STATS_ROUTE_SIGN_IN, 403, true, "cross-origin", "refused"},
		{STATS_ROUTE_REGISTER, 201, true, "registration", "ok"},
		{STATS_ROUTE_REGISTER, 409, false, "registration", "refused"},
		{STATS_ROUTE_PASSWORD, 204, false, "password-change", "ok"},
		{STATS_ROUTE_PASSWORD, 422, false, "password-change", "refused"},
		{STATS_ROUTE_ACCOUNT_DELETE, 204, false, "account-deletion", "ok"},
		{STATS_ROUTE_ACCOUNT_DELETE, 504, false, "account-deletion", "failed"},
		{STATS_ROUTE_SESSION_END, 204, false, "session-end", "ok"},
		{STATS_ROUTE_SESSIONS_END, 204, false, "session-end", "ok"},
		{STATS_ROUTE_CARD_UPDATE, 403, true, "cross-origin", "refused"},
		{STATS_ROUTE_RPC_UPDATE, 403, false, NULL,
			NULL}, /* another user's, and no forgery */
		{STATS_ROUTE_CARD_UPDATE, 429, false, "request", "limited"},
		{STATS_ROUTE_CARD_UPDATE, 200, true, NULL, NULL},
		{STATS_ROUTE_CARD_READ, 401, false, NULL, NULL},
		{STATS_ROUTE_NONE, 404, false, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct audit_event got =
			audit_event(cases[i].route, cases[i].status, cases[i].forged);

		if (cases[i].event == NULL) {
			assert_null(got.event);
			continue;
		}
		assert_string_equal(got.event, cases[i].event);
		assert_string_equal(got.outcome, cases[i].outcome);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_answer_has_its_name_and_the_rest_has_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
