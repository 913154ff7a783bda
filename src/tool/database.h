/*
 * The database as the commands reach it: as an administrator, not as the service.
 */
#ifndef TOOL_DATABASE_H
#define TOOL_DATABASE_H

#include "db/client.h"
#include "tool/tool.h"

/* Where to, and as whom: --database; else the key admin_database; else the service's own database
 * as the user cardkeep_admin (*ret_user; NULL for whom the string says). */
const char *database_conninfo(const struct tool *tool, const char **ret_user);
/* Connects. On anything but EX_OK the reason has been said. */
MUST_CHECK int database_open(const struct tool *tool, struct client **ret);
/* Says what the latest statement failed of, and returns the exit status for that. */
int database_fail(const struct client *client);

#endif
