/* One connection to PostgreSQL, asynchronous and in pipeline mode: the only door to libpq. */
#include "db/pq.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/message.h"

/* A wave of n calls gives at most 2n + 1 results (each call's own and its NULL, then the sync's).
 * A libpq that goes on giving results is spinning on a second error in the place of ReadyForQuery,
 * which has happened; this many in a row without an event is nonsense. */
#define PQ_NULLS_MAX 4

/* A connection on which something came so lately is not asked whether it is still there. */
#define PQ_FRESH_US (20 * CLOCK_MS)

/* While a connection is opened it is looked so often whether somebody called that off. */
#define PQ_STOP_LOOK_MS 50

/* What Kerberos has decrypted and libpq has not taken yet cannot be seen, so nobody waits longer for the
 * socket without a look. */
#define PQ_GSS_LOOK_MS 10

struct pq_conn {
	struct pq_options options;
	PGconn *pg;                       /* NULL while closed */
	struct cancel *cancel;            /* asked for since pq_begin, or NULL */
	bool ready;                       /* open, prepared, not broken */
	bool commit_doubt;                /* a warning 01000 came since pq_begin */
	int64_t used_us;                  /* monotonic: something came from the server */
	const atomic_bool *stop;          /* while it is opened: whether that was called off */
	struct buf arrays[CALL_ARGS_MAX]; /* of the set being queued; kept for their memory */
};

/* One PGresult and how many calls hold rows of it. */
struct pq_result {
	PGresult *pg;
	size_t owners;
};

/* ---- errors -------------------------------------------------------------------------------- */

static void error_from_conn(const struct pq_conn *conn, struct pq_error *error)
{
	*error = (struct pq_error){0};
	message_line(error->message, sizeof(error->message),
		conn->pg != NULL ? PQerrorMessage(conn->pg) : "out of memory");
}

static void error_from_result(const PGresult *result, struct pq_error *error)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	*error = (struct pq_error){0};
	message_line(error->sqlstate, sizeof(error->sqlstate), state != NULL ? state : "");
	message_line(error->message, sizeof(error->message),
		message != NULL ? message : PQresultErrorMessage(result));
	message_line(
		error->constraint, sizeof(error->constraint), constraint != NULL ? constraint : "");
}

static void error_text(struct pq_error *error, const char *text)
{
	*error = (struct pq_error){0};
	message_line(error->message, sizeof(error->message), text);
}

/*
 * A refused connection has no PGresult, and libpq keeps the server's SQLSTATE to itself; but where it is
 * asked to be verbose, it stands in the message: `...: FATAL:  28P01: ...`. NULL where there is none.
 */
static const char *find_sqlstate(const char *message)
{
	for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at++) {
		const char *code = at + strlen(":  ");

		if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && code[5] == ':')
			return code;
	}
	return NULL;
}

/* libpq's own reasons to refuse a server, which had nothing against us. */
static bool is_no_primary(const char *message)
{
	return strstr(message, "session is read-only") != NULL ||
	       strstr(message, "server is in hot standby mode") != NULL;
}

static void error_from_refusal(const struct pq_conn *conn, struct pq_error *error)
{
	const char *message = PQerrorMessage(conn->pg);
	const char *code = find_sqlstate(message);

	error_from_conn(conn, error);
	if (code == NULL && PQconnectionNeedsPassword(conn->pg) != 0)
		code = PQ_NO_PASSWORD;
	if (code == NULL)
		code = is_no_primary(message) ? PQ_READ_ONLY : PQ_UNREACHABLE;
	message_line(error->sqlstate, sizeof(error->sqlstate), code);
}

static void notice(void *arg, const PGresult *result)
{
	struct pq_conn *conn = arg;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (state != NULL && strcmp(state, "01000") == 0)
		conn->commit_doubt = true;
}

/* ---- waiting ------------------------------------------------------------------------------- */

/* Whether bytes are here that the socket does not show: a TLS record may be larger than what libpq reads
 * at once, and OpenSSL has the rest of it. */
static bool has_pending(const struct pq_conn *conn)
{
	SSL *tls = PQsslStruct(conn->pg, "OpenSSL");

	return tls != NULL && SSL_pending(tls) > 0;
}

