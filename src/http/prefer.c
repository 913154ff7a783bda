/* The Prefer header of RFC 7240. */
#include "http/prefer.h"

#include <string.h>
#include <strings.h>

/* RFC 9110, section 5.6.2. */
#define TOKEN_CHARS                                                    \
	"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi" \
	"jklmnopqrstuvwxyz"

static const char *behind_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* Reads the inside and the end of a quoted string; NULL for bad syntax. */
static const char *match_quoted(const char *p, const char *wanted, bool *ret_equal)
{
	bool equal = true;

	for (; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
		equal = equal && *p == *wanted;
		if (equal)
			wanted++;
	}
	*ret_equal = equal && *wanted == '\0';
	return p + 1;
}

/* Reads a token or a quoted string, and whether it is `wanted`; NULL for bad syntax. */
static const char *read_word(const char *p, const char *wanted, bool *ret_equal)
{
	size_t len = strspn(p, TOKEN_CHARS);

	if (*p == '"')
		return match_quoted(p + 1, wanted, ret_equal);
	*ret_equal = strlen(wanted) == len && strncmp(p, wanted, len) == 0;
	return len > 0 ? p + len : NULL;
}

/* Reads NAME or NAME=WORD and the blanks after it; NULL for bad syntax. */
static const char *read_pair(
	const char *p, const char *name, const char *value, bool *ret_named, bool *ret_equal)
{
	size_t len = strspn(p, TOKEN_CHARS);

	if (len == 0)
		return NULL;
	*ret_named = strlen(name) == len && strncasecmp(p, name, len) == 0;
	*ret_equal = value[0] == '\0';
	p = behind_blanks(p + len);
	if (*p != '=')
		return p;
	p = read_word(behind_blanks(p + 1), value, ret_equal);
	return p != NULL ? behind_blanks(p) : NULL;
}

/* Passes over the parameters of a preference; NULL for bad syntax. */
static const char *skip_parameters(const char *p)
{
	bool named;
	bool equal;

	while (p != NULL && *p == ';') {
		p = behind_blanks(p + 1);
		if (*p != ';' && *p != ',' && *p != '\0')
			p = read_pair(p, "", "", &named, &equal);
	}
	return p;
}

bool prefer_has(const char *header, const char *name, const char *value)
{
	const char *p = header;
	bool named;
	bool equal;

	while (p != NULL) {
		p += strspn(p, ", \t");
		p = read_pair(p, name, value, &named, &equal);
		if (p != NULL && named)
			return equal;
		p = skip_parameters(p);
		if (p != NULL && *p != ',')
			p = NULL;
	}
	return false;
}

const char *prefer_next(const char *p, const char **ret_item, size_t *ret_len)
{
	const char *end;
	bool named;
	bool equal;

	p += strspn(p, ", \t");
	end = read_pair(p, "", "", &named, &equal);
	if (end == NULL)
		return NULL;
	*ret_item = p;
	*ret_len = (size_t)(end - p);
	while (*ret_len > 0 && strchr(" \t", p[*ret_len - 1]) != NULL)
		(*ret_len)--;
	end = skip_parameters(end);
	return end != NULL && (*end == ',' || *end == '\0') ? end : NULL;
}
