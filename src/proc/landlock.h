/*
 * Landlock: which files a process may still open. Part of the sandbox (proc/sandbox), for it alone.
 *
 * A worker reads programs' data (/usr, /etc), what its libraries configure themselves by, what
 * libpq signs in with, and /proc about itself; it writes its log and nothing else. Places are taken
 * as directories, not as files: a file that is replaced is another one to the kernel. What was open
 * before stays open, so sockets, pipes and the segment are untouched; connecting to a Unix socket is
 * no opening.
 */
#ifndef PROC_LANDLOCK_H
#define PROC_LANDLOCK_H

#include <stdbool.h>

#include "base/conf.h"
#include "base/must.h"

/* The kernel's version of it; 0 where there is none. */
int landlock_version(void);
/* Binds the calling thread, and those it will start. It must not be able to gain privileges. False,
 * with errno, when it could not be done; what is bound by then stays so. */
MUST_CHECK bool landlock_worker(const struct conf *conf);
MUST_CHECK bool landlock_status(const struct conf *conf);

#endif
