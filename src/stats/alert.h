/*
 * Alerts: what the service itself watches for. Pure: from what was counted to a reading, and from
 * readings and time to a state. Thread-safe.
 *
 *              beyond `raise`            for the rule's time
 *     OK  ------------------->  PENDING  ------------------->  FIRING
 *      ^ <---------------------    |                             |
 *      |    no longer beyond it                                  |
 *      +---------------------------------------------------------+
 *            no longer beyond `clear`, or nothing happens any more
 *
 * A share of few events says little, so it raises nothing below a number of events; it may well
 * keep an alert firing. A state that cannot be seen (no worker runs) leaves an alert as it is.
 */
#ifndef STATS_ALERT_H
#define STATS_ALERT_H

#include <stdbool.h>

#include "base/rule.h"
#include "stats/snapshot.h"
#include "stats/window.h"

enum alert_kind {
	ALERT_RATE,  /* a share of events in the main window */
	ALERT_COUNT, /* a number of events in the main window */
	ALERT_STATE, /* how things are now */
};

/* ---- reading --------------------------------------------------------------------------------- */

/* What there is to judge by. */
struct alert_view {
	const struct snapshot *now;
	const struct window_sums *sums;   /* of the main window */
	const struct window_sums *recent; /* of the short one */
	uint64_t min_events;
};

struct alert_reading {
	bool known; /* false: nothing happened, or nothing can be seen */
	double value;
	bool enough; /* events for it to raise an alert */
};

struct alert_reading alert_read(enum stats_alert id, const struct alert_view *view);

/* ---- judging --------------------------------------------------------------------------------- */

/* One alert's memory. Zero-initialised is OK. */
struct alert {
	enum stats_alert_state state;
	int64_t since_us; /* in this state */
	int64_t told_us;  /* last told that it fires */
	uint64_t fired;   /* how often it has fired */
};

/* What a step changed, to be told. */
enum alert_change {
	ALERT_SAME,
	ALERT_PENDS,    /* OK -> PENDING */
	ALERT_SUBSIDES, /* PENDING -> OK */
	ALERT_FIRES,    /* OK or PENDING -> FIRING */
	ALERT_CLEARS,   /* FIRING -> OK */
	ALERT_REPEATS,  /* it still fires, and it is time to say so again */
};

/* Takes a reading at `now_us`. An alert that fires is repeated every `repeat_us`; 0: never. A rule
 * that is off clears it. */
enum alert_change alert_step(struct alert *alert, enum alert_kind kind, const struct rule *rule,
	const struct alert_reading *reading, int64_t repeat_us, int64_t now_us);

/* ---- the list -------------------------------------------------------------------------------- */

const char *alert_name(enum stats_alert id);
enum alert_kind alert_kind(enum stats_alert id);
const char *alert_summary(enum stats_alert id);

#endif
