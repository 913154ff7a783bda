/* Which exposition format an Accept header asks for (RFC 9110, 12.5.1). */
#include "statusd/negotiate.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* A qvalue in thousandths: "1", "0", or "0." and up to three digits; anything else is no liking. */
static int qvalue(const char *text)
{
	int thousandths = 0;
	int digit = 100;

	if (text[0] == '1')
		return 1000;
	if (text[0] != '0' || text[1] != '.')
		return 0;
	for (const char *c = text + 2; digit > 0 && *c >= '0' && *c <= '9'; c++, digit /= 10)
		thousandths += (*c - '0') * digit;
	return thousandths;
}

/* How much a media range is liked, from its `q`; without one, wholly. */
static int quality(const char *range, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *parameter = range + i + 1;

		if (range[i] != ';')
			continue;
		parameter += strspn(parameter, BLANKS);
		if (strncasecmp(parameter, "q=", 2) == 0)
			return qvalue(parameter + 2);
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

enum prometheus_format negotiate_metrics(const char *accept)
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
	return open > 0 && open >= text ? PROMETHEUS_OPENMETRICS : PROMETHEUS_TEXT;
}
