/*
 * The sandbox: what is left to a process of the service that somebody has taken over.
 *
 * Rights are given up when everything is open that needs them, and never come back: no core, no
 * look from outside (not dumpable), no capability, no new privileges, only the system calls of
 * sandbox.def (seccomp), only the files that it works with (Landlock). What the kernel lacks is gone
 * without: the service is whole, and says in its log what is in force.
 *
 * The supervisor keeps its rights but for the core and the look: it starts `alert_command`, which may
 * be a setuid program such as sendmail, and whatever bound the supervisor would bind that. It talks
 * to nobody: what it reads of its children are one-byte messages and words of the segment.
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "stats/metrics.h"

enum sandbox_profile {
	SANDBOX_WORKER, /* serves requests: finds the database, speaks with it */
	SANDBOX_STATUS, /* reads the segment and /proc, answers nginx */
};

/* At the start, for this process and all that come of it: no core is left of what they had in
 * memory, and no other process of the same user may look into it. */
void sandbox_hide(void);

/* Tells the log, once, what processes will be bound by; warns of what this kernel or build lacks. */
void sandbox_announce(const struct conf *conf);

/*
 * Binds this process, which must have no other thread yet, by its profile. Returns what binds it
 * then, a set of 1 << enum stats_sandbox: without what the kernel lacks, and without what failed,
 * which is logged. 0 where `sandbox` is off.
 */
uint32_t sandbox_enter(enum sandbox_profile profile, const struct conf *conf);

#endif
