/* One connection to PostgreSQL, asynchronous and in pipeline mode: the only door to libpq. */
#include "db/pq.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* A wave of n calls gives at most 2n + 1 results (each call's own and its NULL, then the sync's).
 * A libpq that goes on giving results is spinning on a second error in the place of ReadyForQuery,
 * which has happened; this many in a row without an event is nonsense. */
#define PQ_NULLS_MAX 4

struct pq_conn {
	const char *conninfo;
	PGconn *pg;	   /* NULL while closed */
	bool ready;	   /* open, prepared, not broken */
	bool commit_doubt; /* a warning 01000 came since pq_begin */
};

/* PGresult under a name that does not need libpq's header. */
static PGresult *pg_result(const struct pq_result *result)
{
	return (PGresult *)(uintptr_t)result;
}

/* ---- errors -------------------------------------------------------------------------------- */

static void copy_line(char *out, size_t size, const char *text)
{
	size_t len = strcspn(text, "\n");

	snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), text);
}

static void error_from_conn(const struct pq_conn *conn, struct pq_error *error)
{
	*error = (struct pq_error){0};
	copy_line(error->message, sizeof(error->message),
		conn->pg != NULL ? PQerrorMessage(conn->pg) : "out of memory");
}

static void error_from_result(const PGresult *result, struct pq_error *error)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	*error = (struct pq_error){0};
	copy_line(error->sqlstate, sizeof(error->sqlstate), state != NULL ? state : "");
	copy_line(error->message, sizeof(error->message),
		message != NULL ? message : PQresultErrorMessage(result));
	copy_line(
		error->constraint, sizeof(error->constraint), constraint != NULL ? constraint : "");
}

/* A refused connection has no PGresult: libpq keeps the server's SQLSTATE to itself, so the cases
 * that matter are told by nothing having been sent. */
static void error_text(struct pq_error *error, const char *text)
{
	*error = (struct pq_error){0};
	copy_line(error->message, sizeof(error->message), text);
}

static void notice(void *arg, const PGresult *result)
{
	struct pq_conn *conn = arg;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (state != NULL && strcmp(state, "01000") == 0)
		conn->commit_doubt = true;
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* Waits for `events` on the connection's socket; 0 when the deadline came first. */
static int wait_socket(struct pq_conn *conn, short events, int64_t deadline_us)
{
	struct pollfd pfd = {.fd = PQsocket(conn->pg), .events = events};

	for (;;) {
		int64_t now_us = clock_mono_us();
		int n;

		if (now_us >= deadline_us)
			return 0;
		n = poll(&pfd, 1, clock_wait_ms(now_us, deadline_us));
		if (n > 0)
			return pfd.revents;
		MUST(n == 0 || errno == EINTR);
	}
}

/* Sends what is queued and reads what has come until the next result can be taken without blocking:
 * reading while writing, as a server that cannot send its rows stops taking ours. */
static enum pq_event await_result(struct pq_conn *conn, int64_t deadline_us)
{
	for (;;) {
		int unsent = PQflush(conn->pg);
		int got;

		if (unsent < 0)
			return PQ_LOST;
		if (unsent == 0 && PQisBusy(conn->pg) == 0)
			return PQ_ROW;
		got = wait_socket(
			conn, (short)(unsent > 0 ? POLLIN | POLLOUT : POLLIN), deadline_us);
		if (got == 0)
			return PQ_LATE;
		if ((got & ~POLLOUT) != 0 && PQconsumeInput(conn->pg) == 0)
			return PQ_LOST;
		if (PQisBusy(conn->pg) == 0)
			return PQ_ROW;
	}
}

/* ---- opening ------------------------------------------------------------------------------- */

struct pq_conn *pq_new(const char *conninfo)
{
	struct pq_conn *conn = mem_zero(sizeof(*conn));

	conn->conninfo = conninfo;
	return conn;
}

void pq_free(struct pq_conn **conn)
{
	if (*conn == NULL)
		return;
	pq_close(*conn);
	free(*conn);
	*conn = NULL;
}

bool pq_ready(const struct pq_conn *conn)
{
	return conn->ready;
}

void pq_close(struct pq_conn *conn)
{
	if (conn->pg != NULL)
		PQfinish(conn->pg);
	conn->pg = NULL;
	conn->ready = false;
}

/* Only a primary may decide a write, and the name shows in pg_stat_activity; the operator's own
 * connection string wins over both. */
static PGconn *start_connection(const char *conninfo)
{
	const char *keywords[] = {
		"fallback_application_name", "target_session_attrs", "dbname", NULL};
	const char *values[] = {"cardkeepd", "read-write", conninfo, NULL};

	return PQconnectStartParams(keywords, values, 1);
}

static bool finish_connection(struct pq_conn *conn, int64_t deadline_us, struct pq_error *ret_error)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
		error_from_conn(conn, ret_error);
		return false;
	}
	while (status != PGRES_POLLING_OK) {
		short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (wait_socket(conn, events, deadline_us) == 0) {
			error_text(ret_error, "no connection before the deadline");
			return false;
		}
		status = PQconnectPoll(conn->pg);
		if (status == PGRES_POLLING_FAILED) {
			error_from_conn(conn, ret_error);
			return false;
		}
	}
	return true;
}

