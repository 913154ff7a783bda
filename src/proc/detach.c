/* Going on in the background. */
#include "config.h"

#include "proc/detach.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "proc/signals.h"

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* A file keeps nobody waiting; a pipe or a terminal would. */
static bool log_goes_on(const char *log_file)
{
	struct stat st;

	return log_file[0] != '\0' || (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode));
}

/* Whoever led it to /dev/null knows. */
static void say_that_there_is_no_log(int null)
{
	struct stat here;
	struct stat nowhere;

	if (fstat(STDERR_FILENO, &here) != 0 || fstat(null, &nowhere) != 0 ||
		is_same(&here, &nowhere))
		return;
	fputs("cardkeepd: log_file is not set, so there is no log from here on: set it, or stay in "
	      "the "
	      "foreground with -f\n",
		stderr);
}

static void leave_streams(int null, bool keep_error)
{
	MUST(dup2(null, STDIN_FILENO) == STDIN_FILENO);
	MUST(dup2(null, STDOUT_FILENO) == STDOUT_FILENO);
	if (!keep_error)
		MUST(dup2(null, STDERR_FILENO) == STDERR_FILENO);
	close(null);
	log_look();
}

bool detach(const char *log_file)
{
	const bool keep_error = log_goes_on(log_file);
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t child;

	if (null < 0)
		return false;
	if (!keep_error)
		say_that_there_is_no_log(null);
	child = fork();
	if (child < 0) {
		close(null);
		return false;
	}
	if (child > 0) {
		signals_pass_on(child);
		_exit(EXIT_SUCCESS);
	}
	MUST(setsid() >= 0);
	leave_streams(null, keep_error);
	return true;
}
