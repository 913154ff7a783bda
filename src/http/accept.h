/*
 * The media ranges of an Accept header (RFC 9110, sections 12.4.2 and 12.5.1), one after the other.
 *
 * Pure, thread-safe. What is read points into the header.
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct accept_range {
	const char *type; /* as it was written: "text/plain" */
	size_t type_len;
	const char *params; /* what stands behind it, from the first ';' on */
	size_t params_len;
	int quality; /* in thousandths; 1000 where it names none, 0 where that is no number */
};

/* The next range at *at, which moves behind it; false at the end. */
MUST_CHECK bool accept_next(const char **at, struct accept_range *ret);

/* Whether it is of exactly that type. */
bool accept_is(const struct accept_range *range, const char *type);
/* Whether it has a parameter of that name. */
bool accept_has(const struct accept_range *range, const char *name);

#endif