/* How long to wait for the socket before another look. */
static int look_ms(const struct pq_conn *conn, int64_t now_us, int64_t deadline_us)
{
	int ms = clock_wait_ms(now_us, deadline_us);

	if (conn->stop != NULL && ms > PQ_STOP_LOOK_MS)
		ms = PQ_STOP_LOOK_MS;
	if (PQgssEncInUse(conn->pg) != 0 && ms > PQ_GSS_LOOK_MS)
		ms = PQ_GSS_LOOK_MS;
	return ms;
}

/* Waits for `events` on the connection's socket; 0 when the deadline came first, or it was called off. */
static int wait_socket(struct pq_conn *conn, short events, int64_t deadline_us)
{
	struct pollfd pfd = {.fd = PQsocket(conn->pg), .events = events};

	if ((events & POLLIN) != 0 && has_pending(conn))
		return POLLIN;
	for (;;) {
		int64_t now_us = clock_mono_us();
		int n;

		if (now_us >= deadline_us || (conn->stop != NULL && atomic_load(conn->stop)))
			return 0;
		n = poll(&pfd, 1, look_ms(conn, now_us, deadline_us));
		if (n > 0)
			return pfd.revents;
		MUST(n == 0 || errno == EINTR);
		if (n == 0 && (events & POLLIN) != 0 && PQgssEncInUse(conn->pg) != 0)
			return POLLIN;
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
		if ((got & ~POLLOUT) != 0) {
			if (PQconsumeInput(conn->pg) == 0)
				return PQ_LOST;
			conn->used_us = clock_mono_us();
		}
		if (PQisBusy(conn->pg) == 0)
			return PQ_ROW;
	}
}

/* ---- opening ------------------------------------------------------------------------------- */

struct pq_conn *pq_new(const struct pq_options *options)
{
	struct pq_conn *conn = mem_zero(sizeof(*conn));

	conn->options = *options;
	return conn;
}

void pq_free(struct pq_conn **conn)
{
	if (*conn == NULL)
		return;
	pq_close(*conn);
	for (size_t i = 0; i < CALL_ARGS_MAX; i++)
		buf_free(&(*conn)->arrays[i]);
	free(*conn);
	*conn = NULL;
}

bool pq_ready(const struct pq_conn *conn)
{
	return conn->ready;
}

void pq_close(struct pq_conn *conn)
{
	cancel_forget(&conn->cancel);
	if (conn->pg != NULL)
		PQfinish(conn->pg);
	conn->pg = NULL;
	conn->ready = false;
}

/*
 * Only a primary may decide a write, and the name shows in pg_stat_activity; the operator's own
 * connection string wins over both. What comes after it wins over that: one server, found already, and
 * that texts are UTF-8, whatever role, database and environment say.
 */
static PGconn *start_connection(const char *conninfo, const struct pq_place *place)
{
	const char *const keywords[] = {"fallback_application_name", "target_session_attrs",
		"dbname", "client_encoding", "host", "hostaddr", "port", NULL};
	const char *const values[] = {"cardkeepd", "read-write", conninfo, "UTF8", place->name,
		place->address, place->port, NULL};
	PGconn *pg = PQconnectStartParams(keywords, values, 1);

	/* See find_sqlstate. */
	if (pg != NULL)
		(void)PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
	return pg;
}

static void error_silent(
	const struct pq_conn *conn, const struct pq_place *place, struct pq_error *error)
{
	const char *where = place->address[0] != '\0' ? place->address : place->name;

	*error = (struct pq_error){.sqlstate = PQ_UNREACHABLE};
	snprintf(error->message, sizeof(error->message), "no answer in time from %s, port %s",
		where[0] != '\0' ? where : PQhost(conn->pg), place->port);
}

static bool finish_connection(struct pq_conn *conn, const struct pq_place *place,
	int64_t deadline_us, struct pq_error *ret_error)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (conn->pg == NULL || PQstatus(conn->pg) == CONNECTION_BAD) {
		error_from_refusal(conn, ret_error);
		return false;
	}
	while (status != PGRES_POLLING_OK) {
		short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (wait_socket(conn, events, deadline_us) == 0) {
			error_silent(conn, place, ret_error);
			return false;
		}
		status = PQconnectPoll(conn->pg);
		if (status == PGRES_POLLING_FAILED) {
			error_from_refusal(conn, ret_error);
			return false;
		}
	}
	(void)PQsetErrorVerbosity(conn->pg, PQERRORS_DEFAULT);
	return true;
}

