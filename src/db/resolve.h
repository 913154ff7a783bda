/*
 * The resolver: looks names up by getaddrinfo, in threads that may hang in it.
 *
 * A name server that is silent holds whoever asks for 5 seconds and more, and nothing can call it off.
 * So each name has a thread while it is looked up, never more than one, and whoever waits for it
 * waits no longer than he likes. There are thus no more threads than names in a configuration.
 *
 * Thread-safe. One resolver serves a process.
 */
#ifndef DB_RESOLVE_H
#define DB_RESOLVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

#define RESOLVE_ADDRESSES 16 /* of one name; what is beyond is not tried */
#define RESOLVE_TEXT      64 /* an address as text, with a scope, and its NUL */

struct resolver;

struct addresses {
	size_t count;
	char text[RESOLVE_ADDRESSES][RESOLVE_TEXT];
};

MUST_CHECK struct resolver *resolver_new(void);
/* What hangs is left to the process's end, together with the resolver. Nobody may be waiting. */
void resolver_free(struct resolver **resolver);

/* The addresses of `name`, which may be one already. Waits until deadline_us (monotonic) at most, and
 * not when *stop becomes true. False with one line in `why`, of `why_size` bytes. */
MUST_CHECK bool resolver_ask(struct resolver *resolver, const char *name, int64_t deadline_us,
	const atomic_bool *stop, struct addresses *ret, char *why, size_t why_size);

#endif
