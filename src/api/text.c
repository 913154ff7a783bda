/*
 * Words that people typed; with api/reading, which it asks, the only door to ICU.
 *
 * ICU works in UTF-16, so text is converted, worked on, and converted back; all of it lives in the
 * caller's arena. A failure of ICU's own that no input can cause (its data is missing, a buffer of
 * ours was too small) is a broken invariant.
 */
#include "api/text.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

#include "api/reading.h"

#define REPLACEMENT     0xFFFD
#define NFC_GROWTH      3 /* most UTF-16 units that normalising makes of one */
#define UTF8_GROWTH     3 /* most bytes that one UTF-16 unit takes */
#define LINE_SEPARATOR  0x2028
#define PARA_SEPARATOR  0x2029
#define CURLY_QUOTE     0x2019
#define SOFT_HYPHEN     0x00AD
#define BRAILLE_BLANK   0x2800
#define NULL_NOTEHEAD   0x1D159
#define SLUG_FALLBACK   "card"
#define SLUG_CUT_FROM   (TEXT_SLUG_MAX * 2 / 3)
#define SLUG_UNITS_READ 512  /* no more of a name is looked at: 80 characters come of far less */
#define SLUG_UNITS_ROOM 8192 /* an ideograph reads as at most six letters and a blank */

/*
 * Most code points that normalising makes one of. A text and its NFC have one NFD; that has no fewer
 * points than the text, and no more than four for each of the NFC's, as no character decomposes into
 * more (U+1F82 does; www.unicode.org/faq/normalization.html lists the factors). So a text of more than
 * four times so many points is too long whatever they are, and need not be normalised to see that.
 */
#define NFC_SHRINK 4

/* Putting marks in order takes the square of how many stand together, so whoever normalises has bounded
 * the text before. In UTF-16: two units a point. */
#define NFC_UNITS_MAX (2 * NFC_SHRINK * TEXT_POINTS_MAX)

/* UTF-16 text; borrowed, or of an arena. */
struct units {
	UChar *at;
	int32_t len;
};

/* ---- to and from UTF-16 ---------------------------------------------------------------------- */

static struct units from_utf8(const char *text, size_t len, struct mem_arena *arena)
{
	struct units units;
	UErrorCode status = U_ZERO_ERROR;

	MUST(len < INT32_MAX / 16);
	units.at = mem_arena_alloc(arena, (len + 1) * sizeof(UChar));
	u_strFromUTF8WithSub(units.at, (int32_t)len + 1, &units.len, text, (int32_t)len,
		REPLACEMENT, NULL, &status);
	MUST(U_SUCCESS(status));
	return units;
}

static const char *to_utf8(struct units units, struct mem_arena *arena)
{
	int32_t room = units.len * UTF8_GROWTH + 1;
	char *text = mem_arena_alloc(arena, (size_t)room);
	UErrorCode status = U_ZERO_ERROR;

	u_strToUTF8WithSub(text, room, NULL, units.at, units.len, REPLACEMENT, NULL, &status);
	MUST(U_SUCCESS(status));
	return text;
}

static struct units to_nfc(struct units units, struct mem_arena *arena)
{
	UErrorCode status = U_ZERO_ERROR;
	const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
	int32_t room = units.len * NFC_GROWTH + 1;
	struct units out;

	MUST(U_SUCCESS(status));
	MUST(units.len <= NFC_UNITS_MAX);
	if (unorm2_spanQuickCheckYes(nfc, units.at, units.len, &status) == units.len)
		return units;
	out.at = mem_arena_alloc(arena, (size_t)room * sizeof(UChar));
	out.len = unorm2_normalize(nfc, units.at, units.len, out.at, room, &status);
	MUST(U_SUCCESS(status));
	return out;
}

/* ---- text_clean ------------------------------------------------------------------------------ */

