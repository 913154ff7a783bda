/* Origins as an operator lists them: those whose pages may use the service besides its own. */
#include "base/origins.h"

#include <stddef.h>
#include <string.h>

#define BLANKS    " \t"
#define DIGITS    "0123456789"
#define NAME_CHAR "abcdefghijklmnopqrstuvwxyz0123456789.-_"
#define IPV6_CHAR "abcdef0123456789:."
#define PORT_MAX  65535
#define HOST_MAX  253 /* of a name (RFC 1035); what an answer's header holds is more */

/* Moves *list to its next item, whose length it returns; 0 at the end. */
static size_t next_item(const char **list)
{
	*list += strspn(*list, BLANKS);
	return strcspn(*list, BLANKS);
}

static size_t scheme_len(const char *text)
{
	if (strncmp(text, "https://", 8) == 0)
		return 8;
	return strncmp(text, "http://", 7) == 0 ? 7 : 0;
}

static size_t host_len(const char *text)
{
	size_t len;

	if (text[0] != '[') {
		len = text[0] == '.' || text[0] == '-' ? 0 : strspn(text, NAME_CHAR);
	} else {
		len = strspn(text + 1, IPV6_CHAR);
		len = len > 0 && text[1 + len] == ']' ? len + 2 : 0;
	}
	return len <= HOST_MAX ? len : 0;
}

/* A port as browsers write it: without leading zeros, and never the scheme's own. */
static bool port_valid(const char *text, size_t len, long own)
{
	long port = 0;

	if (len == 0 || len > 5 || strspn(text, DIGITS) < len || text[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++)
		port = port * 10 + (text[i] - '0');
	return port <= PORT_MAX && port != own;
}

static bool origin_valid(const char *text, size_t len)
{
	const size_t scheme = scheme_len(text);
	const size_t host = scheme > 0 ? host_len(text + scheme) : 0;
	const size_t end = scheme + host;

	if (host == 0 || end > len)
		return false;
	if (end == len)
		return true;
	return text[end] == ':' &&
	       port_valid(text + end + 1, len - end - 1, scheme == strlen("https://") ? 443 : 80);
}

bool origins_valid(const char *list)
{
	size_t len;

	while ((len = next_item(&list)) > 0) {
		if (!origin_valid(list, len))
			return false;
		list += len;
	}
	return true;
}

bool origins_have(const char *list, const char *origin)
{
	const size_t wanted = strlen(origin);
	size_t len;

	while ((len = next_item(&list)) > 0) {
		if (len == wanted && memcmp(list, origin, len) == 0)
			return true;
		list += len;
	}
	return false;
}
