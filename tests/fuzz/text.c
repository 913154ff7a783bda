/*
 * Words that people typed: what is cleaned is clean, and cleaning it again changes nothing; a slug is a
 * slug; and both cost no more than a fixed amount of work for each byte.
 *
 * Work is counted where the superlinear part of it is done: ICU's calls are taken on their way, and a
 * run of marks, which normalising puts in order by insertion, counts as the square of its length.
 */
#include "config.h" /* _GNU_SOURCE: RTLD_NEXT */

#include "fuzz.h"

#include <dlfcn.h>
#include <stdbool.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

#include "api/text.h"
#include "http/utf8.h"

/* A stream-safe run is 30 marks, each with a part of 30 in its square; a slug is put in order twice. */
#define WORK_OF_ONE 128
#define POINTS_MAX  200

static uint64_t work; /* since the input began */

/* ---- ICU's calls ----------------------------------------------------------------------------- */

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)
#define REAL(f)    real(NAME_OF(f)) /* under the name that the header gives it, version and all */

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	MUST(function != NULL);
	return function;
}

static void count_work(const UChar *text, int32_t len)
{
	uint64_t run = 0;

	for (int32_t i = 0; i < len;) {
		UChar32 c;

		U16_NEXT(text, i, len, c);
		run = u_getCombiningClass(c) != 0 ? run + 1 : 0;
		work += 1 + 2 * run; /* the sum of the odd numbers is the square */
	}
}

int32_t unorm2_normalize(const UNormalizer2 *norm2, const UChar *src, int32_t length, UChar *dest,
	int32_t capacity, UErrorCode *status)
{
	int32_t (*next)(
		const UNormalizer2 *, const UChar *, int32_t, UChar *, int32_t, UErrorCode *);
	void *function = REAL(unorm2_normalize);

	memcpy(&next, &function, sizeof(next));
	count_work(src, length);
	return next(norm2, src, length, dest, capacity, status);
}

void utrans_transUChars(const UTransliterator *trans, UChar *text, int32_t *length,
	int32_t capacity, int32_t start, int32_t *limit, UErrorCode *status)
{
	void (*next)(const UTransliterator *, UChar *, int32_t *, int32_t, int32_t, int32_t *,
		UErrorCode *);
	void *function = REAL(utrans_transUChars);

	memcpy(&next, &function, sizeof(next));
	count_work(text, *limit);
	next(trans, text, length, capacity, start, limit, status);
}

/* ---- what must be true ----------------------------------------------------------------------- */

static void is_clean(const char *text, enum text_lines lines)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar units[4 * POINTS_MAX];
	int32_t len;
	int32_t i = 0;

	MUST(utf8_valid(text, strlen(text)));
	u_strFromUTF8(units, sizeof(units) / sizeof(units[0]), &len, text, -1, &status);
	MUST(U_SUCCESS(status));
	MUST(len > 0 && u_countChar32(units, len) <= POINTS_MAX);
	MUST(unorm2_isNormalized(unorm2_getNFCInstance(&status), units, len, &status));
	MUST(!u_isUWhiteSpace(units[0]) && !u_isUWhiteSpace(units[len - 1]));
	while (i < len) {
		UChar32 c;

		U16_NEXT(units, i, len, c);
		MUST(u_charType(c) != U_CONTROL_CHAR ||
			(lines == TEXT_LINES && (c == '\n' || c == '\r' || c == '\t')));
	}
}

static void try_clean(const char *text, enum text_lines lines, struct mem_arena *arena)
{
	const char *clean;
	const char *again;

	if (text_clean(text, strlen(text), POINTS_MAX, lines, arena, &clean) != TEXT_OK)
		return;
	is_clean(clean, lines);
	MUST(text_clean(clean, strlen(clean), POINTS_MAX, lines, arena, &again) == TEXT_OK);
	MUST(strcmp(clean, again) == 0);
}

static void try_slug(const char *text, struct mem_arena *arena)
{
	const char *slug = text_slug(text, strlen(text), arena);
	const size_t len = strlen(slug);

	MUST(len >= 1 && len <= TEXT_SLUG_MAX);
	MUST(strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == len);
	MUST(slug[0] != '-' && slug[len - 1] != '-' && strstr(slug, "--") == NULL);
	MUST(strcmp(text_slug(slug, len, arena), slug) == 0);
}

/* The input, without what is not UTF-8: its callers have looked. */
static const char *valid_part(const uint8_t *data, size_t size, struct mem_arena *arena)
{
	char *text = mem_arena_alloc(arena, size + 1);
	size_t len = 0;

	while (size > 0) {
		const size_t step = *data != '\0' ? utf8_step((const char *)data, size) : 0;

		memcpy(text + len, data, step);
		len += step;
		data += step > 0 ? step : 1;
		size -= step > 0 ? step : 1;
	}
	text[len] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mem_arena arena = {0};
	const char *text = valid_part(data, size, &arena);
	const uint64_t most = WORK_OF_ONE * (size + 1);

	work = 0;
	try_clean(text, TEXT_ONE_LINE, &arena);
	MUST(work <= most);
	work = 0;
	try_clean(text, TEXT_LINES, &arena);
	MUST(work <= most);
	work = 0;
	try_slug(text, &arena);
	MUST(work <= most);
	mem_arena_free(&arena);
	return 0;
}
