/*
 * The alerts: on the supervisor's tick, what was counted is judged by stats/alert, and what changed
 * is written to the segment, logged, and handed to alert_command.
 *
 * They need no worker and no database: all they look at is the segment. Not thread-safe.
 */
#ifndef SUPERVISOR_ALERTS_H
#define SUPERVISOR_ALERTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc/settings.h"
#include "stats/segment.h"
#include "stats/snapshot.h"
#include "stats/window.h"

struct alerts;

/* Of a segment that was just made: every alert is OK. */
MUST_CHECK struct alerts *alerts_new(struct segment *segment);
/* Kills the commands that still run. */
void alerts_free(struct alerts **alerts);

/* Judges every alert by the rules of `settings`, which may change from one tick to the next.
 * `now` is a snapshot of the segment, and in `window`. */
void alerts_tick(struct alerts *alerts, const struct settings *settings,
	const struct window *window, const struct snapshot *now);
/* As alert_command_reaped. */
MUST_CHECK bool alerts_reaped(struct alerts *alerts, pid_t pid, int status);

#endif
