/* What libpq says of an error: its first line. What follows there is a hint, or where in the statement it was. */
#ifndef DB_MESSAGE_H
#define DB_MESSAGE_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The first line of `text`, cut to fit. */
static inline void message_line(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

#endif
