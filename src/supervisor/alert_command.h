/*
 * Runs `alert_command` for alerts, and never waits for it.
 *
 * The command is a program and its arguments, separated by blanks; no shell sees them. It runs as
 * the user that the supervisor runs as, in a process group of its own. Of the supervisor's environment
 * it gets PATH, HOME, the user's names and what says language, time zone and place for temporary files,
 * and what is told in CARDKEEP_ALERT_*; it reads from and writes to /dev/null. When its time is up, its
 * whole group is killed. It does not outlive the supervisor.
 *
 * One runs for each alert at a time. What happens to the alert meanwhile is told when it has ended,
 * the latest notice only. Not thread-safe; the supervisor's.
 */
#ifndef SUPERVISOR_ALERT_COMMAND_H
#define SUPERVISOR_ALERT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"
#include "stats/metrics.h"

#define NOTICE_WORD_BYTES    32
#define NOTICE_RUNBOOK_BYTES 1152

/* What is told of an alert, as the command gets it. */
struct alert_notice {
	enum stats_alert alert;
	enum stats_alert_state state;
	char value[NOTICE_WORD_BYTES];     /* "" when there is none */
	char threshold[NOTICE_WORD_BYTES]; /* likewise */
	char since[NOTICE_WORD_BYTES];     /* RFC 3339 */
	char runbook[NOTICE_RUNBOOK_BYTES];
};

struct alert_command;

MUST_CHECK struct alert_command *alert_command_new(void);
/* Kills what still runs. */
void alert_command_free(struct alert_command **alert_command);

/* Tells it, now or after what runs for this alert. `command` "" tells nobody. */
void alert_command_tell(struct alert_command *alert_command, const char *command,
	const struct alert_notice *notice);
/* Kills what has run for longer than limit_us, and starts what had to wait. */
void alert_command_turn(struct alert_command *alert_command, const char *command, int64_t limit_us);
/* Takes note of a process that ended (status as of waitpid(2)); false when it was none of its own. */
MUST_CHECK bool alert_command_reaped(struct alert_command *alert_command, pid_t pid, int status);

#endif
