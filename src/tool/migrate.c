/*
 * cardkeep migrate: brings a database up to this version, by sqitch and the installed migrations.
 *
 * sqitch knows libpq's environment variables, but of its connection strings only URLs: so what the
 * string says goes into the environment, where no process list shows it.
 *
 * A database that an SQL console upgraded has no registry of sqitch's, which would begin anew and
 * fail. It says itself which changes it has (schema cardkeep_console), and sqitch is told first.
 *
 * What stands on roles is in no dump of a database, and sqitch thinks it done: so the first change,
 * which mends what is missing of it and nothing else, is run every time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "tool/database.h"
#include "tool/tool.h"

#define NOT_STARTED 127 /* as shells say it */

/* A database that is not UTF-8 could not hold what people are called. */
#define OTHER_ENCODING                                                  \
	"select current_database(), current_setting('server_encoding')" \
	" where current_setting('server_encoding') <> 'UTF8'"
/* The database has a console's list of changes, and sqitch has none yet. */
#define CONSOLE_ALONE                                                      \
	"select where to_regclass('cardkeep_console.changes') is not null" \
	" and to_regclass('sqitch.changes') is null"
/* The last line of sqitch's plan whose change is on that list. */
#define CONSOLE_LAST                                                              \
	"select c.name from regexp_split_to_table($1::text, '\\n')"               \
	"	with ordinality l (line, n)"                                            \
	" join cardkeep_console.changes c on c.name = split_part(l.line, ' ', 1)" \
	" order by l.n desc limit 1"

static char sqitch[] = "sqitch";
static char psql[] = "psql";
static char target_option[] = "--target";
static char target[] = "db:pg:";

/* In the child. */
NO_RETURN static void become(const char *directory, char *const arguments[])
{
	if (chdir(directory) != 0) {
		fprintf(stderr, "cardkeep: %s: %s\n", directory, strerror(errno));
		_exit(EX_NOINPUT);
	}
	execvp(arguments[0], arguments);
	_exit(NOT_STARTED);
}

static int wait_for(pid_t child, const char *program)
{
	int how;

	while (waitpid(child, &how, 0) < 0)
		if (errno != EINTR)
			return tool_fail(EX_OSERR, "%s: %s", program, strerror(errno));
	if (WIFEXITED(how) && WEXITSTATUS(how) == NOT_STARTED)
		return tool_fail(EX_UNAVAILABLE, "%s is not installed", program);
	if (WIFEXITED(how) && WEXITSTATUS(how) == EX_NOINPUT)
		return EX_NOINPUT;
	if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
		return EX_OK;
	return tool_fail(
		EX_SOFTWARE, "%s failed; what was deployed before stays and is whole", program);
}

static int run_program(const char *directory, char *const arguments[])
{
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child < 0)
		return tool_fail(EX_OSERR, "%s", strerror(errno));
	if (child == 0)
		become(directory, arguments);
	return wait_for(child, arguments[0]);
}

/* ---- what a console did ---------------------------------------------------------------------- */

