/* The security log: which answers have a line, and what it calls them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "worker/audit.h"

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

/* A sign-in that was refused. */
static void refuse(struct audit *audit, struct stats_slot *slot)
{
	struct job *job = mem_zero(sizeof(*job));

	job->x.route = STATS_ROUTE_SIGN_IN;
	job->x.reply.status = 401;
	job->x.request.remote_address = "192.0.2.1";
	audit_answer(audit, slot, job);
	free(job);
}

static uint64_t lost(const struct stats_slot *slot)
{
	return atomic_load(&slot->cells[STATS_AT_SECURITY_LINES_LOST]);
}

/* Lines keep their form, whatever the disk did: a filter reads them one by one. */
static void what_a_full_disk_cut_off_is_ended_before_the_next_line(void **state)
{
	char path[] = "/tmp/cardkeep-t_audit-XXXXXX";
	char why[200] = "";
	char text[2048];
	struct tries *tries = tries_new();
	struct stats_slot *slot = aligned_alloc(STATS_LINE_BYTES, sizeof(*slot));
	struct audit *audit;
	struct rlimit before;
	struct rlimit limit;
	ssize_t len;
	char *line;
	int fd = mkstemp(path);

	(void)state;
	memset(slot, 0, sizeof(*slot));
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_true(fd >= 0);
	audit = audit_new(path, tries, why, sizeof(why));
	assert_string_equal(why, "");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 40;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	refuse(audit, slot);
	refuse(audit, slot);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lost(slot), 2);
	refuse(audit, slot);
	refuse(audit, slot);
	assert_int_equal(lost(slot), 2);
	len = read(fd, text, sizeof(text) - 1);
	assert_true(len > 0);
	text[len] = '\0';
	line = strtok(text, "\n");
	assert_int_equal(strlen(line), 40);
	for (int i = 0; i < 2; i++) {
		line = strtok(NULL, "\n");
		assert_int_equal(strncmp(line, "ts=", 3), 0);
		assert_non_null(strstr(line, " event=sign-in outcome=refused status=401 place="));
	}
	assert_null(strtok(NULL, "\n"));
	audit_free(&audit);
	tries_free(&tries);
	free(slot);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_answer_has_its_name_and_the_rest_has_no_line),
		cmocka_unit_test(what_a_full_disk_cut_off_is_ended_before_the_next_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
