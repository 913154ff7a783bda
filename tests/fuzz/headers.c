/*
 * Headers with a grammar of their own: Idempotency-Key, Prefer and Cookie. What one reader finds in a
 * header the other finds there too; what is found was there.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <strings.h>

#include "api/cookie.h"
#include "api/key.h"
#include "http/prefer.h"

#define TOKEN_CHARS                                                    \
	"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi" \
	"jklmnopqrstuvwxyz"

static enum key_status read_key(const char *header, bool again, struct uuid *ret_key)
{
	struct exchange x = {
		.request = {.path = "/", .query = "", .body = "", .idempotency_key = header}};
	enum key_status status;

	x.request.idempotency_key_again = again;
	status = key_read(&x, false);
	MUST(x.keyed == (status == KEY_OK));
	*ret_key = x.key;
	return status;
}

/* Bare and quoted, a key is the same. */
static void try_key(const char *header, struct mem_arena *arena)
{
	const size_t len = strlen(header);
	struct uuid bare;
	struct uuid quoted;

	MUST(read_key(header, true, &bare) == KEY_REPEATED);
	if (read_key(header, false, &bare) != KEY_OK || strspn(header, TOKEN_CHARS) < len)
		return;
	MUST(len >= 1 && len <= KEY_CHARS_MAX);
	MUST(read_key(mem_arena_printf(arena, " \"%s\"\t", header), false, &quoted) == KEY_OK);
	MUST(memcmp(&bare, &quoted, sizeof(bare)) == 0);
}

/* What the list names, the search finds, with the value of the first of that name. */
static void try_prefer(const char *header, struct mem_arena *arena)
{
	const char *item;
	size_t len;

	for (const char *p = header; (p = prefer_next(p, &item, &len)) != NULL;) {
		const size_t name_len = strspn(item, TOKEN_CHARS);

		MUST(item >= header && item + len <= header + strlen(header) && len > 0);
		MUST(name_len > 0 && name_len <= len);
		if (name_len == len)
			(void)prefer_has(header, mem_arena_copy(arena, item, name_len), "");
		MUST(p > item);
	}
	(void)prefer_has(header, "conflict", "merge");
	(void)prefer_has(header, "return", "minimal");
	(void)prefer_has(header, "count", "exact");
	MUST(!prefer_has(NULL, "count", "exact"));
}

static void try_cookie(const char *header, struct mem_arena *arena)
{
	bool host_only;
	const char *value = cookie_value(header, arena, &host_only);
	const char *name = host_only ? "__Host-ck_session" : "ck_session";

	if (value == NULL)
		return;
	MUST(strstr(header, mem_arena_printf(arena, "%s=", name)) != NULL);
	MUST(strstr(header, value) != NULL && strchr(value, ';') == NULL);
	/* A second one that differs makes both worthless. */
	MUST(cookie_value(mem_arena_printf(arena, "%s; %s=%sx", header, name, value), arena,
		     &host_only) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	const uint8_t which = input_byte(&input);
	struct mem_arena arena = {0};
	const char *header = input_until(&input, '\0', &arena);

	if (which % 3 == 0)
		try_key(header, &arena);
	else if (which % 3 == 1)
		try_prefer(header, &arena);
	else
		try_cookie(header, &arena);
	mem_arena_free(&arena);
	return 0;
}
