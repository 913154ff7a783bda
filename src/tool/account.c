/* The accounts that the commands are about. */
#include "tool/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tool/database.h"

int account_find(struct client *client, const char *email, struct account *ret)
{
	struct client_rows *rows;
	int status = EX_OK;

	if (client_run(client, "select f.id, f.sessions, f.cards from cardkeep.find_user($1) f",
		    &email, 1, &rows) != CLIENT_OK)
		return database_fail(client);
	if (client_count(rows) == 0) {
		status = tool_fail(EX_NOUSER, "no account has the address %s", email);
	} else {
		snprintf(ret->id, sizeof(ret->id), "%s", client_value(rows, 0, 0));
		ret->sessions = strtol(client_value(rows, 0, 1), NULL, 10);
		ret->cards = strtol(client_value(rows, 0, 2), NULL, 10);
	}
	client_free(&rows);
	return status;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static const struct account_verb *find_verb(
	const struct tool *tool, const struct account_verb *verbs, size_t count)
{
	for (size_t i = 0; tool->argc > 0 && i < count; i++)
		if (strcmp(verbs[i].name, tool->argv[0]) == 0 &&
			tool->argc == verbs[i].arguments + 1)
			return &verbs[i];
	return NULL;
}

int account_run(const struct tool *tool, const char *command, const struct account_verb *verbs,
	size_t count)
{
	const struct account_verb *verb = find_verb(tool, verbs, count);
	const unsigned common = TOOL_ALWAYS | TOOL_DATABASE;
	struct client *client;
	int status;

	if (verb == NULL)
		return tool_fail(
			EX_USAGE, "that is not how to use '%s'; see cardkeep --help", command);
	if ((tool->given & ~(common | verb->options)) != 0)
		return tool_fail(EX_USAGE, "'%s %s' takes no such option; see cardkeep(1)", command,
			verb->name);
	status = database_open(tool, &client);
	if (status != EX_OK)
		return status;
	status = verb->run(tool, client, tool->argv + 1);
	client_close(&client);
	return status;
}
