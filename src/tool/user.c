/*
 * cardkeep user: accounts, as an operator looks after them.
 *
 * What is done is done by stored functions of the schema, so that a session or a card is ended the
 * same way whoever ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/uuid.h"
#include "tool/account.h"
#include "tool/database.h"
#include "tool/erase.h"
#include "tool/prompt.h"
#include "tool/table.h"

static int list(const struct tool *tool, struct client *client, char **arguments)
{
	(void)arguments;
	if ((tool->given & TOOL_WAITING) != 0)
		return table_print(tool, client,
			"select w.id, w.cards, w.has_personal_info, w.has_professional_info,"
			" w.full_name, w.email from cardkeep.waiting_users w order by w.id",
			NULL, 0);
	return table_print(tool, client,
		"select l.email, l.id, l.created_at, l.last_seen_at, l.sessions, l.cards"
		" from cardkeep.user_list l where l.email is not null order by l.email",
		NULL, 0);
}

static int reset_password(const struct tool *tool, struct client *client, char **arguments)
{
	struct account account;
	struct client_rows *rows;
	char hash[PROMPT_HASH_BYTES];
	int status = account_find(client, arguments[0], &account);

	if (status == EX_OK)
		status = prompt_password(&tool->conf, hash);
	if (status != EX_OK)
		return status;
	if (client_run(client, "select cardkeep.reset_password($1, $2)",
		    (const char *const[]){account.id, hash}, 2, &rows) != CLIENT_OK)
		return database_fail(client);
	if (client_is_null(rows, 0, 0))
		status = tool_fail(EX_NOUSER, "the account is gone");
	else
		printf("%s has a new password; sessions ended: %s\n", arguments[0],
			client_value(rows, 0, 0));
	client_free(&rows);
	return status;
}

/* Closed at once, then erased. An erasure that does not end here is the service's to go on with. */
static int delete (const struct tool *tool, struct client *client, char **arguments)
{
	struct account account;
	struct erased erased;
	struct client_rows *rows;
	int status = account_find(client, arguments[0], &account);

	if (status == EX_OK)
		status = prompt_sure(tool,
			"Delete %s with %ld cards, both profiles, history and %ld sessions?",
			arguments[0], account.cards, account.sessions);
	if (status != EX_OK)
		return status;
	if (client_run(client, "select cardkeep.delete_user($1)", (const char *const[]){account.id},
		    1, &rows) != CLIENT_OK)
		return database_fail(client);
	if (strcmp(client_value(rows, 0, 0), "t") != 0)
		status = tool_fail(EX_NOUSER, "the account is gone");
	client_free(&rows);
	if (status == EX_OK)
		status = erase_closed(client, &erased);
	if (status != EX_OK)
		return status;
	printf("%s is deleted; cards that went along: %ld\n", arguments[0], account.cards);
	if (erased.left > 0)
		printf("somebody holds rows of closed accounts: the service erases them later\n");
	return EX_OK;
}

/* ---- adoption -------------------------------------------------------------------------------- */

/* One call of the stored function. CLIENT_OK with what it answered: status, detail, body. */
static enum client_status adopt_once(
	struct client *client, char **arguments, const char *hash, struct client_rows **ret_rows)
{
	return client_run(client,
		"select a.status, a.detail, a.body::json ->> 'cards', a.body::json -> 'profiles',"
		" a.body::json -> 'left' from (select b.status, b.detail,"
		"	nullif(b.body, '') as body from cardkeep_api.adopt_user($1, $2, $3) b) a",
		(const char *const[]){arguments[0], arguments[1], hash}, 3, ret_rows);
}

static int tell_adoption(const struct client_rows *rows, char **arguments)
{
	const long answer = strtol(client_value(rows, 0, 0), NULL, 10);

	if (answer == 404)
		return tool_fail(EX_NOUSER, "nobody waits under the id %s", arguments[0]);
	if (answer >= 300)
		return tool_fail(EX_SOFTWARE, "the database answers %ld %s", answer,
			client_value(rows, 0, 1));
	printf("%s %s: cards %s, profiles %s", arguments[1],
		answer == 201 ? "is the account of what waited" : "has what waited",
		client_value(rows, 0, 2), client_value(rows, 0, 3));
	if (strcmp(client_value(rows, 0, 4), "[]") != 0)
		printf("; left waiting, as the account has its own: %s", client_value(rows, 0, 4));
	putchar('\n');
	return EX_OK;
}

/* A password is asked for only where the address has no account yet. */
static int adopt(const struct tool *tool, struct client *client, char **arguments)
{
	struct client_rows *rows;
	char hash[PROMPT_HASH_BYTES];
	struct uuid id;
	int status;

	if (!uuid_parse(arguments[0], strlen(arguments[0]), &id))
		return tool_fail(EX_USAGE, "'%s' is no id of a user", arguments[0]);
	if (adopt_once(client, arguments, NULL, &rows) != CLIENT_OK)
		return database_fail(client);
	if (strcmp(client_value(rows, 0, 1), "password_needed") == 0) {
		client_free(&rows);
		status = prompt_password(&tool->conf, hash);
		if (status != EX_OK)
			return status;
		if (adopt_once(client, arguments, hash, &rows) != CLIENT_OK)
			return database_fail(client);
	}
	status = tell_adoption(rows, arguments);
	client_free(&rows);
	return status;
}

int tool_user(const struct tool *tool)
{
	static const struct account_verb verbs[] = {
		{"list", 0, TOOL_JSON | TOOL_WAITING, list},
		{"reset-password", 1, 0, reset_password},
		{"delete", 1, TOOL_YES, delete},
		{"adopt", 2, 0, adopt},
	};

	return account_run(tool, "user", verbs, ARRAY_LEN(verbs));
}
