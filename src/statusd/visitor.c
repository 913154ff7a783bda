/* Who may see the status pages. */
#include "statusd/visitor.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/place.h"

#define BLANKS   " \t"
#define HOST_MAX 255

/* The name alone, without its port and the brackets of IPv6. False for what is too long for one. */
static bool bare_name(const char *host, char name[HOST_MAX + 1])
{
	const bool bracketed = host[0] == '[';
	const char *start = host + bracketed;
	const size_t len = strcspn(start, bracketed ? "]" : ":");

	if (len > HOST_MAX)
		return false;
	memcpy(name, start, len);
	name[len] = '\0';
	return true;
}

static bool is_listed(const char *hosts, const char *name)
{
	const size_t wanted = strlen(name);

	for (hosts += strspn(hosts, BLANKS); *hosts != '\0'; hosts += strspn(hosts, BLANKS)) {
		const size_t len = strcspn(hosts, BLANKS);

		if (len == wanted && strncasecmp(hosts, name, len) == 0)
			return true;
		hosts += len;
	}
	return false;
}

static bool is_ours(const char *host, const char *hosts)
{
	char name[HOST_MAX + 1];

	if (!bare_name(host, name))
		return false;
	return strcasecmp(name, "localhost") == 0 || place_is_local(name) || is_listed(hosts, name);
}

/* Where nginx was told of the proxy, the address is that for which it speaks. */
static bool is_undeclared(const struct request *request)
{
	return request->forwarded && (request->peer == NULL || request->remote_address == NULL ||
					     strcmp(request->peer, request->remote_address) == 0);
}

enum visitor visitor_judge(const struct request *request, const char *hosts)
{
	if (request->host != NULL && !is_ours(request->host, hosts))
		return VISITOR_MISDIRECTED;
	return is_undeclared(request) ? VISITOR_PROXIED : VISITOR_WELCOME;
}
