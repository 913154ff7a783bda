/*
 * The accounts that the commands are about, by address.
 */
#ifndef TOOL_ACCOUNT_H
#define TOOL_ACCOUNT_H

#include "db/client.h"
#include "tool/tool.h"

#define ACCOUNT_ID_BYTES 37 /* a UUID as text, and the NUL */

struct account {
	char id[ACCOUNT_ID_BYTES];
	long sessions; /* live ones */
	long cards;
};

/* Finds the account of an address. On anything but EX_OK the reason has been said: EX_NOUSER where
 * there is none. */
MUST_CHECK int account_find(struct client *client, const char *email, struct account *ret);

/* ---- verbs: the first argument of `user` and `sessions` ---------------------------------------- */

typedef int account_verb_run(const struct tool *tool, struct client *client, char **arguments);

struct account_verb {
	const char *name;
	int arguments;    /* as many follow it */
	unsigned options; /* that only some verbs take, and this one does */
	account_verb_run *run;
};

/* Connects and does what the verb says; the exit status. */
MUST_CHECK int account_run(const struct tool *tool, const char *command,
	const struct account_verb *verbs, size_t count);

#endif