/* White space is all in the basic plane, one unit each. */
static struct units trim(struct units units)
{
	while (units.len > 0 && u_isUWhiteSpace(units.at[units.len - 1]))
		units.len--;
	while (units.len > 0 && u_isUWhiteSpace(units.at[0])) {
		units.at++;
		units.len--;
	}
	return units;
}

/* Control characters are all in the basic plane, one unit each. */
static bool has_control(struct units units, enum text_lines lines)
{
	for (int32_t i = 0; i < units.len; i++) {
		UChar c = units.at[i];

		if (lines == TEXT_LINES && (c == '\n' || c == '\r' || c == '\t'))
			continue;
		if (u_charType(c) == U_CONTROL_CHAR)
			return true;
		if (lines == TEXT_ONE_LINE && (c == LINE_SEPARATOR || c == PARA_SEPARATOR))
			return true;
	}
	return false;
}

/* The code point at *at, which then is the next one's place. Halves of a pair never stand alone. */
static UChar32 next_point(struct units units, int32_t *at)
{
	const UChar first = units.at[(*at)++];

	if (U16_IS_LEAD(first) && *at < units.len)
		return U16_GET_SUPPLEMENTARY(first, units.at[(*at)++]);
	return first;
}

/* Whether `c` begins with a non-starter when it is decomposed. It is at most two of them, so a run of
 * such characters is at most twice as long then. */
static bool is_mark(UChar32 c)
{
	return u_getIntPropertyValue(c, UCHAR_LEAD_CANONICAL_COMBINING_CLASS) != 0;
}

/* Whether more than TEXT_RUN_MAX marks follow each other. */
static bool has_long_run(struct units units)
{
	int32_t run = 0;

	for (int32_t i = 0; i < units.len && run <= TEXT_RUN_MAX;)
		run = is_mark(next_point(units, &i)) ? run + 1 : 0;
	return run > TEXT_RUN_MAX;
}

/* Whether anything is to be seen of `c` when it stands alone. The two by name are signs to Unicode,
 * and blank by what they mean. */
static bool is_visible(UChar32 c)
{
	static const uint32_t unseen =
		U_GC_Z_MASK | U_GC_M_MASK | U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CS_MASK;

	return (U_GET_GC_MASK(c) & unseen) == 0 && c != BRAILLE_BLANK && c != NULL_NOTEHEAD &&
	       !u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT) &&
	       !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

static bool has_visible(struct units units)
{
	for (int32_t i = 0; i < units.len;)
		if (is_visible(next_point(units, &i)))
			return true;
	return false;
}

static bool is_longer(struct units units, size_t points)
{
	return u_strHasMoreChar32Than(units.at, units.len, (int32_t)points);
}

enum text_status text_clean(const char *text, size_t len, size_t max_points, enum text_lines lines,
	struct mem_arena *arena, const char **ret_text)
{
	struct units units = trim(from_utf8(text, len, arena));

	MUST(max_points <= TEXT_POINTS_MAX);
	if (units.len == 0)
		return TEXT_EMPTY;
	if (is_longer(units, NFC_SHRINK * max_points))
		return TEXT_TOO_LONG;
	if (has_control(units, lines))
		return TEXT_CONTROL;
	if (has_long_run(units))
		return TEXT_MARKS;
	units = to_nfc(units, arena);
	if (is_longer(units, max_points))
		return TEXT_TOO_LONG;
	/* Again, as some marks come apart: what is answered is to be taken when it is sent back. */
	if (has_long_run(units))
		return TEXT_MARKS;
	if (!has_visible(units))
		return TEXT_UNSEEN;
	*ret_text = to_utf8(units, arena);
	return TEXT_OK;
}

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

/* ---- text_nfc -------------------------------------------------------------------------------- */

const char *text_nfc(const char *text, size_t len, struct mem_arena *arena, size_t *ret_len)
{
	struct units units;
	struct units nfc;

	MUST(len <= TEXT_NFC_BYTES);
	*ret_len = len;
	if (is_ascii(text, len))
		return text;
	units = from_utf8(text, len, arena);
	nfc = to_nfc(units, arena);
	if (nfc.at != units.at) {
		text = to_utf8(nfc, arena);
		*ret_len = strlen(text);
		explicit_bzero(nfc.at, (size_t)nfc.len * sizeof(UChar));
	}
	explicit_bzero(units.at, (size_t)units.len * sizeof(UChar));
	return text;
}

