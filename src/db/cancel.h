/*
 * The canceller: a thread that asks the server to stop statements which took too long.
 *
 * PQcancel opens a connection of its own and blocks until the server has taken the request, so no
 * thread that has waves to send may call it. What is abandoned and not stopped would work on in the
 * server, with the locks of its whole wave, for nobody.
 *
 * Thread-safe. One canceller serves all connections of a process.
 */
#ifndef DB_CANCEL_H
#define DB_CANCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

#define CANCEL_QUEUE 64 /* requests that may wait; what is beyond is not asked for */

struct pg_conn; /* libpq's PGconn */
struct canceller;
struct cancel; /* one request, until it is forgotten */

/* Starts the thread. Signals should be blocked by the caller first. */
MUST_CHECK struct canceller *canceller_new(void);
/* What waits is not asked for any more. A request that hangs in the network is left to the process's
 * end, together with the canceller. */
void canceller_free(struct canceller **canceller);

/* Has the server asked to stop what `conn` runs now; the connection may be closed meanwhile. NULL when
 * there is no room, or libpq has no key for it. */
MUST_CHECK struct cancel *cancel_ask(struct canceller *canceller, struct pg_conn *conn);
/* Waits until the server has taken the request, at most until deadline_us (monotonic). False: it has
 * not yet, or could not be reached. */
MUST_CHECK bool cancel_wait(struct cancel *cancel, int64_t deadline_us);
/* Lets go of the request, which goes its way. Accepts NULL. */
void cancel_forget(struct cancel **cancel);

#endif
