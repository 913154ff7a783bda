/*
 * The supervisor as a process. It opens the sockets and the segment, starts the others,
 * waits for what happens, asks supervisor/policy what to do about it, and does that.
 *
 * It has no threads and no connection to the database: little can go wrong in it. What a request
 * can break breaks in a worker.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <stddef.h>

#include "proc/settings.h"
#include "proc/spawn.h"

struct supervisor;

/* Opens what the service needs: its two sockets (or takes them from systemd, where they are named
 * `app` and `status`), its log, its segment. NULL with `why` when something cannot be made.
 * `roles`, ROLE_COUNT of them, and `source`, which is read again at a reload, must outlive it. */
MUST_CHECK struct supervisor *supervisor_new(const struct role_def *roles,
	const struct settings_source *source, const struct settings *settings, char *why,
	size_t why_size);

/*
 * Serves until SIGTERM or SIGINT: then the workers drain, at most drain_ms, and after them the
 * status process ends; a second such signal ends everything at once. SIGHUP reads the
 * configuration again and replaces the processes one by one; a wrong one is refused and logged.
 * SIGUSR1 opens the logs anew, SIGUSR2 turns debug lines on and off. Call it in the process that
 * stays: after detaching.
 */
void supervisor_run(struct supervisor *sup);

/* Closes everything, and removes the sockets that supervisor_new made. The segment's file stays: it is
 * what is left to look at. */
void supervisor_free(struct supervisor **sup);

#endif
