/*
 * What an error of PostgreSQL means for a request: pure, table-driven, no libpq.
 *
 * The table is catalog/sqlstates.def: an exact SQLSTATE first, else its two-character class, else
 * SQLSTATE_FAILED.
 */
#ifndef DB_SQLSTATE_H
#define DB_SQLSTATE_H

#include <stdbool.h>

enum sqlstate_class {
	SQLSTATE_TRANSIENT, /* rolled back by chance of timing: deadlock, serialization, lock timeout */
	SQLSTATE_UNAVAILABLE, /* the server takes no connection now: nothing was sent */
	SQLSTATE_LOST,        /* the connection went after something was sent: outcome unknown */
	SQLSTATE_STALE,       /* the connection's prepared plans are out of date: a migration ran */
	SQLSTATE_READ_ONLY,   /* a standby: reconnect to the primary */
	SQLSTATE_TAKEN,       /* unique violation */
	SQLSTATE_OVERRUN,     /* cancelled, by us or by the server's limit: it took too long */
	SQLSTATE_NO_ACCOUNT,  /* the user is gone: foreign key to users */
	SQLSTATE_INPUT,       /* the caller's mistake, that validation should have caught */
	SQLSTATE_FAILED,      /* anything else: rolled back, and somebody should look */
};

/*
 * `code` is the five-character SQLSTATE, or "" where libpq had none: with a broken connection that
 * is SQLSTATE_LOST. `constraint` (may be NULL) is the violated constraint's name, `message` (may be
 * NULL) the primary text, needed to tell "cache lookup failed" from other internal errors.
 */
enum sqlstate_class sqlstate_class(
	const char *code, const char *constraint, const char *message, bool conn_ok);

const char *sqlstate_class_name(enum sqlstate_class class);

/* What it means that a connection was refused for this, for people; NULL where the table
 * (catalog/refusals.def) has no words for it. */
const char *sqlstate_refusal(const char *code);

#endif
