/*
 * Refusals as PostgREST words them, for clients that were made for it: `code`, `message`, `details`
 * and `hint`, each a text or null.
 *
 * What PostgREST has no code for goes by the name of the problem that it is elsewhere.
 */
#ifndef API_POSTGREST_ERRORS_H
#define API_POSTGREST_ERRORS_H

#include "http/problem.h"
#include "http/reply.h"

enum postgrest_error {
#define POSTGREST(id, code, status) POSTGREST_##id,
#include "api/postgrest/errors.def"
#undef POSTGREST
};

/* Makes `reply` that refusal. `details` and `hint` may be NULL. */
void postgrest_reply(struct reply *reply, enum postgrest_error id, const char *details,
	const char *hint, const char *message_fmt, ...) PRINTF_LIKE(5, 6);

/* Makes `reply` what `id` is here: its status and headers, `detail` as the message. */
void postgrest_problem(struct reply *reply, enum problem_id id, const char *detail);

/* The status for a code that SQL raised: what the list says, else 400. */
int postgrest_status(const char *code);

#endif
