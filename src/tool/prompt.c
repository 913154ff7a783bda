/* What a person is asked at the terminal. */
#include "tool/prompt.h"

#include <assert.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "base/password.h"

static_assert(PROMPT_HASH_BYTES >= PASSWORD_HASH_BYTES, "room for an encoded hash");

/* One more than the longest password, its newline and NUL. */
#define LINE_BYTES (PASSWORD_MOST_BYTES + 3)

/* A line of stdin without its end; false at the end of it all, or when it does not fit. */
static bool read_line(char line[LINE_BYTES])
{
	size_t len;

	if (fgets(line, LINE_BYTES, stdin) == NULL)
		return false;
	len = strcspn(line, "\n");
	if (line[len] == '\0' && len == LINE_BYTES - 1)
		return false;
	line[len] = '\0';
	return true;
}

/* The same without echo. Signals wait meanwhile, so that the terminal is never left mute. */
static bool ask_secret(const char *prompt, char line[LINE_BYTES])
{
	struct termios before;
	struct termios mute;
	sigset_t all;
	sigset_t kept;
	bool got;

	sigemptyset(&all);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGTSTP);
	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	MUST_ZERO(sigprocmask(SIG_BLOCK, &all, &kept));
	fputs(prompt, stderr);
	mute = before;
	mute.c_lflag &= ~(tcflag_t)ECHO;
	got = tcsetattr(STDIN_FILENO, TCSAFLUSH, &mute) == 0 && read_line(line);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	MUST_ZERO(sigprocmask(SIG_SETMASK, &kept, NULL));
	return got;
}

static int ask_password(char password[LINE_BYTES])
{
	char again[LINE_BYTES];
	bool same;

	if (isatty(STDIN_FILENO) == 0)
		return read_line(password)
			       ? EX_OK
			       : tool_fail(EX_DATAERR, "no password on the standard input");
	if (!ask_secret("New password: ", password) || !ask_secret("Once more: ", again))
		return tool_fail(EX_DATAERR, "no password was typed");
	same = strcmp(password, again) == 0;
	sodium_memzero(again, sizeof(again));
	return same ? EX_OK : tool_fail(EX_DATAERR, "the two are not the same");
}

int prompt_password(const struct conf *conf, char ret_hash[PROMPT_HASH_BYTES])
{
	char password[LINE_BYTES];
	int status = ask_password(password);
	const size_t len = strlen(password);

	if (status == EX_OK && (len < PASSWORD_LEAST_BYTES || len > PASSWORD_MOST_BYTES))
		status = tool_fail(EX_DATAERR, "a password has %d to %d bytes",
			PASSWORD_LEAST_BYTES, PASSWORD_MOST_BYTES);
	if (status == EX_OK)
		password_hash(conf, password, len, ret_hash);
	sodium_memzero(password, sizeof(password));
	return status;
}

int prompt_sure(const struct tool *tool, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list ap;

	if ((tool->given & TOOL_YES) != 0)
		return EX_OK;
	if (isatty(STDIN_FILENO) == 0)
		return tool_fail(EX_USAGE, "there is nobody to ask; --yes goes ahead");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" [yes/no] ", stderr);
	if (read_line(line) && strcmp(line, "yes") == 0)
		return EX_OK;
	return tool_fail(TOOL_FINDING, "nothing was changed");
}
