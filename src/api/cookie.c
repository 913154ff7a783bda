/* The session cookie: the token of a browser, kept where its scripts cannot read it. */
#include "api/cookie.h"

#include <string.h>
#include <strings.h>

#define COOKIE_NAME "ck_session"

/* A cookie's value may stand in quotes, which are no part of it. */
static void unquote(const char **value, size_t *len)
{
	if (*len >= 2 && (*value)[0] == '"' && (*value)[*len - 1] == '"') {
		(*value)++;
		*len -= 2;
	}
}

/* Whether the `len` bytes at `pair` are our cookie; *value and *value_len are then its value. */
static bool is_ours(const char *pair, size_t len, const char **value, size_t *value_len)
{
	const size_t name_len = strlen(COOKIE_NAME);

	while (len > 0 && (pair[len - 1] == ' ' || pair[len - 1] == '\t'))
		len--;
	if (len <= name_len || strncmp(pair, COOKIE_NAME "=", name_len + 1) != 0)
		return false;
	*value = pair + name_len + 1;
	*value_len = len - name_len - 1;
	unquote(value, value_len);
	return true;
}

const char *cookie_value(const char *header, struct mem_arena *arena)
{
	const char *found = NULL;
	size_t found_len = 0;

	while (header != NULL && *header != '\0') {
		const char *value;
		size_t value_len;
		size_t len;

		header += strspn(header, "; \t");
		len = strcspn(header, ";");
		if (is_ours(header, len, &value, &value_len)) {
			if (found != NULL &&
				(found_len != value_len || memcmp(found, value, value_len) != 0))
				return NULL;
			found = value;
			found_len = value_len;
		}
		header += len;
	}
	return found != NULL ? mem_arena_copy(arena, found, found_len) : NULL;
}

/* Over HTTPS, which nginx sees, or whoever stands before it and is what public_url names. */
static const char *secure(const struct exchange *x)
{
	const char *scheme = x->request.scheme;
	bool https = (scheme != NULL && strcmp(scheme, "https") == 0) ||
		     strncasecmp(x->conf->public_url, "https://", 8) == 0;

	return https ? "; Secure" : "";
}

static void set_cookie(struct exchange *x, const char *value, long max_age_s)
{
	reply_header(&x->reply, "Set-Cookie",
		COOKIE_NAME "=%s; Path=/; Max-Age=%ld; HttpOnly; SameSite=Strict%s", value,
		max_age_s, secure(x));
}

void cookie_set(struct exchange *x)
{
	set_cookie(x, x->token, x->conf->session_lifetime_hours * 3600);
}

void cookie_clear(struct exchange *x)
{
	if (x->by_cookie)
		set_cookie(x, "", 0);
}
