/*
 * What a query answers, on stdout: as a table for people, or as one JSON array.
 */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include "db/client.h"
#include "tool/tool.h"

/* Runs `sql` and prints its rows. The exit status, which has been explained unless it is EX_OK. */
MUST_CHECK int table_print(const struct tool *tool, struct client *client, const char *sql,
	const char *const *values, size_t count);

#endif
