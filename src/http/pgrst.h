/*
 * Refusals as PostgREST words them, for clients that were made for it: `code`, `message`, `details`
 * and `hint`, each a text or null.
 *
 * What PostgREST has no code for goes by the name of the problem that it is elsewhere.
 */
#ifndef HTTP_PGRST_H
#define HTTP_PGRST_H

#include "http/problem.h"
#include "http/reply.h"

enum pgrst_id {
#define PGRST(id, code, status) PGRST_##id,
#include "http/pgrst.def"
#undef PGRST
};

/* Makes `reply` that refusal. `details` and `hint` may be NULL. */
void pgrst_reply(struct reply *reply, enum pgrst_id id, const char *details, const char *hint,
	const char *message_fmt, ...) PRINTF_LIKE(5, 6);

/* Makes `reply` what `id` is here: its status and headers, `detail` as the message. */
void pgrst_problem(struct reply *reply, enum problem_id id, const char *detail);

/* The status for a code that SQL raised: what the list says, else 400. */
int pgrst_status(const char *code);

#endif
