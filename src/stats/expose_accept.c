/* Which exposition format an Accept header asks for (RFC 9110, 12.5.1). */
#include "stats/expose.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* How much a media range is liked: 0 to 1000, from its `q`. Without one, all. */
static int quality(const char *range, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t blanks;

		if (range[i] != ';')
			continue;
		blanks = strspn(range + i + 1, BLANKS);
		if (i + 1 + blanks + 2 < len && strncasecmp(range + i + 1 + blanks, "q=", 2) == 0)
			return (int)(1000 * strtod(range + i + 1 + blanks + 2, NULL));
	}
	return 1000;
}

static bool names(const char *range, size_t len, const char *type)
{
	size_t type_len = strlen(type);

	return len >= type_len && strncasecmp(range, type, type_len) == 0 &&
	       (len == type_len || strchr(";" BLANKS, range[type_len]) != NULL);
}

static void raise_to(int *at, int value)
{
	if (value > *at)
		*at = value;
}

enum expose_format expose_negotiate(const char *accept)
{
	int open = 0;
	int text = 0;

	while (accept != NULL && *accept != '\0') {
		size_t len;

		accept += strspn(accept, "," BLANKS);
		len = strcspn(accept, ",");
		if (names(accept, len, "application/openmetrics-text"))
			raise_to(&open, quality(accept, len));
		else if (names(accept, len, "text/plain"))
			raise_to(&text, quality(accept, len));
		accept += len;
	}
	return open > 0 && open >= text ? EXPOSE_OPENMETRICS : EXPOSE_TEXT;
}
