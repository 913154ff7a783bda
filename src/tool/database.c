/* The database as the commands reach it. */
#include "tool/database.h"

#include <string.h>
#include <sysexits.h>

#define ADMINISTRATOR "cardkeep_admin"

const char *database_conninfo(const struct tool *tool, const char **ret_user)
{
	*ret_user = NULL;
	if (tool->values[TOOL_OPTION_DATABASE] != NULL)
		return tool->values[TOOL_OPTION_DATABASE];
	if (tool->conf.admin_database[0] != '\0')
		return tool->conf.admin_database;
	*ret_user = ADMINISTRATOR;
	return tool->conf.database;
}

int database_open(const struct tool *tool, struct ask **ret)
{
	const char *user;
	const char *conninfo = database_conninfo(tool, &user);
	char why[512];
	struct ask *ask = ask_open(conninfo, user, why, sizeof(why));

	if (ask == NULL)
		return tool_fail(EX_UNAVAILABLE, "no database: %s", why);
	*ret = ask;
	return EX_OK;
}

int database_fail(const struct ask *ask)
{
	const char *sqlstate = ask_sqlstate(ask);

	if (strcmp(sqlstate, "42501") == 0)
		return tool_fail(EX_NOPERM, "%s; connect as an administrator", ask_error(ask));
	if (sqlstate[0] == '\0' || strncmp(sqlstate, "57P", 3) == 0)
		return tool_fail(EX_UNAVAILABLE, "the database is gone: %s", ask_error(ask));
	return tool_fail(EX_SOFTWARE, "%s (SQLSTATE %s)", ask_error(ask), sqlstate);
}
