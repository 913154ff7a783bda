/*
 * Erasing closed accounts, at once and to the end.
 *
 * Each step is a short transaction of its own, so it may be interrupted at any time; what is left is
 * the service's, or the next call's. A walk passes over what a worker has in flight, and over what
 * somebody holds, so walks are repeated until one finds nothing more, and then for a moment still.
 */
#include "tool/erase.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/uuid.h"
#include "tool/database.h"

#define STEP_ROWS "4000"
#define PATIENCE  20     /* walks that find nothing, where something is left, */
#define PAUSE_US  100000 /* with a pause before each */

/* One step; `after`, "" at the start, becomes where the next one goes on, "" at the end. */
static int erase_some(struct client *client, char after[UUID_TEXT_BYTES], unsigned long *rows_gone)
{
	const char *values[] = {after[0] != '\0' ? after : NULL, STEP_ROWS};
	struct client_rows *rows;

	if (client_run(client,
		    "select version, detail from cardkeep_api.erase_step($1::uuid, $2::integer)",
		    values, ARRAY_LEN(values), &rows) != CLIENT_OK)
		return database_fail(client);
	*rows_gone += strtoul(client_value(rows, 0, 0), NULL, 10);
	snprintf(after, UUID_TEXT_BYTES, "%s", client_value(rows, 0, 1));
	client_free(&rows);
	return EX_OK;
}

static int walk(struct client *client, unsigned long *rows_gone)
{
	char after[UUID_TEXT_BYTES] = "";
	int status;

	do
		status = erase_some(client, after, rows_gone);
	while (status == EX_OK && after[0] != '\0');
	return status;
}

static int count_left(struct client *client, unsigned long *left)
{
	struct client_rows *rows;

	if (client_run(client,
		    "select count(*) from cardkeep.users u where u.closed_at is not null", NULL, 0,
		    &rows) != CLIENT_OK)
		return database_fail(client);
	*left = strtoul(client_value(rows, 0, 0), NULL, 10);
	client_free(&rows);
	return EX_OK;
}

int erase_closed(struct client *client, struct erased *ret)
{
	struct erased erased = {0};
	unsigned long before;
	int status, idle = 0;

	do {
		before = erased.rows;
		if (idle > 0)
			usleep(PAUSE_US);
		status = walk(client, &erased.rows);
		if (status == EX_OK)
			status = count_left(client, &erased.left);
		idle = erased.rows > before ? 0 : idle + 1;
	} while (status == EX_OK && erased.left > 0 && idle < PATIENCE);
	if (status == EX_OK)
		*ret = erased;
	return status;
}
