/* A growable byte buffer. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST_BYTES 256

/* Into new memory, so that the old can be wiped: realloc() may leave it as it is. */
static void move_secret(struct buf *buf, size_t cap)
{
	char *data = mem_resize(NULL, cap);

	if (buf->data != NULL) {
		memcpy(data, buf->data, buf->len + 1);
		explicit_bzero(buf->data, buf->cap);
	}
	free(buf->data);
	buf->data = data;
}

static void buf_reserve(struct buf *buf, size_t more)
{
	size_t cap = buf->cap != 0 ? buf->cap : BUF_FIRST_BYTES;

	MUST(more < SIZE_MAX / 4);
	if (buf->len + more + 1 <= buf->cap)
		return;
	while (cap < buf->len + more + 1)
		cap *= 2;
	if (buf->secret)
		move_secret(buf, cap);
	else
		buf->data = mem_resize(buf->data, cap);
	buf->cap = cap;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
	buf_reserve(buf, len);
	if (len > 0)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

void buf_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	MUST(len >= 0);
	buf_reserve(buf, (size_t)len);
	va_start(ap, fmt);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)len;
}

const char *buf_cstr(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void buf_free(struct buf *buf)
{
	if (buf->secret && buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	free(buf->data);
	*buf = (struct buf){.secret = buf->secret};
}
