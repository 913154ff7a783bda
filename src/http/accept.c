/* The media ranges of an Accept header. */
#include "http/accept.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t"

/* "1", "0", or "0." and up to three digits. */
static int thousandths(const char *text)
{
	int value = 0;

	if (text[0] == '1')
		return 1000;
	if (text[0] != '0' || text[1] != '.')
		return 0;
	text += 2;
	for (int unit = 100; unit > 0 && *text >= '0' && *text <= '9'; unit /= 10)
		value += unit * (*text++ - '0');
	return value;
}

/* The value of a parameter; NULL where there is none of that name. */
static const char *param(const struct accept_range *range, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < range->params_len; i++) {
		const char *at = range->params + i + 1;

		if (range->params[i] != ';')
			continue;
		at += strspn(at, BLANKS);
		if (strncasecmp(at, name, len) == 0 && at[len] == '=')
			return at + len + 1;
	}
	return NULL;
}

bool accept_next(const char **at, struct accept_range *ret)
{
	const char *range = *at + strspn(*at, "," BLANKS);
	const size_t len = strcspn(range, ",");
	const char *quality;

	*at = range + len;
	if (len == 0)
		return false;
	ret->type = range;
	ret->type_len = strcspn(range, ",;" BLANKS);
	ret->params = range + ret->type_len;
	ret->params_len = len - ret->type_len;
	quality = param(ret, "q");
	ret->quality = quality != NULL ? thousandths(quality) : 1000;
	return true;
}

bool accept_is(const struct accept_range *range, const char *type)
{
	return strlen(type) == range->type_len &&
	       strncasecmp(range->type, type, range->type_len) == 0;
}

bool accept_has(const struct accept_range *range, const char *name)
{
	return param(range, name) != NULL;
}
