/*
 * A wave: the calls that one thread sends together, as one pipeline with a single sync: one
 * transaction, one commit. Answers may be given only after wave_run says COMMITTED.
 *
 * Calls of one hot kind travel set-wise: one call with arrays in, one row per call out. Where fewer
 * than WAVE_SET_MIN are there, or the caller asks for it, each goes by itself.
 *
 * The calls of a wave share their fate: when one fails, nothing of the wave is applied. So every
 * expected refusal is a row, and the caller runs the innocent neighbours of a failed call again.
 */
#ifndef DB_WAVE_H
#define DB_WAVE_H

#include <stddef.h>
#include <stdint.h>

#include "db/call.h"
#include "db/outcome.h"
#include "db/pq.h"
#include "db/sqlstate.h"

#define WAVE_CALLS_MAX 64
#define WAVE_SET_MIN   4
/* A wave takes no further call once its arguments exceed this: it bounds what one thread holds. */
#define WAVE_BYTES_MAX (1024 * 1024)

enum wave_form {
	WAVE_SETWISE, /* sets where they pay */
	WAVE_SINGLES, /* each call by itself, so that an error says whose it is */
};

struct wave_call {
	struct call *call; /* the caller's; its row is filled when COMMITTED */
	enum outcome_kind outcome;
	enum sqlstate_class class; /* unless COMMITTED or NEIGHBOUR; OVERRUN may be UNKNOWN too */
	struct pq_error error;     /* likewise */
};

struct wave {
	enum wave_form form;
	struct wave_call calls[WAVE_CALLS_MAX]; /* in the order they were added */
	size_t count;
	size_t bytes; /* of the arguments */
	/* Of the latest run. */
	int64_t worked_us; /* what the statements took, without the commit */
	bool cancelled;    /* they took too long, and the server was asked to stop them */
	bool abandoned;    /* and did not stop in time: the connection was given up */
	bool silent; /* nor in the whole time that a server has for it: perhaps nobody is there */
	bool unconfirmed; /* the commit did not end in time, or its wait for a standby was cut short */
};

/* How long a wave is waited for. */
struct wave_limits {
	int64_t deadline_us; /* monotonic: nobody waits longer, whatever goes on */
	int64_t work_us; /* what its statements may take together, without the commit; 0: no limit */
};

/* An empty wave. */
void wave_reset(struct wave *wave, enum wave_form form);
/* Whether `call` still fits. */
bool wave_has_room(const struct wave *wave, size_t limit, const struct call *call);
/* Adds a call, borrowed until wave_run has returned. */
void wave_add(struct wave *wave, struct call *call);

/*
 * Sends the wave on an open connection and waits for its end, within `limits`. Fills the outcome of
 * every call. Unless all are certain and the connection idle, the connection is closed.
 *
 * Statements that take longer than work_us are cancelled. As a rule the server says so at once: the
 * error is then that of the call which ran, its neighbours are as good as after any other error, and
 * nothing is in doubt. A commit is not cut short before the deadline, however slow the disk; then its wait
 * for a standby is, so that such waits do not pile up.
 */
void wave_run(struct wave *wave, struct pq_conn *conn, const struct wave_limits *limits);
/* Gives every call OUTCOME_NOT_SENT for want of a connection. */
void wave_not_sent(struct wave *wave);

#endif