/* ---- slugs ----------------------------------------------------------------------------------- */

/* Opening a transliterator takes milliseconds and using one changes it, so each thread keeps its
 * own until it ends. */
static pthread_key_t latin_key;
static pthread_once_t latin_once = PTHREAD_ONCE_INIT;

static void latin_close(void *latin)
{
	utrans_close(latin);
}

static void latin_make_key(void)
{
	MUST_ZERO(pthread_key_create(&latin_key, latin_close));
}

static UTransliterator *latin(void)
{
	UTransliterator *trans;
	UErrorCode status = U_ZERO_ERROR;

	MUST_ZERO(pthread_once(&latin_once, latin_make_key));
	trans = pthread_getspecific(latin_key);
	if (trans == NULL) {
		/* NFKC first: it reads circled digits, ligatures and full-width letters as plain ones. Of
		 * the ways to read Ethiopic this is the one that people who write it use in Latin. */
		trans = utrans_openU(u"NFKC; Ethiopic-Latin/SERA; Any-Latin; Latin-ASCII; Lower",
			-1, UTRANS_FORWARD, NULL, 0, NULL, &status);
		MUST(U_SUCCESS(status));
		MUST_ZERO(pthread_setspecific(latin_key, trans));
	}
	return trans;
}

/* The first `most` units, or one less where that would part a surrogate pair. */
static struct units cut(struct units units, int32_t most)
{
	if (units.len > most) {
		units.len = most;
		if (U16_IS_LEAD(units.at[most - 1]))
			units.len--;
	}
	return units;
}

/* Takes out soft hyphens, which nobody sees and ICU would read as hyphens. */
static struct units without_soft_hyphens(struct units units)
{
	int32_t kept = 0;

	for (int32_t i = 0; i < units.len; i++)
		if (units.at[i] != SOFT_HYPHEN)
			units.at[kept++] = units.at[i];
	units.len = kept;
	return units;
}

/* Takes out the marks that follow TEXT_RUN_MAX others: none is read, and those before are put in order at
 * the price of the square of their number. */
static struct units without_long_runs(struct units units)
{
	int32_t kept = 0;
	int32_t run = 0;

	for (int32_t i = 0; i < units.len;) {
		int32_t from = i;

		run = is_mark(next_point(units, &i)) ? run + 1 : 0;
		for (; run <= TEXT_RUN_MAX && from < i; from++)
			units.at[kept++] = units.at[from];
	}
	units.len = kept;
	return units;
}

/* Transliterates into `out`, which has SLUG_UNITS_ROOM units; false when they were too few. */
static bool latin_fits(struct units units, struct units *out)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t limit = units.len;

	u_memcpy(out->at, units.at, units.len);
	out->len = units.len;
	utrans_transUChars(latin(), out->at, &out->len, SLUG_UNITS_ROOM, 0, &limit, &status);
	MUST(U_SUCCESS(status) || status == U_BUFFER_OVERFLOW_ERROR);
	return U_SUCCESS(status);
}

/* Some ligatures read as a whole sentence: of text that grows so much, half is more than enough. */
static struct units to_latin(struct units units, struct mem_arena *arena)
{
	struct units out = {mem_arena_alloc(arena, SLUG_UNITS_ROOM * sizeof(UChar)), 0};

	while (!latin_fits(units, &out))
		units = cut(units, units.len / 2);
	return out;
}

/* A slug being written: one place more than its limit, to see whether the limit cuts a word. */
struct slug {
	char at[TEXT_SLUG_MAX + 1];
	size_t len;
	bool gap; /* the next word is another one */
};

