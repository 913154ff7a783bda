/*
 * What is known about one call after its wave: pure, no libpq, no clock.
 *
 * The one question that matters is whether a write was applied. COMMITTED and ROLLED_BACK are
 * certain; NOT_SENT is certain too; everything else is UNKNOWN, and stays so until a row of the
 * same write's repeat says what happened.
 */
#ifndef DB_OUTCOME_H
#define DB_OUTCOME_H

#include <stdbool.h>

enum outcome_kind {
	OUTCOME_COMMITTED,   /* the wave's commit is known: the row holds the answer */
	OUTCOME_ROLLED_BACK, /* certainly not applied; this call's own error says why */
	OUTCOME_NEIGHBOUR,   /* certainly not applied: another call of the wave failed */
	OUTCOME_NOT_SENT,    /* certainly not applied: nothing left this process */
	OUTCOME_UNKNOWN,     /* perhaps applied */
};

/* What the pipeline showed of one wave. */
struct outcome_wave {
	bool any_sent;     /* at least one byte may have left for the server */
	bool sync_seen;    /* the sync's own result arrived */
	bool failed;       /* an error was seen in the wave, before or at its sync */
	bool conn_ok;      /* the connection is good, its transaction idle */
	bool commit_doubt; /* warning 01000: a wait for a synchronous standby was cancelled */
};

/* `own_error`: this call is the one the error names. */
enum outcome_kind outcome_of(const struct outcome_wave *wave, bool own_error);

const char *outcome_name(enum outcome_kind kind);

#endif
