/*
 * The dialler: opens connections in threads of their own, so that no thread that has requests in flight
 * waits for a host, a name server or a handshake.
 *
 * Each wave thread has a dial, and each dial one thread. It tries the servers of the connection string
 * one by one, each address of a name too, and gives each `host_limit_us`, and half of it at first where
 * there are others: one that says nothing is passed. Such a host is shy for a while: those that are not
 * are tried first. What it opens is ready for waves, and is handed over whole.
 *
 * A dialler is shared by the threads of a process, and thread-safe; a dial belongs to one thread.
 */
#ifndef DB_DIAL_H
#define DB_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "db/pq.h"

struct dialler;
struct dial;

/* `conninfo` is borrowed. Where libpq refuses it, each dial says so. */
MUST_CHECK struct dialler *dialler_new(const char *conninfo, int64_t host_limit_us);
/* After the dials. Together with one that hangs it is left to the process's end. */
void dialler_free(struct dialler **dialler);

/* Starts the thread, which has nothing to do yet. What `options` points to is borrowed for the life of
 * the dial and of what it opens. */
MUST_CHECK struct dial *dial_new(struct dialler *dialler, const struct pq_options *options);
/* Calls off what is under way. */
void dial_free(struct dial **dial);

/* Begins to open a connection. Only when nothing is under way, and what came last was collected. */
void dial_start(struct dial *dial);
/* Whether something is under way, or to be collected. */
bool dial_busy(struct dial *dial);
/* Waits until deadline_us (monotonic) at most for something to be collected. */
void dial_wait(struct dial *dial, int64_t deadline_us);

enum dial_news {
	DIAL_NOTHING, /* is under way, or never began */
	DIAL_OPENED,  /* *ret_conn is the caller's */
	DIAL_FAILED,  /* *ret_error is that of the last server that said anything */
};

/* What came of it; told once. */
MUST_CHECK enum dial_news dial_collect(
	struct dial *dial, struct pq_conn **ret_conn, struct pq_error *ret_error);

/* The server of the latest connection does not say a word any more: it is shy now. */
void dial_suspect(struct dial *dial);
/* Whether anybody said so of this one's, since it was opened, and there are others: what one thread has
 * waited for in vain, the rest need not. */
bool dial_suspected(struct dial *dial);

#endif