/* In another encoding it could not keep what it is given; the functions refuse to work there. A pooler
 * that does not say is believed. */
static bool keeps_utf8(const struct pq_conn *conn, struct pq_error *ret_error)
{
	const char *encoding = PQparameterStatus(conn->pg, "server_encoding");

	if (encoding == NULL || strcmp(encoding, "UTF8") == 0)
		return true;
	*ret_error = (struct pq_error){.sqlstate = PQ_NOT_UTF8};
	snprintf(ret_error->message, sizeof(ret_error->message),
		"the database's encoding is %s and must be UTF8", encoding);
	return false;
}

static bool enter_pipeline(struct pq_conn *conn, struct pq_error *ret_error)
{
	PQsetNoticeReceiver(conn->pg, notice, conn);
	if (PQsetnonblocking(conn->pg, 1) == 0 && PQenterPipelineMode(conn->pg) == 1)
		return true;
	error_from_conn(conn, ret_error);
	return false;
}

/* The role has a limit for all its statements; this one is closer. It is said here and not in the
 * connection's options, which poolers refuse. */
static bool send_limit(struct pq_conn *conn)
{
	char text[64];

	if (conn->options.statement_ms == 0)
		return true;
	snprintf(text, sizeof(text), "set statement_timeout = %ld", conn->options.statement_ms);
	return PQsendQueryParams(conn->pg, text, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static bool send_prepares(struct pq_conn *conn)
{
	if (!send_limit(conn))
		return false;
	for (enum call_id id = 0; id < CALL_COUNT; id++) {
		if (PQsendPrepare(conn->pg, call_name(id), call_statement(id), 0, NULL) == 0)
			return false;
		if (call_set_function(id) != NULL && PQsendPrepare(conn->pg, call_set_function(id),
							     call_set_statement(id), 0, NULL) == 0)
			return false;
	}
	return pq_sync(conn);
}

static bool prepare_all(struct pq_conn *conn, int64_t deadline_us, struct pq_error *ret_error)
{
	if (!send_prepares(conn)) {
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
			*ret_error = (struct pq_error){.sqlstate = PQ_UNREACHABLE,
				.message = "statements not prepared in time"};
		if (event != PQ_ROW)
			return false;
	}
}

bool pq_open(struct pq_conn *conn, const struct pq_place *place, int64_t deadline_us,
	const atomic_bool *stop, struct pq_error *ret_error)
{
	pq_close(conn);
	conn->stop = stop;
	conn->pg = start_connection(conn->options.conninfo, place);
	conn->ready = finish_connection(conn, place, deadline_us, ret_error) &&
		      keeps_utf8(conn, ret_error) && enter_pipeline(conn, ret_error) &&
		      prepare_all(conn, deadline_us, ret_error);
	conn->stop = NULL;
	if (!conn->ready)
		pq_close(conn);
	return pq_ready(conn);
}

void pq_drop_if_gone(struct pq_conn *conn)
{
	struct pollfd pfd;

	if (!conn->ready || clock_mono_us() - conn->used_us < PQ_FRESH_US)
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
	MUST(conn->ready && conn->cancel == NULL);
	conn->commit_doubt = false;
}

bool pq_queue(struct pq_conn *conn, const struct call *call)
{
	int formats[CALL_ARGS_MAX];

	MUST(call->nargs == call_arity(call->id));
	for (size_t i = 0; i < call->nargs; i++)
		formats[i] = call->binary[i] ? 1 : 0;
	return PQsendQueryPrepared(conn->pg, call_name(call->id), (int)call->nargs, call->values,
		       call->lengths, formats, 0) == 1;
}

/* ---- a set: arguments as arrays in PostgreSQL's binary format --------------------------------- */

/* Types of elements, as numbered in pg_type for all time. */
#define OID_BYTEA 17
#define OID_TEXT  25

static void add_int32(struct buf *out, int32_t value)
{
	uint32_t wire = htonl((uint32_t)value);

	buf_add(out, &wire, sizeof(wire));
}

/* dimensions, "has nulls", element type, length, lower bound; then each element's length and bytes.
 * Binary needs no quoting, so nothing a client sends can be mistaken for syntax. */
static void encode_array(struct buf *out, const struct call *const *calls, size_t count, size_t arg)
{
	buf_reset(out);
	add_int32(out, 1);
	add_int32(out, 1);
	add_int32(out, calls[0]->binary[arg] ? OID_BYTEA : OID_TEXT);
	add_int32(out, (int32_t)count);
	add_int32(out, 1);
	for (size_t i = 0; i < count; i++) {
		const char *value = calls[i]->values[arg];
		size_t len;

		if (value == NULL) {
			add_int32(out, -1);
			continue;
		}
		len = calls[i]->binary[arg] ? (size_t)calls[i]->lengths[arg] : strlen(value);
		add_int32(out, (int32_t)len);
		buf_add(out, value, len);
	}
}

bool pq_queue_set(struct pq_conn *conn, const struct call *const *calls, size_t count)
{
	const size_t nargs = call_arity(calls[0]->id);
	const char *values[CALL_ARGS_MAX];
	int lengths[CALL_ARGS_MAX];
	int formats[CALL_ARGS_MAX];

	for (size_t arg = 0; arg < nargs; arg++) {
		encode_array(&conn->arrays[arg], calls, count, arg);
		values[arg] = conn->arrays[arg].data;
		lengths[arg] = (int)conn->arrays[arg].len;
		formats[arg] = 1;
	}
	return PQsendQueryPrepared(conn->pg, call_set_function(calls[0]->id), (int)nargs, values,
		       lengths, formats, 0) == 1;
}

bool pq_tell(struct pq_conn *conn)
{
	return PQsendFlushRequest(conn->pg) == 1;
}

bool pq_sync(struct pq_conn *conn)
{
	return PQpipelineSync(conn->pg) == 1;
}

static struct pq_result *result_new(PGresult *pg)
{
	struct pq_result *result = mem_zero(sizeof(*result));

	result->pg = pg;
	result->owners = 1;
	return result;
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
			*ret_result = result_new(result);
		else
			PQclear(result);
		return event;
	}
	error_text(ret_error, "the pipeline ended early");
	return PQ_LOST;
}

void pq_cancel(struct pq_conn *conn)
{
	if (conn->cancel == NULL && conn->options.cancels != NULL)
		conn->cancel = cancel_ask(conn->options.cancels, conn->pg);
}

bool pq_cancel_over(struct pq_conn *conn, int64_t deadline_us)
{
	bool over = conn->cancel == NULL || cancel_wait(conn->cancel, deadline_us);

	cancel_forget(&conn->cancel);
	return over;
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
	COLUMN_ITEM,
	COLUMN_STATUS,
	COLUMN_VERSION,
	COLUMN_REPLAYED,
	COLUMN_DETAIL,
	COLUMN_BODY,
	COLUMN_COUNT,
};

size_t pq_result_rows(const struct pq_result *result)
{
	return (size_t)PQntuples(result->pg);
}

bool pq_result_row(
	const struct pq_result *result, size_t row, size_t *ret_item, struct call_row *ret_row)
{
	const PGresult *pg = result->pg;
	const int at = (int)row;

	if (row >= pq_result_rows(result) || PQnfields(pg) != COLUMN_COUNT ||
		PQgetisnull(pg, at, COLUMN_STATUS) != 0)
		return false;
	*ret_item = (size_t)strtoul(PQgetvalue(pg, at, COLUMN_ITEM), NULL, 10);
	/* An SQL null reads as "": version 0, not replayed, no detail, no body. */
	*ret_row = (struct call_row){
		.status = (int)strtol(PQgetvalue(pg, at, COLUMN_STATUS), NULL, 10),
		.version = (int)strtol(PQgetvalue(pg, at, COLUMN_VERSION), NULL, 10),
		.replayed = PQgetvalue(pg, at, COLUMN_REPLAYED)[0] == 't',
		.detail = PQgetvalue(pg, at, COLUMN_DETAIL),
		.body = PQgetvalue(pg, at, COLUMN_BODY),
		.body_len = (size_t)PQgetlength(pg, at, COLUMN_BODY),
	};
	return true;
}

struct pq_result *pq_result_share(struct pq_result *result)
{
	result->owners++;
	return result;
}

void pq_result_free(struct pq_result **ptr)
{
	struct pq_result *result = *ptr;

	*ptr = NULL;
	if (result == NULL || --result->owners > 0)
		return;
	PQclear(result->pg);
	free(result);
}
