/* The log as a file: standard error, pointed at it. */
#include "config.h"

#include "proc/logfile.h"

#include <unistd.h>

#include "base/log.h"
#include "base/sink.h"

bool logfile_open(const char *path, char *why, size_t why_size)
{
	int fd;

	if (path[0] == '\0')
		return true;
	fd = sink_open(path, why, why_size);
	if (fd < 0)
		return false;
	/* dup2 changes the target in one step: no line is lost or torn. */
	MUST(dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	close(fd);
	log_look();
	return true;
}

void logfile_reopen(const char *path)
{
	char why[512];

	if (!logfile_open(path, why, sizeof(why)))
		log_error("cannot open the log anew error=%s", LOG_QUOTED(why));
}
