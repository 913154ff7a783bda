/* The session cookie: the token of a browser, kept where its scripts cannot read it. */
#include "api/cookie.h"

#include <string.h>
#include <strings.h>

#define ANY_HOST  "ck_session"
#define HOST_ONLY "__Host-ck_session"

/* A cookie's value may stand in quotes, which are no part of it. */
static void unquote(const char **value, size_t *len)
{
	if (*len >= 2 && (*value)[0] == '"' && (*value)[*len - 1] == '"') {
		(*value)++;
		*len -= 2;
	}
}

/* Whether the `len` bytes at `pair` are that cookie; *value and *value_len are then its value. */
static bool is_named(
	const char *pair, size_t len, const char *name, const char **value, size_t *value_len)
{
	const size_t name_len = strlen(name);

	while (len > 0 && (pair[len - 1] == ' ' || pair[len - 1] == '\t'))
		len--;
	if (len <= name_len || strncmp(pair, name, name_len) != 0 || pair[name_len] != '=')
		return false;
	*value = pair + name_len + 1;
	*value_len = len - name_len - 1;
	unquote(value, value_len);
	return true;
}

/* A cookie's values in a header: none, one, or some that differ. */
struct found {
	const char *value;
	size_t len;
	bool differ;
};

static struct found find(const char *header, const char *name)
{
	struct found found = {0};

	while (header != NULL && *header != '\0') {
		const char *value;
		size_t value_len;
		size_t len;

		header += strspn(header, "; \t");
		len = strcspn(header, ";");
		if (is_named(header, len, name, &value, &value_len)) {
			if (found.value != NULL &&
				(found.len != value_len ||
					memcmp(found.value, value, value_len) != 0))
				found.differ = true;
			found.value = value;
			found.len = value_len;
		}
		header += len;
	}
	return found;
}

const char *cookie_value(const char *header, struct mem_arena *arena, bool *ret_host_only)
{
	struct found found = find(header, HOST_ONLY);

	*ret_host_only = found.value != NULL;
	if (found.value == NULL)
		found = find(header, ANY_HOST);
	if (found.value == NULL || found.differ)
		return NULL;
	return mem_arena_copy(arena, found.value, found.len);
}

/* Over HTTPS, which nginx sees, or whoever stands before it and is what public_url names. */
static bool over_https(const struct exchange *x)
{
	const char *scheme = x->request.scheme;

	return (scheme != NULL && strcmp(scheme, "https") == 0) ||
	       strncasecmp(x->conf->public_url, "https://", 8) == 0;
}

static void put_cookie(
	struct exchange *x, const char *name, const char *value, long max_age_s, bool https)
{
	reply_header(&x->reply, "Set-Cookie",
		"%s=%s; Path=/; Max-Age=%ld; HttpOnly; SameSite=Strict%s", name, value, max_age_s,
		https ? "; Secure" : "");
}

void cookie_set(struct exchange *x, const char *token)
{
	const bool https = over_https(x);

	put_cookie(x, https ? HOST_ONLY : ANY_HOST, token, x->conf->session_lifetime_hours * 3600,
		https);
}

/* By the name that it came with; one for this host alone is only given up by what is Secure. */
void cookie_clear(struct exchange *x)
{
	if (x->by_cookie)
		put_cookie(x, x->host_only ? HOST_ONLY : ANY_HOST, "", 0,
			x->host_only || over_https(x));
}
