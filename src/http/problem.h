/*
 * Refusals as RFC 9457 problem details, with the two members that older clients read.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "base/buf.h"
#include "http/reply.h"

enum problem_id {
#define PROBLEM(id, name, status, title, error, when) PROBLEM_##id,
#include "catalog/problems.def"
#undef PROBLEM
	PROBLEM_COUNT,
};

int problem_status(enum problem_id id);
/* The last part of its type. */
const char *problem_name(enum problem_id id);

/*
 * Makes `reply` that problem: type, title, status, detail, instance, error, message; and what its
 * status demands: WWW-Authenticate with 401, Retry-After: 1 with 429, 503 and 504.
 * `members` is NULL, or the text of a JSON object whose members are added (`{"errors":[...]}`).
 * `request_id` is the 36-character form.
 */
void problem_reply(struct reply *reply, enum problem_id id, const char *request_id,
	const char *members, const char *detail_fmt, ...) PRINTF_LIKE(5, 6);

/* Adds what a status demands: WWW-Authenticate with 401, Retry-After: 1 with 429, 503 and 504. */
void problem_headers(struct reply *reply, int status);
/* How much of `text`, valid UTF-8, fits into `most` bytes without parting a letter. */
size_t problem_cut(const char *text, size_t most);
/* Cuts what is not whole UTF-8 off the end: a text that was too long may end inside a letter. */
void problem_trim(char *text);

#define PROBLEM_NAME_BYTES 100 /* of a field's name, which may be any that a client made up */

/* Appends {"field":...,"message":...} to an `errors` list under construction, with a comma where
 * one is due. A name that is longer than PROBLEM_NAME_BYTES is cut. */
void problem_field(struct buf *errors, const char *field, const char *message);

#endif
