/*
 * What every command of `cardkeep` is given, and how it ends.
 *
 * A command is one file and one function, tool_NAME; commands.def lists them. It prints what it
 * finds on stdout and says on stderr what kept it from looking; its exit status is one of
 * sysexits(3), or TOOL_FINDING where it looked and found something amiss.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <stdbool.h>

#include "base/conf.h"
#include "stats/snapshot.h"

#define TOOL_FINDING 1

enum tool_option_id {
#define OPTION(id, letter, name, argument, help) TOOL_OPTION_##id,
#include "tool/options.def"
	TOOL_OPTION_COUNT,
};

enum tool_options {
#define OPTION(id, letter, name, argument, help) TOOL_##id = 1 << TOOL_OPTION_##id,
#include "tool/options.def"
	TOOL_ALWAYS = TOOL_CONF,
};

struct tool {
	struct conf conf;
	const char *conf_path;                 /* of its file; "" where there is none */
	unsigned given;                        /* set of enum tool_options */
	const char *values[TOOL_OPTION_COUNT]; /* what was given with an option, or NULL */
	int argc; /* the command's arguments, its name not among them */
	char **argv;
};

/* Does the job; the exit status. */
typedef int tool_run(const struct tool *tool);
#define COMMAND(name, arguments, options, summary) tool_run tool_##name;
#include "tool/commands.def"

/* "cardkeep: ..." on stderr; returns `status`. */
int tool_fail(int status, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Opens the service's segment. On anything but EX_OK *ret is untouched and `why` says the reason. */
MUST_CHECK int tool_try_attach(
	const struct tool *tool, struct segment **ret, char *why, size_t why_size);
/* What the segment says now; the reason it cannot be read goes to stderr. */
MUST_CHECK int tool_snapshot(const struct tool *tool, struct snapshot **ret);

#endif
