/*
 * cardkeep: the operator's tool. Reads its options and the service's configuration, and hands over
 * to the command; src/tool/ has one file for each.
 *
 * Exit status: 0, 1 something is amiss, 64 wrong usage, 69 what was asked is not there, 77 it may
 * not be looked at, 78 the configuration is wrong (sysexits.h).
 */
#include "config.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/conf.h"
#include "base/must.h"
#include "tool/tool.h"

extern char **environ;

static const struct {
	const char *name;
	const char *arguments;
	unsigned options;
	const char *summary;
	tool_run *run;
} commands[] = {
#define COMMAND(name, arguments, options, summary) \
	{#name, arguments, options, summary, tool_##name},
#include "tool/commands.def"
};

static const struct {
	char letter;
	const char *name;
	const char *argument;
	const char *help;
} options[TOOL_OPTION_COUNT] = {
#define OPTION(id, letter, name, argument, help) {letter, name, argument, help},
#include "tool/options.def"
};

#define HELP 256 /* no letter */

/* ---- help ------------------------------------------------------------------------------------ */

static void usage(FILE *out)
{
	fputs("usage: cardkeep [OPTION...] COMMAND [ARGUMENT...]\n"
	      "       cardkeep --help | -V\n",
		out);
}

static void print_commands(void)
{
	puts("\nCommands:");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		int len = printf("  %s %s", commands[i].name, commands[i].arguments);

		if (len > 26)
			len = printf("\n") - 1;
		printf("%*s %s\n", 26 - len, "", commands[i].summary);
	}
}

/* Which commands take it; nothing where all do. */
static void print_takers(unsigned option)
{
	const char *before = " (";

	if ((option & TOOL_ALWAYS) != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if ((commands[i].options & option) == 0)
			continue;
		printf("%s%s", before, commands[i].name);
		before = ", ";
	}
	putchar(')');
}

static void print_options(void)
{
	puts("\nOptions, before or behind the command:");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		int len = printf("  -%c, --%s %s", options[i].letter, options[i].name,
			options[i].argument != NULL ? options[i].argument : "");

		printf("%*s %s", len < 26 ? 26 - len : 0, "", options[i].help);
		print_takers(1U << i);
		putchar('\n');
	}
	puts("  -V, --version             print the version and exit\n"
	     "      --help                print this and exit");
}

static void help(void)
{
	usage(stdout);
	print_commands();
	print_options();
	puts("\nThe configuration is " CARDKEEP_CONF ", where it exists, and CARDKEEP_<KEY> from\n"
	     "the environment: the same as cardkeepd's.");
}

/* ---- the command line ------------------------------------------------------------------------ */

/* What getopt_long wants to know: the list of options, twice. */
static void describe_options(char *letters, struct option *longs)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const bool argument = options[i].argument != NULL;

		*letters++ = options[i].letter;
		if (argument)
			*letters++ = ':';
		*longs++ = (struct option){options[i].name,
			argument ? required_argument : no_argument, NULL, options[i].letter};
	}
	*letters++ = 'V';
	*letters = '\0';
	*longs++ = (struct option){"help", no_argument, NULL, HELP};
	*longs++ = (struct option){"version", no_argument, NULL, 'V'};
	*longs = (struct option){0};
}

static void take_option(struct tool *tool, int letter, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].letter != letter)
			continue;
		tool->given |= 1U << i;
		tool->values[i] = value;
		return;
	}
	usage(stderr);
	exit(EX_USAGE);
}

/* Reads the options, wherever they stand; exits for those that only print. */
static void read_options(struct tool *tool, int argc, char **argv)
{
	struct option longs[TOOL_OPTION_COUNT + 3];
	char letters[2 * TOOL_OPTION_COUNT + 2];
	int c;

	describe_options(letters, longs);
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == HELP) {
			help();
			exit(EX_OK);
		}
		if (c == 'V') {
			puts("cardkeep " PACKAGE_VERSION);
			exit(EX_OK);
		}
		take_option(tool, c, optarg);
	}
}

/* The command that was named; exits when there is none, or when it takes no such option. */
static size_t find_command(const struct tool *tool, const char *name)
{
	size_t at = 0;
	unsigned wrong;

	while (at < ARRAY_LEN(commands) && strcmp(commands[at].name, name) != 0)
		at++;
	if (at == ARRAY_LEN(commands))
		exit(tool_fail(EX_USAGE, "no command '%s'; see cardkeep --help", name));
	wrong = tool->given & ~(commands[at].options | TOOL_ALWAYS);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if ((wrong & 1U << i) != 0)
			exit(tool_fail(EX_USAGE, "'%s' takes no --%s", name, options[i].name));
	if (commands[at].arguments[0] == '\0' && tool->argc > 0)
		exit(tool_fail(EX_USAGE, "'%s' takes no argument", name));
	return at;
}

/* ---- the configuration ----------------------------------------------------------------------- */

static void warn_unknown(const char *variable)
{
	(void)tool_fail(EX_OK, "unknown environment variable %s", variable);
}

/* Exits with the one line that says what is wrong with it. */
static void load(struct tool *tool)
{
	const char *given = tool->values[TOOL_OPTION_CONF];
	const char *path = given != NULL                 ? given
			   : !conf_absent(CARDKEEP_CONF) ? CARDKEEP_CONF
							 : NULL;
	char why[512];

	tool->conf_path = path != NULL ? path : "";
	switch (conf_load(path, environ, warn_unknown, &tool->conf, why, sizeof(why))) {
	case CONF_OK:
		return;
	case CONF_UNREADABLE:
		exit(tool_fail(EX_NOPERM, "%s", why));
	case CONF_INVALID:
		exit(tool_fail(EX_CONFIG, "%s", why));
	}
}

int main(int argc, char **argv)
{
	static struct tool tool;
	size_t command;
	int status;

	MUST(sodium_init() >= 0);
	read_options(&tool, argc, argv);
	if (optind == argc) {
		usage(stderr);
		return EX_USAGE;
	}
	tool.argc = argc - optind - 1;
	tool.argv = argv + optind + 1;
	command = find_command(&tool, argv[optind]);
	load(&tool);
	status = commands[command].run(&tool);
	/* What nobody could read was not said. */
	if (fflush(stdout) != 0)
		return tool_fail(EX_IOERR, "cannot write the output");
	return status;
}
