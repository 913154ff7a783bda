/* One connection to PostgreSQL for a person who waits. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include "db/client.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "db/message.h"

struct client {
	PGconn *pg;
	char sqlstate[6];
	char error[512];
};

struct client_rows {
	PGresult *pg;
};

/* ---- connecting ------------------------------------------------------------------------------ */

/* What comes later wins, so the string may name everything but the user, and that texts are UTF-8,
 * whatever role, database and environment say. */
static PGconn *connect_as(const char *conninfo, const char *user)
{
	const char *keywords[] = {"fallback_application_name", "connect_timeout",
		"target_session_attrs", "dbname", "client_encoding", "user", NULL};
	const char *values[] = {"cardkeep", "10", "read-write", conninfo, "UTF8", user, NULL};

	if (user == NULL)
		keywords[5] = NULL;
	return PQconnectdbParams(keywords, values, 1);
}

struct client *client_open(const char *conninfo, const char *user, char *why, size_t why_size)
{
	PGconn *pg = connect_as(conninfo, user);
	struct client *ask;

	if (PQstatus(pg) != CONNECTION_OK) {
		message_line(why, why_size, pg != NULL ? PQerrorMessage(pg) : "out of memory");
		PQfinish(pg);
		return NULL;
	}
	ask = mem_zero(sizeof(*ask));
	ask->pg = pg;
	return ask;
}

void client_close(struct client **ask)
{
	if (*ask == NULL)
		return;
	PQfinish((*ask)->pg);
	free(*ask);
	*ask = NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void remember_error(struct client *ask, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	snprintf(ask->sqlstate, sizeof(ask->sqlstate), "%s", state != NULL ? state : "");
	message_line(ask->error, sizeof(ask->error),
		message != NULL ? message : PQerrorMessage(ask->pg));
}

enum client_status client_run(struct client *ask, const char *sql, const char *const *values,
	size_t count, struct client_rows **ret_rows)
{
	PGresult *result = PQexecParams(ask->pg, sql, (int)count, NULL, values, NULL, NULL, 0);
	const ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		remember_error(ask, result);
		PQclear(result);
		return PQstatus(ask->pg) == CONNECTION_OK ? CLIENT_REFUSED : CLIENT_LOST;
	}
	if (ret_rows != NULL) {
		*ret_rows = mem_zero(sizeof(**ret_rows));
		(*ret_rows)->pg = result;
	} else {
		PQclear(result);
	}
	return CLIENT_OK;
}

const char *client_sqlstate(const struct client *ask)
{
	return ask->sqlstate;
}

const char *client_error(const struct client *ask)
{
	return ask->error;
}

/* ---- rows ------------------------------------------------------------------------------------ */

size_t client_count(const struct client_rows *rows)
{
	return (size_t)PQntuples(rows->pg);
}

size_t client_columns(const struct client_rows *rows)
{
	return (size_t)PQnfields(rows->pg);
}

const char *client_name(const struct client_rows *rows, size_t column)
{
	return PQfname(rows->pg, (int)column);
}

const char *client_value(const struct client_rows *rows, size_t row, size_t column)
{
	return PQgetvalue(rows->pg, (int)row, (int)column);
}

bool client_is_null(const struct client_rows *rows, size_t row, size_t column)
{
	return PQgetisnull(rows->pg, (int)row, (int)column) == 1;
}

void client_free(struct client_rows **rows)
{
	if (*rows == NULL)
		return;
	PQclear((*rows)->pg);
	free(*rows);
	*rows = NULL;
}

/* ---- for another program --------------------------------------------------------------------- */

/* What is given but has no variable, as lines of a service file. */
struct rest {
	struct buf lines;
	const char *first; /* the keyword of one of them, or NULL */
};

static bool export_one(const PQconninfoOption *option, const char *user, struct rest *rest)
{
	const bool is_user = strcmp(option->keyword, "user") == 0;
	const char *value = is_user && user != NULL ? user : option->val;

	if (value == NULL)
		return true;
	if (option->envvar != NULL)
		return setenv(option->envvar, value, 1) == 0;
	buf_printf(&rest->lines, "%s=%s\n", option->keyword, value);
	rest->first = option->keyword;
	return true;
}

/* A file without a name, which goes with the last process that has it open: what a service file says may
 * be a secret. The program to be started finds it under the same number. */
static bool export_service(const struct buf *lines)
{
	const int fd = memfd_create("pg_service.conf", 0);
	char path[64];

	if (fd < 0 || write(fd, lines->data, lines->len) != (ssize_t)lines->len)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return setenv("PGSERVICEFILE", path, 1) == 0 && setenv("PGSERVICE", "cardkeep", 1) == 0;
}

static bool export_rest(const struct rest *rest, char *why, size_t why_size)
{
	struct buf file = {0};
	bool done;

	if (rest->first == NULL)
		return true;
	if (getenv("PGSERVICE") != NULL) {
		snprintf(why, why_size,
			"%s has no variable: say it in the service's file, where a "
			"service is named",
			rest->first);
		return false;
	}
	buf_printf(&file, "[cardkeep]\n%s", buf_cstr(&rest->lines));
	done = export_service(&file);
	if (!done)
		snprintf(why, why_size, "%s cannot be passed on: %s", rest->first, strerror(errno));
	buf_free(&file);
	return done;
}

bool client_export(const char *conninfo, const char *user, char *why, size_t why_size)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &error);
	struct rest rest = {0};
	bool done = options != NULL;

	if (options == NULL)
		message_line(why, why_size, error != NULL ? error : "out of memory");
	for (const PQconninfoOption *o = options; done && o->keyword != NULL; o++) {
		done = export_one(o, user, &rest);
		if (!done)
			snprintf(why, why_size, "%s: %s", o->envvar, strerror(errno));
	}
	done = done && setenv("PGCLIENTENCODING", "UTF8", 1) == 0 &&
	       export_rest(&rest, why, why_size);
	buf_free(&rest.lines);
	PQfreemem(error);
	PQconninfoFree(options);
	return done;
}