static bool prepare_all(struct pq_conn *conn, int64_t deadline_us, struct pq_error *ret_error)
{
	for (int id = 0; id < CALL_COUNT; id++) {
		if (PQsendPrepare(conn->pg, call_function((enum call_id)id),
			    call_statement((enum call_id)id), 0, NULL) == 0) {
			error_from_conn(conn, ret_error);
			return false;
		}
	}
	if (!pq_sync(conn)) {
		error_from_conn(conn, ret_error);
		return false;
	}
	for (;;) {
		struct pq_result *result = NULL;
		enum pq_event event = pq_next(conn, deadline_us, &result, ret_error);

		pq_result_free(&result);
		if (event == PQ_SYNCED)
			return true;
		if (event == PQ_LATE)
			error_text(ret_error, "statements not prepared before the deadline");
		if (event != PQ_ROW)
			return false;
	}
}

bool pq_open(struct pq_conn *conn, int64_t deadline_us, struct pq_error *ret_error)
{
	pq_close(conn);
	conn->pg = start_connection(conn->conninfo);
	if (!finish_connection(conn, deadline_us, ret_error))
		goto fail;
	PQsetNoticeReceiver(conn->pg, notice, conn);
	if (PQsetnonblocking(conn->pg, 1) != 0 || PQenterPipelineMode(conn->pg) == 0) {
		error_from_conn(conn, ret_error);
		goto fail;
	}
	if (!prepare_all(conn, deadline_us, ret_error))
		goto fail;
	conn->ready = true;
	return true;
fail:
	pq_close(conn);
	return false;
}

void pq_drop_if_gone(struct pq_conn *conn)
{
	struct pollfd pfd;

	if (!conn->ready)
		return;
	/* An idle server says nothing but notices and its farewell. */
	pfd = (struct pollfd){.fd = PQsocket(conn->pg), .events = POLLIN};
	if (poll(&pfd, 1, 0) <= 0)
		return;
	if (PQconsumeInput(conn->pg) == 0 || PQstatus(conn->pg) != CONNECTION_OK ||
		(pfd.revents & (POLLHUP | POLLERR)) != 0)
		pq_close(conn);
}

/* ---- a wave -------------------------------------------------------------------------------- */

void pq_begin(struct pq_conn *conn)
{
	MUST(conn->ready);
	conn->commit_doubt = false;
}

bool pq_queue(struct pq_conn *conn, const struct call *call)
{
	int formats[CALL_ARGS_MAX];

	MUST(call->nargs == call_arity(call->id));
	for (size_t i = 0; i < call->nargs; i++)
		formats[i] = call->binary[i] ? 1 : 0;
	return PQsendQueryPrepared(conn->pg, call_function(call->id), (int)call->nargs,
		       call->values, call->lengths, formats, 0) == 1;
}

bool pq_sync(struct pq_conn *conn)
{
	return PQpipelineSync(conn->pg) == 1;
}

/* Sorts one result; PQ_LOST also covers what a pipeline of plain calls never sends. */
static enum pq_event sort_result(PGresult *result, struct pq_error *ret_error)
{
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		return PQ_ROW;
	case PGRES_PIPELINE_SYNC:
		return PQ_SYNCED;
	case PGRES_PIPELINE_ABORTED:
		return PQ_SKIPPED;
	case PGRES_FATAL_ERROR:
		error_from_result(result, ret_error);
		return PQ_ERROR;
	default:
		error_text(ret_error, "unexpected result of the pipeline");
		return PQ_LOST;
	}
}

enum pq_event pq_next(struct pq_conn *conn, int64_t deadline_us, struct pq_result **ret_result,
	struct pq_error *ret_error)
{
	for (int nulls = 0; nulls < PQ_NULLS_MAX; nulls++) {
		enum pq_event event = await_result(conn, deadline_us);
		PGresult *result;

		if (event == PQ_LOST)
			error_from_conn(conn, ret_error);
		if (event != PQ_ROW)
			return event;
		result = PQgetResult(conn->pg);
		if (result == NULL)
			continue; /* ends each call's results */
		event = sort_result(result, ret_error);
		if (event == PQ_ROW)
			*ret_result = (struct pq_result *)result;
		else
			PQclear(result);
		return event;
	}
	error_text(ret_error, "the pipeline ended early");
	return PQ_LOST;
}

bool pq_idle(const struct pq_conn *conn)
{
	return conn->pg != NULL && PQstatus(conn->pg) == CONNECTION_OK &&
	       PQtransactionStatus(conn->pg) == PQTRANS_IDLE;
}

bool pq_commit_doubt(const struct pq_conn *conn)
{
	return conn->commit_doubt;
}

/* ---- a row --------------------------------------------------------------------------------- */

enum {
	COLUMN_STATUS,
	COLUMN_VERSION,
	COLUMN_REPLAYED,
	COLUMN_DETAIL,
	COLUMN_BODY,
	COLUMN_COUNT,
};

bool pq_result_row(const struct pq_result *result, struct call_row *ret_row)
{
	const PGresult *pg = pg_result(result);

	if (PQntuples(pg) != 1 || PQnfields(pg) != COLUMN_COUNT ||
		PQgetisnull(pg, 0, COLUMN_STATUS) != 0)
		return false;
	/* An SQL null reads as "": version 0, not replayed, no detail, no body. */
	*ret_row = (struct call_row){
		.status = (int)strtol(PQgetvalue(pg, 0, COLUMN_STATUS), NULL, 10),
		.version = (int)strtol(PQgetvalue(pg, 0, COLUMN_VERSION), NULL, 10),
		.replayed = PQgetvalue(pg, 0, COLUMN_REPLAYED)[0] == 't',
		.detail = PQgetvalue(pg, 0, COLUMN_DETAIL),
		.body = PQgetvalue(pg, 0, COLUMN_BODY),
		.body_len = (size_t)PQgetlength(pg, 0, COLUMN_BODY),
	};
	return true;
}

void pq_result_free(struct pq_result **result)
{
	if (*result != NULL)
		PQclear(pg_result(*result));
	*result = NULL;
}
