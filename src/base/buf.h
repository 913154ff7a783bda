/*
 * A growable byte buffer, always NUL-terminated once something was added.
 *
 * Zero-initialised is empty and ready. Not thread-safe. Out of memory aborts (see mem.h), so
 * nothing here fails.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct buf {
	char *data; /* NULL while nothing was ever added */
	size_t len; /* bytes in use, without the terminating NUL */
	size_t cap;
	bool secret; /* leaves nothing of what it held in memory that it gives back */
};

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_str(struct buf *buf, const char *s);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The contents as a C string; "" for an empty buffer. Valid until the next change. */
const char *buf_cstr(const struct buf *buf);
/* Empties the buffer and keeps its memory. */
void buf_reset(struct buf *buf);
/* Empties the buffer and returns its memory; whether it is secret it remembers. */
void buf_free(struct buf *buf);

#endif
