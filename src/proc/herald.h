/*
 * The herald: hands alerts to alert_command, and never waits for it.
 *
 * The command is a program and its arguments, separated by blanks; no shell sees them. It runs as
 * the user that the supervisor runs as, in a process group of its own. Of the supervisor's environment
 * it gets PATH, HOME, the user's names and what says language, time zone and place for temporary files,
 * and what is told in CARDKEEP_ALERT_*; it reads from and writes to /dev/null. When its time is up, its
 * whole group is killed. It does not outlive the supervisor.
 *
 * One runs for each alert at a time. What happens to the alert meanwhile is told when it has ended,
 * the latest news only. Not thread-safe; the supervisor's.
 */
#ifndef PROC_HERALD_H
#define PROC_HERALD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"
#include "stats/metrics.h"

#define HERALD_WORD_BYTES    32
#define HERALD_RUNBOOK_BYTES 1152

/* What is told of an alert, as the command gets it. */
struct herald_news {
	enum stats_alert alert;
	enum stats_alert_state state;
	char value[HERALD_WORD_BYTES];     /* "" when there is none */
	char threshold[HERALD_WORD_BYTES]; /* likewise */
	char since[HERALD_WORD_BYTES];     /* RFC 3339 */
	char runbook[HERALD_RUNBOOK_BYTES];
};

struct herald;

MUST_CHECK struct herald *herald_new(void);
/* Kills what still runs. */
void herald_free(struct herald **herald);

/* Tells it, now or after what runs for this alert. `command` "" tells nobody. */
void herald_tell(struct herald *herald, const char *command, const struct herald_news *news);
/* Kills what has run for longer than limit_us, and starts what had to wait. */
void herald_turn(struct herald *herald, const char *command, int64_t limit_us);
/* Takes note of a process that ended (status as of waitpid(2)); false when it was none of its own. */
MUST_CHECK bool herald_reaped(struct herald *herald, pid_t pid, int status);

#endif
