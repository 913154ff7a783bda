/*
 * Going on without whoever started us: a process of its own, in the background.
 */
#ifndef PROC_DETACH_H
#define PROC_DETACH_H

#include <stdbool.h>

#include "base/must.h"

/*
 * Returns in a child that is the leader of a new session; its parent has ended with status 0, and passed
 * on what signals waited (proc/signals). Whoever waits for the end of its output waits no longer: standard
 * input and output lead nowhere, and so does standard error unless `log_file` says that it is the log's
 * file by now, or it is a file anyway; that there is no log then is said there first. Paths keep their
 * meaning: the directory stays. False, with errno, when it cannot. Without other threads.
 */
MUST_CHECK bool detach(const char *log_file);

#endif
