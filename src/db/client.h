/*
 * One connection to PostgreSQL for a person who waits: one statement at a time, answered by rows of
 * text. The other door to libpq; the service itself goes through db/pq, which never blocks.
 *
 * A connection belongs to one thread. libpq's PG* variables are honoured.
 */
#ifndef DB_CLIENT_H
#define DB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct client;

enum client_status {
	CLIENT_OK,
	CLIENT_REFUSED, /* the statement failed; client_sqlstate and client_error tell why */
	CLIENT_LOST,    /* there is no connection, or not any more */
};

/* The rows of one answer. */
struct client_rows;

/* Connects; `user`, unless NULL, wins over what `conninfo` says. NULL when that fails: then `why`,
 * of `why_size` bytes, is one line. */
MUST_CHECK struct client *client_open(
	const char *conninfo, const char *user, char *why, size_t why_size);
void client_close(struct client **ask);

/* Runs one statement with `count` parameters, each a text or NULL. `ret_rows`, unless it is NULL,
 * becomes the caller's to free on CLIENT_OK, and is untouched else. */
MUST_CHECK enum client_status client_run(struct client *ask, const char *sql,
	const char *const *values, size_t count, struct client_rows **ret_rows);
/* Of the latest statement that failed: SQLSTATE ("" where libpq itself failed), and one line. Valid
 * until the next one. */
const char *client_sqlstate(const struct client *ask);
const char *client_error(const struct client *ask);

size_t client_count(const struct client_rows *rows);
size_t client_columns(const struct client_rows *rows);
const char *client_name(const struct client_rows *rows, size_t column);
/* A value as PostgreSQL writes it; "" for null. */
const char *client_value(const struct client_rows *rows, size_t row, size_t column);
bool client_is_null(const struct client_rows *rows, size_t row, size_t column);
void client_free(struct client_rows **rows);

/* Puts what `conninfo` and `user` say into libpq's environment variables, for a program to be started;
 * what has none, into a service file that it inherits. Its texts are UTF-8. False, with one line in
 * `why`, when it is no connection string, or says too much for that. */
MUST_CHECK bool client_export(const char *conninfo, const char *user, char *why, size_t why_size);

#endif
