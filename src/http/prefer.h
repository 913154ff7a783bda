/*
 * The Prefer header of RFC 7240. Pure, thread-safe.
 *
 * A preference is a wish: what is malformed or unknown is passed over, never refused.
 */
#ifndef HTTP_PREFER_H
#define HTTP_PREFER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether `header` (NULL: there is none) prefers `name` with `value` ("" for none). Names are
 * compared without regard to case, values with it. Of a preference named twice the first counts; of
 * a header that is malformed, what stands before the fault.
 */
bool prefer_has(const char *header, const char *name, const char *value);

/*
 * The preferences one by one, in their order: where that at `p` begins, and how long it is, its
 * value included and its parameters not. Returns where the next one is to be looked for; NULL at the
 * end and where the header is malformed.
 */
const char *prefer_next(const char *p, const char **ret_item, size_t *ret_len);

#endif
