/* Whether a request comes from a page of this very site, by what the browser says of it. */
#include "api/origin.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool host_ends_with(const char *text, size_t len, const char *end)
{
	const size_t end_len = strlen(end);

	return len >= end_len && strncmp(text + len - end_len, end, end_len) == 0;
}

/* The length of the origin that `url` begins with: scheme and host, and the port unless it is the
 * scheme's own. 0 where it begins with none. */
static size_t origin_len(const char *url)
{
	const char *host = strstr(url, "://");
	size_t len;

	if (host == NULL || host == url || host[3] == '\0')
		return 0;
	len = (size_t)(host + 3 - url) + strcspn(host + 3, "/?#");
	if (strncasecmp(url, "http:", 5) == 0 && host_ends_with(url, len, ":80"))
		return len - 3;
	if (strncasecmp(url, "https:", 6) == 0 && host_ends_with(url, len, ":443"))
		return len - 4;
	return len;
}

static bool same_origin(const char *a, const char *b)
{
	const size_t len = origin_len(a);

	return len > 0 && len == origin_len(b) && strncasecmp(a, b, len) == 0;
}

enum origin origin_of(
	const struct request *request, const char *public_url, struct mem_arena *arena)
{
	if (request->sec_fetch_site != NULL)
		return strcmp(request->sec_fetch_site, "same-origin") == 0 ? ORIGIN_SAME
									   : ORIGIN_FOREIGN;
	if (request->origin == NULL)
		return ORIGIN_UNTOLD;
	if (same_origin(request->origin, public_url))
		return ORIGIN_SAME;
	if (request->scheme != NULL && request->host != NULL &&
		same_origin(request->origin,
			mem_arena_printf(arena, "%s://%s", request->scheme, request->host)))
		return ORIGIN_SAME;
	return ORIGIN_FOREIGN;
}
