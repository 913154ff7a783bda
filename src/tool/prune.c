/*
 * cardkeep prune: deletes what closed accounts had, and the versions of cards and profiles that the
 * configuration does not keep.
 *
 * Step by step, each a short transaction of its own: it may be interrupted at any time, and run again.
 * What somebody is about to change is passed over, and left for the next time. The stored function
 * decides what goes; it never is what the repeat of a write may still ask for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/uuid.h"
#include "tool/database.h"
#include "tool/erase.h"
#include "tool/tool.h"

#define NUMBER_BYTES 24

/* What was done so far. */
struct tally {
	unsigned long histories; /* cut short, counted once a step */
	unsigned long deleted;   /* versions */
	unsigned long busy;      /* histories passed over */
};

/* What is to be kept, as the function takes it. */
struct keep {
	char versions[NUMBER_BYTES];
	char days[NUMBER_BYTES];
	char hours[NUMBER_BYTES];
};

/* One step; `after`, "" at the start, becomes where the next one goes on, "" at the end. */
static int prune_some(struct client *client, const char *kind, const struct keep *keep,
	char after[UUID_TEXT_BYTES], struct tally *tally)
{
	const char *values[] = {
		kind, after[0] != '\0' ? after : NULL, keep->versions, keep->days, keep->hours};
	struct client_rows *rows;

	if (client_run(client,
		    "select next, histories, deleted, busy from cardkeep.prune_histories("
		    "$1, $2::uuid, $3::integer, $4::integer, $5::integer)",
		    values, ARRAY_LEN(values), &rows) != CLIENT_OK)
		return database_fail(client);
	snprintf(after, UUID_TEXT_BYTES, "%s", client_value(rows, 0, 0));
	tally->histories += strtoul(client_value(rows, 0, 1), NULL, 10);
	tally->deleted += strtoul(client_value(rows, 0, 2), NULL, 10);
	tally->busy += strtoul(client_value(rows, 0, 3), NULL, 10);
	client_free(&rows);
	return EX_OK;
}

static int prune(struct client *client, const struct keep *keep, struct tally *tally)
{
	static const char *const kinds[] = {"business_cards", "personal_info", "professional_info"};
	char after[UUID_TEXT_BYTES] = "";
	int status = EX_OK;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && status == EX_OK; i++)
		do
			status = prune_some(client, kinds[i], keep, after, tally);
		while (status == EX_OK && after[0] != '\0');
	return status;
}

static void tell(const struct tool *tool, const struct tally *tally, const struct erased *erased)
{
	if ((tool->given & TOOL_JSON) != 0) {
		printf("{\"deleted\":%lu,\"histories\":%lu,\"busy\":%lu,\"erased\":%lu,\"left\":%"
		       "lu}\n",
			tally->deleted, tally->histories, tally->busy, erased->rows, erased->left);
		return;
	}
	if (erased->rows > 0 || erased->left > 0)
		printf("closed accounts: %lu rows erased, %lu accounts in use left for the next "
		       "time\n",
			erased->rows, erased->left);
	if (tool->conf.history_keep_versions == 0 && tool->conf.history_keep_days == 0)
		printf("history_keep_versions and history_keep_days say to keep everything\n");
	else
		printf("%lu versions of %lu histories deleted, %lu histories in use passed over\n",
			tally->deleted, tally->histories, tally->busy);
}

int tool_prune(const struct tool *tool)
{
	struct tally tally = {0};
	struct erased erased;
	struct keep keep;
	struct client *client;
	int status = database_open(tool, &client);

	if (status != EX_OK)
		return status;
	snprintf(keep.versions, sizeof(keep.versions), "%ld", tool->conf.history_keep_versions);
	snprintf(keep.days, sizeof(keep.days), "%ld", tool->conf.history_keep_days);
	snprintf(keep.hours, sizeof(keep.hours), "%ld", tool->conf.key_keep_hours);
	status = erase_closed(client, &erased);
	if (status == EX_OK)
		status = prune(client, &keep, &tally);
	if (status == EX_OK)
		tell(tool, &tally, &erased);
	client_close(&client);
	return status;
}
