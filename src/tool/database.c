/* The database as the commands reach it. */
#include "tool/database.h"

#include <string.h>
#include <sysexits.h>

#include "db/hosts.h"

#define ADMINISTRATOR "cardkeep_admin"

/* Which setting names the database. */
enum source { SOURCE_OPTION, SOURCE_ADMIN, SOURCE_SERVICE };

static enum source source_of(const struct tool *tool)
{
	if (tool->values[TOOL_OPTION_DATABASE] != NULL)
		return SOURCE_OPTION;
	return tool->conf.admin_database[0] != '\0' ? SOURCE_ADMIN : SOURCE_SERVICE;
}

const char *database_conninfo(const struct tool *tool, const char **ret_user)
{
	*ret_user = NULL;
	switch (source_of(tool)) {
	case SOURCE_OPTION:
		return tool->values[TOOL_OPTION_DATABASE];
	case SOURCE_ADMIN:
		return tool->conf.admin_database;
	case SOURCE_SERVICE:
		break;
	}
	*ret_user = ADMINISTRATOR;
	return tool->conf.database;
}

/* A string that libpq refuses is no matter of the server. */
static int refuse_string(const struct tool *tool, const char *why)
{
	const enum source source = source_of(tool);
	char where[CONF_PLACE_BYTES];

	if (source == SOURCE_OPTION)
		return tool_fail(EX_USAGE, "--database: %s", why);
	conf_where(&tool->conf, tool->conf_path,
		source == SOURCE_ADMIN ? "admin_database" : "database", where, sizeof(where));
	return tool_fail(EX_CONFIG, "%s: %s", where, why);
}

int database_open(const struct tool *tool, struct client **ret)
{
	const char *user;
	const char *conninfo = database_conninfo(tool, &user);
	char why[512];
	struct client *client;

	if (!hosts_check(conninfo, why, sizeof(why)))
		return refuse_string(tool, why);
	client = client_open(conninfo, user, why, sizeof(why));
	if (client == NULL)
		return tool_fail(EX_UNAVAILABLE, "no database: %s", why);
	*ret = client;
	return EX_OK;
}

int database_fail(const struct client *client)
{
	const char *sqlstate = client_sqlstate(client);

	if (strcmp(sqlstate, "42501") == 0)
		return tool_fail(
			EX_NOPERM, "%s; connect as an administrator", client_error(client));
	if (sqlstate[0] == '\0' || strncmp(sqlstate, "57P", 3) == 0)
		return tool_fail(EX_UNAVAILABLE, "the database is gone: %s", client_error(client));
	return tool_fail(EX_SOFTWARE, "%s (SQLSTATE %s)", client_error(client), sqlstate);
}
