/*
 * The alarms: on the supervisor's tick, what was counted is judged by stats/alert, and what changed
 * is written to the segment, logged, and handed to the herald.
 *
 * They need no worker and no database: all they look at is the segment. Not thread-safe.
 */
#ifndef PROC_ALARMS_H
#define PROC_ALARMS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc/settings.h"
#include "stats/segment.h"
#include "stats/snapshot.h"
#include "stats/window.h"

struct alarms;

/* Of a segment that was just made: every alert is OK. */
MUST_CHECK struct alarms *alarms_new(struct segment *segment);
/* Kills the commands that still run. */
void alarms_free(struct alarms **alarms);

/* Judges every alert by the rules of `settings`, which may change from one tick to the next.
 * `now` is a snapshot of the segment, and in `window`. */
void alarms_tick(struct alarms *alarms, const struct settings *settings,
	const struct window *window, const struct snapshot *now);
/* As herald_reaped. */
MUST_CHECK bool alarms_reaped(struct alarms *alarms, pid_t pid, int status);

#endif