static int read_plan(const char *directory, struct buf *plan)
{
	char chunk[4096];
	struct buf path = {0};
	size_t len;
	FILE *file;
	int why;

	buf_printf(&path, "%s/sqitch.plan", directory);
	file = fopen(buf_cstr(&path), "r");
	why = errno;
	while (file != NULL && (len = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_add(plan, chunk, len);
	if (file != NULL)
		(void)fclose(file);
	else
		(void)tool_fail(EX_NOINPUT, "%s: %s", buf_cstr(&path), strerror(why));
	buf_free(&path);
	return file != NULL ? EX_OK : EX_NOINPUT;
}

/* Adds the name of the last change in `plan` that the console applied; nothing where there is none. */
static int add_last(struct client *client, const struct buf *plan, struct buf *last)
{
	const char *const values[] = {buf_cstr(plan)};
	struct client_rows *rows;

	if (client_run(client, CONSOLE_LAST, values, 1, &rows) != CLIENT_OK)
		return database_fail(client);
	if (client_count(rows) > 0)
		buf_str(last, client_value(rows, 0, 0));
	client_free(&rows);
	return EX_OK;
}

/* `last` stays empty where sqitch has nothing to be told. */
static int find_last(struct client *client, const char *directory, struct buf *last)
{
	struct buf plan = {0};
	struct client_rows *rows;
	bool alone;
	int status;

	if (client_run(client, CONSOLE_ALONE, NULL, 0, &rows) != CLIENT_OK)
		return database_fail(client);
	alone = client_count(rows) > 0;
	client_free(&rows);
	if (!alone)
		return EX_OK;
	status = read_plan(directory, &plan);
	if (status == EX_OK)
		status = add_last(client, &plan, last);
	buf_free(&plan);
	return status;
}

static int tell_sqitch(const char *directory, const struct buf *last)
{
	char deploy[] = "deploy";
	char log_only[] = "--log-only";
	char to[] = "--to";
	char *const arguments[] = {
		sqitch, deploy, log_only, to, last->data, target_option, target, NULL};

	return run_program(directory, arguments);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* The environment that sqitch and its psql work in. */
static int set_environment(const struct tool *tool)
{
	const char *user;
	const char *conninfo = database_conninfo(tool, &user);
	char why[512];

	if (!client_export(conninfo, user, why, sizeof(why)))
		return tool_fail(EX_CONFIG, "the database's connection string: %s", why);
	/* Who deployed stands in sqitch's registry; the operator's own names win. */
	if (setenv("SQITCH_FULLNAME", "Cardkeep", 0) != 0 ||
		setenv("SQITCH_EMAIL", "cardkeep@localhost", 0) != 0)
		return tool_fail(EX_OSERR, "%s", strerror(errno));
	return EX_OK;
}

static int deploy_or_plan(const char *directory, bool plan)
{
	char deploy[] = "deploy";
	char mode[] = "--mode=change";
	char verify[] = "--verify";
	char status[] = "status";
	char *const deploying[] = {sqitch, deploy, mode, verify, target_option, target, NULL};
	char *const telling[] = {sqitch, status, target_option, target, NULL};

	return run_program(directory, plan ? telling : deploying);
}

/* What stands on roles in this database, where it is missing. */
static int mend_roles(const char *directory)
{
	char plainly[] = "-Xq";
	char first_error[] = "--set=ON_ERROR_STOP=1";
	char command[] = "-c";
	char quietly[] = "set client_min_messages = warning";
	char file[] = "--file=deploy/roles.sql";
	char *const arguments[] = {psql, plainly, first_error, command, quietly, file, NULL};

	return run_program(directory, arguments);
}

static int check_encoding(struct client *client)
{
	struct client_rows *rows;
	int status = EX_OK;

	if (client_run(client, OTHER_ENCODING, NULL, 0, &rows) != CLIENT_OK)
		return database_fail(client);
	if (client_count(rows) > 0)
		status = tool_fail(EX_CONFIG,
			"database %s is %s, and Cardkeep needs UTF8: create database NAME"
			" template template0 encoding 'UTF8'",
			client_value(rows, 0, 0), client_value(rows, 0, 1));
	client_free(&rows);
	return status;
}

int tool_migrate(const struct tool *tool)
{
	const char *given = tool->values[TOOL_OPTION_SQL];
	const char *directory = given != NULL ? given : CARDKEEP_SQL;
	const bool plan = (tool->given & TOOL_PLAN) != 0;
	struct buf last = {0};
	struct client *client;
	int status = database_open(tool, &client);

	/* Its own words for no database are many. */
	if (status != EX_OK)
		return status;
	status = check_encoding(client);
	if (status == EX_OK)
		status = find_last(client, directory, &last);
	client_close(&client);
	if (status == EX_OK)
		status = set_environment(tool);
	if (status == EX_OK && last.len > 0) {
		printf("an SQL console applied the changes up to %s\n", buf_cstr(&last));
		status = plan ? EX_OK : tell_sqitch(directory, &last);
	}
	buf_free(&last);
	if (status == EX_OK)
		status = deploy_or_plan(directory, plan);
	return status == EX_OK && !plan ? mend_roles(directory) : status;
}
