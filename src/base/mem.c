/* Heap memory that is there or the process is not; see mem.h for why. */
#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 4096

struct mem_chunk {
	struct mem_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

void *mem_zero(size_t size)
{
	void *p = calloc(1, size);

	MUST(p != NULL);
	return p;
}

void *mem_resize(void *old, size_t size)
{
	void *p = realloc(old, size);

	MUST(p != NULL);
	return p;
}

char *mem_strdup(const char *s)
{
	char *copy = strdup(s);

	MUST(copy != NULL);
	return copy;
}

static struct mem_chunk *chunk_new(struct mem_chunk *next, size_t wanted)
{
	size_t size = wanted > CHUNK_BYTES ? wanted : CHUNK_BYTES;
	struct mem_chunk *chunk = malloc(sizeof(*chunk) + size);

	MUST(chunk != NULL);
	chunk->next = next;
	chunk->used = 0;
	chunk->size = size;
	return chunk;
}

void *mem_arena_alloc(struct mem_arena *arena, size_t size)
{
	size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct mem_chunk *chunk = arena->chunks;
	void *p;

	if (chunk == NULL || chunk->size - chunk->used < rounded)
		arena->chunks = chunk = chunk_new(arena->chunks, rounded);
	p = chunk->data + chunk->used;
	chunk->used += rounded;
	return p;
}

char *mem_arena_copy(struct mem_arena *arena, const char *s, size_t len)
{
	char *copy = mem_arena_alloc(arena, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *mem_arena_printf(struct mem_arena *arena, const char *fmt, ...)
{
	va_list ap;
	va_list again;
	int len;
	char *out;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	MUST(len >= 0);
	out = mem_arena_alloc(arena, (size_t)len + 1);
	vsnprintf(out, (size_t)len + 1, fmt, again);
	va_end(again);
	return out;
}

void mem_arena_free(struct mem_arena *arena)
{
	while (arena->chunks != NULL) {
		struct mem_chunk *next = arena->chunks->next;

		explicit_bzero(arena->chunks->data, arena->chunks->used);
		free(arena->chunks);
		arena->chunks = next;
	}
}
