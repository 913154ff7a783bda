/*
 * A call: one stored-function call planned for one request, and the row that answered it.
 *
 * Handlers fill a call; worker/loop has it carried out. The values of arguments are borrowed: they
 * must live until the call is done (the request's arena is the place). Not thread-safe; owned by
 * whoever holds the request.
 */
#ifndef DB_CALL_H
#define DB_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/uuid.h"

#define CALL_ARGS_MAX 12

enum call_id {
#define CALL(id, kind, cost, counts, function, args, nargs) CALL_##id,
#include "catalog/calls.def"
	CALL_COUNT,
};

enum call_kind {
	CALL_READ,  /* changes nothing: may be repeated at will */
	CALL_WRITE, /* carries a write id: applied at most once however often it is sent */
	CALL_CHORE, /* the service's own, between waves: twice is as good as once */
};

/* What it may cost the database, and so how it travels. */
enum call_cost {
	CALL_HOT,  /* a look-up or two: with others, in waves */
	CALL_SLOW, /* may take long: alone, by the slow lane */
};

/* What its row is to the metrics, apart from an answer. */
enum call_counts {
	CALL_COUNTS_NOTHING,
	CALL_COUNTS_CARD, /* a change of one, or a conflict; likewise the profiles */
	CALL_COUNTS_PERSONAL,
	CALL_COUNTS_PROFESSIONAL,
	CALL_COUNTS_CREATION, /* of a card */
	CALL_COUNTS_RPC_CREATION,
	CALL_COUNTS_SESSION,
};

/* A HOT call with more bytes of arguments than this is taken for a SLOW one. */
#define CALL_HOT_BYTES (16 * 1024)

/* Statuses of an answer that never leave the service; all others are HTTP's own. */
#define CALL_STATUS_BUSY 423 /* somebody holds the row or key now; nothing was done */

/* Details that mean the same for every call. */
#define CALL_DETAIL_KEY_BUSY   "key_busy"   /* of 423: somebody holds the Idempotency-Key */
#define CALL_DETAIL_KEY_REUSED "key_reused" /* of 422: it was spent on another request */
#define CALL_DETAIL_QUOTA      "quota" /* of 422, and 429 for `version` seconds: the body says which */
#define CALL_DETAIL_OVER       "over" /* of CHECK_SESSION's 401: the token was good once */

/* The row that answered: cardkeep_api.answer. Valid until call_release. */
struct call_row {
	int status;         /* as HTTP's, or CALL_STATUS_BUSY */
	int version;        /* of the entity now; 0 where there is none */
	bool replayed;      /* this write had been applied before; the row is its first answer */
	const char *detail; /* a short word for the handler, or a cursor; "" when there is none */
	const char *body;   /* JSON text; "" when there is none */
	size_t body_len;
};

struct pq_result;

struct call {
	enum call_id id;
	size_t nargs;
	const char *values[CALL_ARGS_MAX]; /* NULL is SQL's null */
	int lengths[CALL_ARGS_MAX];        /* of binary values */
	bool binary[CALL_ARGS_MAX];
	struct call_row row; /* filled when the outcome is OUTCOME_COMMITTED */
	/* What `row` points into, and how to give it back; kept by db/wave. */
	struct pq_result *result;
	void (*result_free)(struct pq_result **result);
};

/* Starts a call anew; an earlier row is released. */
void call_start(struct call *call, enum call_id id);
/* Arguments, in order. `value` is borrowed and may be NULL. */
void call_text(struct call *call, const char *value);
void call_bytes(struct call *call, const void *value, size_t len);
/* These write the text of the value into `arena`. */
void call_uuid(struct call *call, struct mem_arena *arena, const struct uuid *value);
void call_integer(struct call *call, struct mem_arena *arena, int64_t value);
/* Releases the row. Safe on a zeroed or released call. */
void call_release(struct call *call);

/* Its name, which is that of its function unless that serves several calls; the text of its statement;
 * its kind. */
const char *call_name(enum call_id id);
const char *call_statement(enum call_id id);
enum call_kind call_kind(enum call_id id);
enum call_cost call_cost(enum call_id id);
enum call_counts call_counts(enum call_id id);
/* Whether the call may add to what is kept: a WRITE that neither deletes, nor signs in, nor takes a new
 * password in the place of one that may be known to others. */
bool call_adds(enum call_id id);
size_t call_arity(enum call_id id);

/* Bytes of the arguments that the call has so far. */
size_t call_size(const struct call *call);
/* Whether the call is to go alone, by the slow lane: for what it is, or for its size. */
bool call_is_slow(const struct call *call);

/* The set-wise form: NULL where there is none. */
const char *call_set_function(enum call_id id);
const char *call_set_statement(enum call_id id);

#endif
