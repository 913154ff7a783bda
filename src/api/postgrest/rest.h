/*
 * What all requests of the REST face share: profiles, Accept, Prefer, refusals, and how rows are
 * answered. The face is that of PostgREST, so that clients which were made for it need no change.
 */
#ifndef API_POSTGREST_REST_H
#define API_POSTGREST_REST_H

#include "api/exchange.h"
#include "api/postgrest/errors.h"

enum rest_form {
	REST_FORM_ARRAY,
	REST_FORM_ROW,  /* the only row by itself */
	REST_FORM_NONE, /* nothing that is asked for can be served */
};

/* What an Accept header (NULL: there is none) asks for. Pure. */
enum rest_form rest_form(const char *accept);

/* Refuses the request, once its session was found to be there. `details` and `hint` may be NULL. */
enum step rest_refuse(struct exchange *x, enum postgrest_error id, const char *details,
	const char *hint, const char *message_fmt, ...) PRINTF_LIKE(5, 6);
/* PostgREST's face: its own words for paths and methods, which clients know, and its shape for all else. */
extern const struct face rest_face;

/* The schema that the request speaks of. */
const char *rest_schema(const struct exchange *x);

/*
 * Reads profile, query, Accept and Prefer into a view for the database. False: it was refused, and
 * *ret_step is to be returned. `scalar`: the answer is no row, of which nothing can be chosen.
 */
MUST_CHECK bool rest_view(
	struct exchange *x, bool scalar, const char **ret_view, enum step *ret_step);

/* The second half of every handler: rows, what was raised, or exchange_common. */
enum step rest_answer(struct exchange *x);

#endif
