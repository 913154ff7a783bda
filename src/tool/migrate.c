/*
 * cardkeep migrate: brings a database up to this version, by sqitch and the installed migrations.
 *
 * sqitch knows libpq's environment variables, but of its connection strings only URLs: so what the
 * string says goes into the environment, where no process list shows it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "tool/database.h"
#include "tool/tool.h"

#define NOT_STARTED 127 /* as shells say it */

/* In the child: becomes sqitch. */
NO_RETURN static void become_sqitch(const char *directory, bool plan)
{
	char target[] = "db:pg:";
	char sqitch[] = "sqitch";
	char deploy[] = "deploy";
	char mode[] = "--mode=change";
	char verify[] = "--verify";
	char status[] = "status";
	char option[] = "--target";
	char *const deploying[] = {sqitch, deploy, mode, verify, option, target, NULL};
	char *const telling[] = {sqitch, status, option, target, NULL};

	if (chdir(directory) != 0) {
		fprintf(stderr, "cardkeep: %s: %s\n", directory, strerror(errno));
		_exit(EX_NOINPUT);
	}
	execvp(sqitch, plan ? telling : deploying);
	_exit(NOT_STARTED);
}

static int wait_for(pid_t child)
{
	int how;

	while (waitpid(child, &how, 0) < 0)
		if (errno != EINTR)
			return tool_fail(EX_OSERR, "sqitch: %s", strerror(errno));
	if (WIFEXITED(how) && WEXITSTATUS(how) == NOT_STARTED)
		return tool_fail(EX_UNAVAILABLE, "sqitch is not installed");
	if (WIFEXITED(how) && WEXITSTATUS(how) == EX_NOINPUT)
		return EX_NOINPUT;
	if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
		return EX_OK;
	return tool_fail(EX_SOFTWARE, "sqitch failed; what it deployed before stays and is whole");
}

/* The environment that sqitch and its psql work in. */
static int prepare(const struct tool *tool)
{
	const char *user;
	const char *conninfo = database_conninfo(tool, &user);
	char why[512];

	if (!ask_export(conninfo, user, why, sizeof(why)))
		return tool_fail(EX_CONFIG, "the database's connection string: %s", why);
	/* Who deployed stands in sqitch's registry; the operator's own names win. */
	if (setenv("SQITCH_FULLNAME", "Cardkeep", 0) != 0 ||
		setenv("SQITCH_EMAIL", "cardkeep@localhost", 0) != 0)
		return tool_fail(EX_OSERR, "%s", strerror(errno));
	return EX_OK;
}

int tool_migrate(const struct tool *tool)
{
	const char *given = tool->values[TOOL_OPTION_SQL];
	const char *directory = given != NULL ? given : CARDKEEP_SQL;
	struct ask *ask;
	pid_t child;
	int status = database_open(tool, &ask);

	/* Its own words for no database are many. */
	if (status != EX_OK)
		return status;
	ask_close(&ask);
	status = prepare(tool);
	if (status != EX_OK)
		return status;
	(void)fflush(stdout);
	child = fork();
	if (child < 0)
		return tool_fail(EX_OSERR, "%s", strerror(errno));
	if (child == 0)
		become_sqitch(directory, (tool->given & TOOL_PLAN) != 0);
	return wait_for(child);
}
