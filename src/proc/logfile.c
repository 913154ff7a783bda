/* The log as a file: standard error, pointed at it. */
#include "config.h"

#include "proc/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

bool logfile_open(const char *path, char *why, size_t why_size)
{
	int fd;

	if (path[0] == '\0')
		return true;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return false;
	}
	/* dup2 changes the target in one step: no line is lost or torn. */
	MUST(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	close(fd);
	log_look();
	return true;
}
