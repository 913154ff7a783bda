/*
 * Heap memory that is there or the process is not.
 *
 * Running out of memory is not an answer a request could be given: the process aborts, the
 * requests in flight answer 503 or 504, and the service starts anew (crash-only). So no caller has
 * a failure path that no test would ever walk.
 *
 * mem_arena is a bump allocator for what lives exactly as long as one request: many small pieces,
 * one release. It is not thread-safe; its owner is whoever holds the request.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/must.h"

/* Zeroed memory of `size` bytes; free() gives it back. Never NULL. */
MUST_CHECK void *mem_zero(size_t size);
/* As realloc, never NULL for size > 0. */
MUST_CHECK void *mem_resize(void *old, size_t size);
/* A copy of `s` for free(). */
MUST_CHECK char *mem_strdup(const char *s);

struct mem_chunk;

struct mem_arena {
	struct mem_chunk *chunks; /* newest first */
};

/* Uninitialised memory, aligned for any type, that lives until mem_arena_free. */
MUST_CHECK void *mem_arena_alloc(struct mem_arena *arena, size_t size);
/* A NUL-terminated copy of `len` bytes. */
MUST_CHECK char *mem_arena_copy(struct mem_arena *arena, const char *s, size_t len);
MUST_CHECK char *mem_arena_printf(struct mem_arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Wipes and releases everything, as a request may hold a password or a token; the arena is empty and
 * usable again. */
void mem_arena_free(struct mem_arena *arena);

#endif
