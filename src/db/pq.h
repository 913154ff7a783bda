/*
 * One connection to PostgreSQL, asynchronous and in pipeline mode: the only door to libpq.
 *
 * Every wait ends at a deadline. PQcancel blocks, so what is to be stopped is handed to db/cancel,
 * whose thread asks the server; here nobody waits for that. A connection is used on after it only
 * when both are known: the wave's end, and that no request to cancel is still on its way, which would
 * hit the next wave. Whatever else goes wrong, the connection is closed and a new one opened; it is
 * never mended.
 *
 * A connection belongs to one thread, but may be handed over. Opening one blocks for as long as names
 * and handshakes take, which is db/dial's business; nothing else here does.
 */
#ifndef DB_PQ_H
#define DB_PQ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"
#include "db/call.h"
#include "db/cancel.h"

struct pq_conn;
struct pq_result;

/* What PostgreSQL or libpq said of a failure. */
struct pq_error {
	char sqlstate[6];    /* "" where libpq itself failed */
	char message[256];   /* one line; may quote input, so it is logged with care */
	char constraint[64]; /* "" where none was violated */
};

/* Of a connection that could not be opened, where the server itself gave no reason. */
#define PQ_UNREACHABLE "08001" /* it did not answer, was not found, or hung up */
#define PQ_NO_PASSWORD "28P01" /* it asked for one, and there was none */
#define PQ_READ_ONLY   "25006" /* it is none that takes writes */
#define PQ_NOT_UTF8    "22021" /* its database is in another encoding */

/* One server. Texts; "" where libpq is to decide. */
struct pq_place {
	const char *name; /* as certificates and password files know it, or a socket's directory */
	const char *address; /* numeric; "" for a Unix socket */
	const char *port;
};

struct pq_options {
	const char *conninfo; /* a libpq connection string; libpq's PG* variables are honoured */
	struct canceller *cancels; /* who asks the server to stop a statement; NULL: nobody */
	long statement_ms; /* the server itself stops one after this; 0: as the role has it */
};

/* What `options` points to is borrowed for the life of the connection object. Nothing is opened
 * yet. */
MUST_CHECK struct pq_conn *pq_new(const struct pq_options *options);
void pq_free(struct pq_conn **conn);

/* Whether a wave may be sent. */
bool pq_ready(const struct pq_conn *conn);
/* Opens the connection to that server and prepares every statement of calls.def. False with *ret_error
 * when that failed, was not done by deadline_us (monotonic), or *stop became true meanwhile. */
MUST_CHECK bool pq_open(struct pq_conn *conn, const struct pq_place *place, int64_t deadline_us,
	const atomic_bool *stop, struct pq_error *ret_error);
void pq_close(struct pq_conn *conn);
/* Closes an idle connection whose server has gone, so that the next wave does not find out by
 * losing an answer. Does not block. */
void pq_drop_if_gone(struct pq_conn *conn);

/*
 * A wave: pq_begin, pq_queue for each call or set of calls, pq_tell where it pays, pq_sync, then pq_next until PQ_SYNCED, PQ_LOST or
 * PQ_LATE. Nothing is sent before the whole wave is encoded, but for libpq's own flush of long ones.
 */
enum pq_event {
	PQ_ROW,     /* the next call's or set's answer: *ret_result is the caller's to free */
	PQ_ERROR,   /* the next call failed, or (after the last call) the commit did */
	PQ_SKIPPED, /* the next call was not run, as an earlier one failed */
	PQ_SYNCED,  /* the transaction ended */
	PQ_LOST,    /* the connection broke */
	PQ_LATE,    /* the deadline came first */
};

void pq_begin(struct pq_conn *conn);
/* False: libpq refused (out of memory, broken connection); the wave must be given up. */
MUST_CHECK bool pq_queue(struct pq_conn *conn, const struct call *call);
/* The same for `count` calls of one id as one call of its set-wise form: one result for all. */
MUST_CHECK bool pq_queue_set(struct pq_conn *conn, const struct call *const *calls, size_t count);
/* Has the results of all queued so far sent before the commit, which may take long by itself. */
MUST_CHECK bool pq_tell(struct pq_conn *conn);
MUST_CHECK bool pq_sync(struct pq_conn *conn);
MUST_CHECK enum pq_event pq_next(struct pq_conn *conn, int64_t deadline_us,
	struct pq_result **ret_result, struct pq_error *ret_error);

/* Has the server asked to stop what the wave does; returns at once. What comes of it, pq_next tells. */
void pq_cancel(struct pq_conn *conn);

/* Whether the connection is good and its transaction idle. */
bool pq_idle(const struct pq_conn *conn);
/* Waits for a request to cancel to have arrived, at most until deadline_us. False: it is still on its
 * way, and the connection must be closed. True where there is none. */
MUST_CHECK bool pq_cancel_over(struct pq_conn *conn, int64_t deadline_us);
/* Whether a warning since pq_begin leaves doubt that the commit reached the standby (01000). */
bool pq_commit_doubt(const struct pq_conn *conn);

/* Rows of a result, and the one at `row`: of type cardkeep_api.answer, pointing into `result`, and
 * the number (from 1) of the item it answers. False when it is anything else. */
size_t pq_result_rows(const struct pq_result *result);
MUST_CHECK bool pq_result_row(
	const struct pq_result *result, size_t row, size_t *ret_item, struct call_row *ret_row);
/* One more owner, to be freed by one more pq_result_free. Owners share a thread. */
MUST_CHECK struct pq_result *pq_result_share(struct pq_result *result);
void pq_result_free(struct pq_result **result);

#endif
