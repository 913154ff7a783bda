/* The security log: which answers have a line, and what it calls them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

/* A file that may not grow beyond so many bytes, as on a full disk. */
static void limit_files(rlim_t bytes, struct rlimit *ret_before)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, ret_before), 0);
	limit = *ret_before;
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

struct room {
	char path[64];
	int fd; /* to read it */
	struct tries *tries;
	struct stats_slot *slot;
};

static int make_room(void **state)
{
	struct room *room = mem_zero(sizeof(*room));

	strcpy(room->path, "/tmp/cardkeep-t_audit-XXXXXX");
	room->fd = mkstemp(room->path);
	room->tries = tries_new();
	room->slot = aligned_alloc(STATS_LINE_BYTES, sizeof(*room->slot));
	memset(room->slot, 0, sizeof(*room->slot));
	*state = room;
	return room->fd < 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR;
}

static int leave_room(void **state)
{
	struct room *room = *state;

	tries_free(&room->tries);
	free(room->slot);
	close(room->fd);
	(void)unlink(room->path);
	free(room);
	return 0;
}

static struct audit *open_audit(const struct room *room)
{
	char why[200] = "";
	struct audit *audit = audit_new(room->path, room->tries, why, sizeof(why));

	assert_string_equal(why, "");
	return audit;
}

/* One line of `cut` bytes, then so many whole ones; none is empty. */
static void assert_lines(const struct room *room, size_t cut, int whole)
{
	char text[2048];
	const ssize_t len = pread(room->fd, text, sizeof(text) - 1, 0);
	char *rest = text;
	char *line;

	assert_true(len > 0);
	text[len] = '\0';
	line = strsep(&rest, "\n");
	assert_int_equal(strlen(line), cut);
	for (int i = 0; i < whole; i++) {
		line = strsep(&rest, "\n");
		assert_non_null(line);
		assert_int_equal(strncmp(line, "ts=", 3), 0);
		assert_non_null(strstr(line, " event=sign-in outcome=refused status=401 place="));
	}
	assert_non_null(rest);
	assert_string_equal(rest, "");
}

/* Lines keep their form, whatever the disk did: a filter reads them one by one. */
static void what_a_full_disk_cut_off_is_ended_before_the_next_line(void **state)
{
	struct room *room = *state;
	struct audit *audit = open_audit(room);
	struct rlimit before;

	limit_files(40, &before);
	refuse(audit, room->slot);
	refuse(audit, room->slot);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lost(room->slot), 2);
	refuse(audit, room->slot);
	refuse(audit, room->slot);
	assert_int_equal(lost(room->slot), 2);
	assert_lines(room, 40, 2);
	audit_free(&audit);
}

/* All workers append to one file, and each has opened it for itself. */
static void what_one_worker_left_cut_off_is_ended_by_another(void **state)
{
	struct room *room = *state;
	struct audit *audit;
	int status;
	pid_t child;

	audit_share(room->path);
	child = fork();
	if (child == 0) {
		struct rlimit before;

		audit = open_audit(room);
		limit_files(40, &before);
		refuse(audit, room->slot);
		_exit(lost(room->slot) == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	audit = open_audit(room);
	refuse(audit, room->slot);
	refuse(audit, room->slot);
	assert_lines(room, 40, 2);
	audit_free(&audit);
}

static void what_an_earlier_service_left_cut_off_is_ended(void **state)
{
	struct room *room = *state;
	struct audit *audit;

	assert_int_equal(write(room->fd, "ts=", 3), 3);
	audit_share(room->path);
	audit = open_audit(room);
	refuse(audit, room->slot);
	assert_lines(room, 3, 1);
	audit_free(&audit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_answer_has_its_name_and_the_rest_has_no_line),
		cmocka_unit_test_setup_teardown(
			what_a_full_disk_cut_off_is_ended_before_the_next_line, make_room,
			leave_room),
		cmocka_unit_test_setup_teardown(
			what_one_worker_left_cut_off_is_ended_by_another, make_room, leave_room),
		cmocka_unit_test_setup_teardown(
			what_an_earlier_service_left_cut_off_is_ended, make_room, leave_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