static void slug_add(struct slug *slug, char c)
{
	if (slug->gap && slug->len > 0 && slug->len < sizeof(slug->at))
		slug->at[slug->len++] = '-';
	slug->gap = false;
	if (slug->len < sizeof(slug->at))
		slug->at[slug->len++] = c;
}

/* Whether `c` is passed over without ending a word: quotes, as which the soft and hard signs and
 * the glottal stops of other scripts arrive (so O'Brien is obrien), letters that nobody here can read
 * (the ayin among them), marks left over, and what is never seen. */
static bool is_silent(UChar32 c)
{
	if (c == '\'' || c == '"' || c == '`' || c == CURLY_QUOTE)
		return true;
	return (U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_CF_MASK)) != 0;
}

/* Adds the reading of a letter that is left over; false where it has none. */
static bool slug_read(struct slug *slug, UChar32 c)
{
	char reading[READING_MAX + 1];

	if (c < 0x80 || (U_GET_GC_MASK(c) & U_GC_L_MASK) == 0 || !reading_of_letter(c, reading))
		return false;
	for (const char *p = reading; *p != '\0'; p++)
		slug_add(slug, *p);
	return true;
}

static void slug_take(struct slug *slug, UChar32 c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		slug_add(slug, (char)c);
	else if (c >= 'A' && c <= 'Z')
		slug_add(slug, (char)(c - 'A' + 'a'));
	else if (c >= 0x80 && u_charDigitValue(c) >= 0)
		slug_add(slug, (char)('0' + u_charDigitValue(c)));
	else if (!slug_read(slug, c) && !is_silent(c))
		slug->gap = true;
}

/* Where a slug ends: at the last dash of its last third when it is too long, so that no word is
 * cut in half for the sake of a few characters. */
static size_t slug_end(const struct slug *slug)
{
	if (slug->len <= TEXT_SLUG_MAX)
		return slug->len;
	for (size_t i = TEXT_SLUG_MAX; i >= SLUG_CUT_FROM; i--)
		if (slug->at[i] == '-')
			return i;
	return TEXT_SLUG_MAX;
}

static const char *slug_finish(const struct slug *slug, struct mem_arena *arena)
{
	if (slug->len == 0)
		return SLUG_FALLBACK;
	return mem_arena_copy(arena, slug->at, slug_end(slug));
}

/* What ICU would pass by, read first. */
static struct units to_readings(struct units units, struct mem_arena *arena)
{
	struct units out;

	out.at = mem_arena_alloc(arena, ((size_t)units.len * READING_MAX + 2) * sizeof(UChar));
	out.len = reading_of_text(units.at, units.len, out.at);
	return out;
}

static void slug_take_any(struct slug *slug, struct units units, struct mem_arena *arena)
{
	UChar32 *points = mem_arena_alloc(arena, (size_t)units.len * sizeof(UChar32));
	UErrorCode status = U_ZERO_ERROR;
	int32_t len;

	u_strToUTF32WithSub(
		points, units.len, &len, units.at, units.len, REPLACEMENT, NULL, &status);
	MUST(U_SUCCESS(status));
	for (int32_t i = 0; i < len; i++)
		slug_take(slug, points[i]);
}

const char *text_slug(const char *text, size_t len, struct mem_arena *arena)
{
	struct slug slug = {.len = 0};

	if (is_ascii(text, len)) {
		for (size_t i = 0; i < len; i++)
			slug_take(&slug, text[i]);
	} else {
		struct units units = cut(trim(from_utf8(text, len, arena)), SLUG_UNITS_READ);

		units = to_nfc(without_long_runs(without_soft_hyphens(units)), arena);
		units = to_readings(units, arena);
		slug_take_any(&slug, to_latin(units, arena), arena);
	}
	return slug_finish(&slug, arena);
}

void text_warm(void)
{
	static const char sample[] = "é Ж Ω 中 あ 한 ع א क አ ꆈ";
	struct mem_arena arena = {0};

	(void)text_slug(sample, sizeof(sample) - 1, &arena);
	mem_arena_free(&arena);
}
