/*
 * Addresses of sites and of people: whatever is taken is what may become a link on a public page, by
 * a check that does not trust the parser.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <strings.h>

#include "api/url.h"
#include "http/utf8.h"

#define WEB_BYTES   2048
#define EMAIL_BYTES 254

/* What a browser or a mail program would take for the end of an address, or for markup. */
static void holds_no(const char *text, const char *signs)
{
	MUST(strpbrk(text, signs) == NULL);
	for (const char *p = text; *p != '\0'; p++)
		MUST((unsigned char)*p > 0x20 && *p != 0x7f);
}

static void is_link(const char *text)
{
	const char *authority;
	size_t len;

	MUST(strlen(text) <= WEB_BYTES);
	MUST(strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0);
	holds_no(text, "<>\"\\^`{|}");
	authority = strstr(text, "://") + 3;
	len = strcspn(authority, "/?#");
	MUST(len > 0 && memchr(authority, '@', len) == NULL);
	MUST(authority[0] != ':');
}

static void is_mailbox(const char *text)
{
	const char *at = strchr(text, '@');

	MUST(strlen(text) <= EMAIL_BYTES);
	MUST(at != NULL && at != text && at[1] != '\0' && strchr(at + 1, '@') == NULL);
	MUST(at[1] != '.' && text[strlen(text) - 1] != '.');
	holds_no(text, "()<>[]\\,;:\"");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct mem_arena arena = {0};
	const char *text = input_until(&input, '\0', &arena);

	/* Its callers have cleaned it: it is UTF-8. */
	if (utf8_valid(text, strlen(text))) {
		if (url_is_web(text))
			is_link(text);
		if (url_is_email(text))
			is_mailbox(text);
	}
	mem_arena_free(&arena);
	return 0;
}
