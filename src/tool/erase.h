/*
 * Erasing closed accounts, at once and to the end: what the service does between its waves, step by
 * step, for an operator who would rather see it done.
 */
#ifndef TOOL_ERASE_H
#define TOOL_ERASE_H

#include "base/must.h"
#include "db/client.h"

struct erased {
	unsigned long
		rows; /* deleted, as the database counts them; but for what the service took meanwhile */
	unsigned long left; /* accounts of which somebody holds something */
};

/* Erases all closed accounts. On anything but EX_OK the reason has been said. */
MUST_CHECK int erase_closed(struct client *client, struct erased *ret);

#endif
