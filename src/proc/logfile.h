/*
 * The log as a file: standard error, pointed at it.
 */
#ifndef PROC_LOGFILE_H
#define PROC_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

/* Appends to the file at `path` from now on (created with mode 0640); called again it opens it
 * anew, which is what a log's rotation wants. "" leaves standard error where it is. False with
 * `why` when it cannot be opened, or is a pipe that nobody reads (it waits for none); the log goes where it
 * went before. Safe beside logging threads. */
MUST_CHECK bool logfile_open(const char *path, char *why, size_t why_size);

/* The same for a process that runs: where the file cannot be opened, the log says so. */
void logfile_reopen(const char *path);

#endif
