/*
 * cardkeep sessions: who is signed in with which device, and ending that.
 *
 * A revoked session is refused from its next request on, by every worker.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/uuid.h"
#include "tool/account.h"
#include "tool/database.h"
#include "tool/prompt.h"
#include "tool/table.h"

static int list(const struct tool *tool, struct client *client, char **arguments)
{
	struct account account;
	const bool all = (tool->given & TOOL_ALL) != 0;
	const int status = account_find(client, arguments[0], &account);

	if (status != EX_OK)
		return status;
	return table_print(tool, client,
		"select s.id, s.device_name, s.created_at, s.last_seen_at, s.expires_at, s.live,"
		" s.ended_at, s.user_agent from cardkeep.list_user_sessions($1, $2) s",
		(const char *const[]){account.id, all ? "true" : "false"}, 2);
}

static int revoke(const struct tool *tool, struct client *client, char **arguments)
{
	struct client_rows *rows;
	struct uuid id;
	int status = EX_OK;

	(void)tool;
	if (!uuid_parse(arguments[0], strlen(arguments[0]), &id))
		return tool_fail(EX_USAGE, "'%s' is no id of a session", arguments[0]);
	if (client_run(client, "select cardkeep.revoke_session($1)",
		    (const char *const[]){arguments[0]}, 1, &rows) != CLIENT_OK)
		return database_fail(client);
	if (strcmp(client_value(rows, 0, 0), "t") == 0)
		printf("%s is revoked\n", arguments[0]);
	else
		status = tool_fail(EX_UNAVAILABLE, "no session of that id is live");
	client_free(&rows);
	return status;
}

static int revoke_all(const struct tool *tool, struct client *client, char **arguments)
{
	struct account account;
	struct client_rows *rows;
	int status = account_find(client, arguments[0], &account);

	if (status == EX_OK)
		status = prompt_sure(
			tool, "End all %ld sessions of %s?", account.sessions, arguments[0]);
	if (status != EX_OK)
		return status;
	if (client_run(client, "select cardkeep.revoke_user_sessions($1)",
		    (const char *const[]){account.id}, 1, &rows) != CLIENT_OK)
		return database_fail(client);
	printf("sessions ended: %s\n", client_value(rows, 0, 0));
	client_free(&rows);
	return EX_OK;
}

int tool_sessions(const struct tool *tool)
{
	static const struct account_verb verbs[] = {
		{"list", 1, TOOL_JSON | TOOL_ALL, list},
		{"revoke", 1, 0, revoke},
		{"revoke-all", 1, TOOL_YES, revoke_all},
	};

	return account_run(tool, "sessions", verbs, ARRAY_LEN(verbs));
}
