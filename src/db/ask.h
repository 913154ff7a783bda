/*
 * One connection to PostgreSQL for a person who waits: one statement at a time, answered by rows of
 * text. The other door to libpq; the service itself goes through db/pq, which never blocks.
 *
 * A connection belongs to one thread. libpq's PG* variables are honoured.
 */
#ifndef DB_ASK_H
#define DB_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct ask;

enum ask_status {
	ASK_OK,
	ASK_REFUSED, /* the statement failed; ask_sqlstate and ask_error tell why */
	ASK_LOST,    /* there is no connection, or not any more */
};

/* The rows of one answer. */
struct ask_rows;

/* Connects; `user`, unless NULL, wins over what `conninfo` says. NULL when that fails: then `why`,
 * of `why_size` bytes, is one line. */
MUST_CHECK struct ask *ask_open(const char *conninfo, const char *user, char *why, size_t why_size);
void ask_close(struct ask **ask);

/* Runs one statement with `count` parameters, each a text or NULL. `ret_rows`, unless it is NULL,
 * becomes the caller's to free on ASK_OK, and is untouched else. */
MUST_CHECK enum ask_status ask_run(struct ask *ask, const char *sql, const char *const *values,
	size_t count, struct ask_rows **ret_rows);
/* Of the latest statement that failed: SQLSTATE ("" where libpq itself failed), and one line. Valid
 * until the next one. */
const char *ask_sqlstate(const struct ask *ask);
const char *ask_error(const struct ask *ask);

size_t ask_count(const struct ask_rows *rows);
size_t ask_columns(const struct ask_rows *rows);
const char *ask_name(const struct ask_rows *rows, size_t column);
/* A value as PostgreSQL writes it; "" for null. */
const char *ask_value(const struct ask_rows *rows, size_t row, size_t column);
bool ask_is_null(const struct ask_rows *rows, size_t row, size_t column);
void ask_free(struct ask_rows **rows);

/* Puts what `conninfo` and `user` say into libpq's environment variables, for a program to be started;
 * what has none, into a service file that it inherits. Its texts are UTF-8. False, with one line in
 * `why`, when it is no connection string, or says too much for that. */
MUST_CHECK bool ask_export(const char *conninfo, const char *user, char *why, size_t why_size);

#endif
