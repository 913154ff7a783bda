/* Words that people typed: cleaned, and made into slugs. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/text.h"

/* Expands a short sample into a long one. */
static const char *repeat(struct mem_arena *arena, const char *piece, size_t times)
{
	size_t len = strlen(piece);
	char *out = mem_arena_alloc(arena, len * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(out + i * len, piece, len);
	out[len * times] = '\0';
	return out;
}

/* ---- cleaning -------------------------------------------------------------------------------- */

static const struct {
	const char *in;
	enum text_lines lines;
	enum text_status status;
	const char *out; /* where the status is TEXT_OK */
} cleaned[] = {
	{"My card", TEXT_ONE_LINE, TEXT_OK, "My card"},
	{"  My  card\t\r\n", TEXT_ONE_LINE, TEXT_OK, "My  card"},
	{"\u00a0\u3000\u2003My card\u2028\xc2\x85", TEXT_ONE_LINE, TEXT_OK, "My card"},
	{"Cafe\u0301", TEXT_ONE_LINE, TEXT_OK, "Caf\u00e9"},
	{"\u1112\u1161\u11ab", TEXT_ONE_LINE, TEXT_OK, "\ud55c"}, /* Hangul is composed */
	{"\u212b", TEXT_ONE_LINE, TEXT_OK, "\u00c5"},             /* the Angstrom sign */
	{"\ufb01ne", TEXT_ONE_LINE, TEXT_OK, "\ufb01ne"},         /* NFC, not NFKC */
	{"\U0001f600", TEXT_ONE_LINE, TEXT_OK, "\U0001f600"},
	{"", TEXT_ONE_LINE, TEXT_EMPTY, NULL},
	{" \t\r\n\u00a0\u3000", TEXT_ONE_LINE, TEXT_EMPTY, NULL},
	{" \n ", TEXT_LINES, TEXT_EMPTY, NULL},
	{"one\ntwo", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"one\rtwo", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"one\ttwo", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"one\xc2\x85two", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"one\u2028two", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"one\u2029two", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"bell\a", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"\x1b[31mred", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"del\x7f", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"c1\xc2\x9b", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
	{"1 High St\r\nTown\tX\n", TEXT_LINES, TEXT_OK, "1 High St\r\nTown\tX"},
	{"one\u2028two", TEXT_LINES, TEXT_OK, "one\u2028two"},
	{"one\vtwo", TEXT_LINES, TEXT_CONTROL, NULL},
	{"one\x1btwo", TEXT_LINES, TEXT_CONTROL, NULL},
};

static void text_is_trimmed_composed_and_checked(void **state)
{
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cleaned); i++) {
		const char *in = cleaned[i].in;
		const char *out = NULL;
		enum text_status status =
			text_clean(in, strlen(in), 200, cleaned[i].lines, &arena, &out);

		if (status != cleaned[i].status)
			fail_msg("\"%s\" is %d, not %d", in, (int)status, (int)cleaned[i].status);
		if (status == TEXT_OK)
			assert_string_equal(out, cleaned[i].out);
		else
			assert_null(out);
	}
	mem_arena_free(&arena);
}

static enum text_status clean_of(struct mem_arena *arena, const char *text, size_t most)
{
	const char *out;

	return text_clean(text, strlen(text), most, TEXT_ONE_LINE, arena, &out);
}

static void length_is_counted_in_code_points_after_trimming_and_composing(void **state)
{
	static const char *const pieces[] = {
		"a", "\u00e9", "e\u0301", "\u4e2d", "\U0001f600", "\u1112\u1161\u11ab"};
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		const char *fits = repeat(&arena, pieces[i], 200);
		const char *padded = mem_arena_printf(&arena, "   %s\n\n", fits);

		assert_int_equal(clean_of(&arena, fits, 200), TEXT_OK);
		assert_int_equal(clean_of(&arena, padded, 200), TEXT_OK);
		assert_int_equal(
			clean_of(&arena, repeat(&arena, pieces[i], 201), 200), TEXT_TOO_LONG);
	}
	mem_arena_free(&arena);
}

static void only_the_bytes_of_the_given_length_are_read(void **state)
{
	struct mem_arena arena = {0};
	const char *out = NULL;

	(void)state;
	assert_int_equal(text_clean("card\n\x01", 4, 9, TEXT_ONE_LINE, &arena, &out), TEXT_OK);
	assert_string_equal(out, "card");
	assert_string_equal(text_slug("card-two", 4, &arena), "card");
	assert_string_equal(text_slug("\u00c9t\u00e9-two", 5, &arena), "ete");
	mem_arena_free(&arena);
}

/* ---- slugs ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *slug;
} slugs[] = {
	{"My Card", "my-card"},
	{"my-card", "my-card"},
	{"  --My__card!! (2)--", "my-card-2"},
	{"O'Brien & Sons", "obrien-sons"},
	{"O\u2019Brien", "obrien"},
	{"ann@example.org", "ann-example-org"},
	{"C++", "c"},
	{"", "card"},
	{" ", "card"},
	{"---", "card"},
	{"'''", "card"},
	/* Latin, with and without precomposed letters */
	{"\u0141\u00f3d\u017a Caf\u00e9 \u21161", "lodz-cafe-no1"},
	{"Cafe\u0301", "cafe"},
	{"Stra\u00dfe \u00c6r\u00f8 \u00deor", "strasse-aero-thor"},
	{"\u0130stanbul \u0131\u015f\u0131k", "istanbul-isik"},
	{"Nguy\u1ec5n Th\u1ecb \u00c1nh", "nguyen-thi-anh"},
	{"\uff21\uff42\uff43\uff11\uff12", "abc12"},
	{"so\u00adft hy\u200dphen", "soft-hyphen"},
	{"dash\u2014ed", "dash-ed"},
	/* Cyrillic */
	{"\u041c\u043e\u0441\u043a\u0432\u0430", "moskva"},
	{"\u041e\u043b\u044c\u0433\u0430", "olga"},
	{"\u043e\u0431\u044a\u0435\u043c", "obem"},
	/* Greek, Armenian, Georgian */
	{"\u0391\u03b8\u03ae\u03bd\u03b1", "athena"},
	{"\u0531\u0576\u056b", "ani"},
	{"\u10d2\u10d8\u10dd\u10e0\u10d2\u10d8", "giorgi"},
	/* Arabic, Hebrew */
	{"\u0645\u062d\u0645\u062f", "mhmd"},
	{"\u05e9\u05dc\u05d5\u05dd", "slwm"},
	/* Han, Kana, Hangul */
	{"\u5317\u4eac\u5927\u5b66", "bei-jing-da-xue"},
	{"\u3072\u3089\u304c\u306a", "hiragana"},
	{"\u30bf\u30ef\u30fc", "tawa"},
	{"\uae40\ucca0\uc218", "gimcheolsu"},
	/* Devanagari, Thai */
	{"\u0928\u092e\u0938\u094d\u0924\u0947", "namaste"},
	{"\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "swasdi"},
	/* digits of other scripts, also beyond the basic plane */
	{"\u0663 cards", "3-cards"},
	{"\u096a\u096b \u092e", "45-ma"},
	{"\U0001d7cf\U0001d7d0", "12"},
	/* nothing that could be read aloud */
	{"\U0001f389\U0001f389", "card"},
	{"\U0001f389 party", "party"},
	{"\u13e3\u13b3\u13a9", "card"},
};

static void names_of_any_script_become_readable_slugs(void **state)
{
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slugs); i++)
		assert_string_equal(
			text_slug(slugs[i].name, strlen(slugs[i].name), &arena), slugs[i].slug);
	mem_arena_free(&arena);
}

/* What the database accepts as a slug's base. */
static void assert_well_formed(const char *slug)
{
	size_t len = strlen(slug);

	assert_in_range(len, 1, TEXT_SLUG_MAX);
	assert_int_equal(strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-"), len);
	assert_null(strstr(slug, "--"));
	assert_true(slug[0] != '-' && slug[len - 1] != '-');
}

static void the_slug_of_a_slug_is_itself(void **state)
{
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slugs); i++) {
		for (size_t times = 1; times <= 64; times *= 4) {
			const char *name = repeat(&arena, slugs[i].name, times);
			const char *slug = text_slug(name, strlen(name), &arena);

			assert_well_formed(slug);
			assert_string_equal(text_slug(slug, strlen(slug), &arena), slug);
		}
	}
	mem_arena_free(&arena);
}

/* One name per length of the word before the limit: x...x (n times), a dash, and a long word. */
static void assert_cut(size_t first_word, size_t want_len)
{
	struct mem_arena arena = {0};
	const char *name = mem_arena_printf(&arena, "%s %s", repeat(&arena, "x", first_word),
		repeat(&arena, "y", 2 * TEXT_SLUG_MAX));
	const char *slug = text_slug(name, strlen(name), &arena);

	assert_int_equal(strlen(slug), want_len);
	assert_well_formed(slug);
	mem_arena_free(&arena);
}

static void a_long_slug_is_cut_between_words_where_that_costs_less_than_a_third(void **state)
{
	(void)state;
	assert_cut(10, 80);
	assert_cut(52, 80);
	assert_cut(53, 53);
	assert_cut(54, 54);
	assert_cut(78, 78);
	assert_cut(79, 79);
	assert_cut(80, 80);
	assert_cut(81, 80);
	assert_cut(500, 80);
}

static void eighty_characters_are_not_cut_at_all(void **state)
{
	struct mem_arena arena = {0};
	const char *name =
		mem_arena_printf(&arena, "%s %s", repeat(&arena, "x", 60), repeat(&arena, "y", 19));

	(void)state;
	assert_int_equal(strlen(text_slug(name, strlen(name), &arena)), 80);
	name = mem_arena_printf(&arena, "%s!? ", name);
	assert_int_equal(strlen(text_slug(name, strlen(name), &arena)), 80);
	mem_arena_free(&arena);
}

/* U+FDFA reads as 18 letters, so that ICU needs more room than any name should be given. */
static void huge_and_hostile_names_end_as_slugs_too(void **state)
{
	static const char *const pieces[] = {"\ufdfa", "\u5317", "e\u0301\u0302\u0303", "\u0301",
		"\U0001f600", "\u0928\u094d", "\u00e9 ", "\U0001d7cf"};
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		for (size_t times = 254; times <= 514; times += 130) {
			const char *name = repeat(&arena, pieces[i], times);

			assert_well_formed(text_slug(name, strlen(name), &arena));
		}
		mem_arena_free(&arena);
	}
}

static void *slug_in_a_thread(void *wanted)
{
	struct mem_arena arena = {0};
	const char *name = "\u041c\u043e\u0441\u043a\u0432\u0430 \u5317";

	text_warm();
	for (int i = 0; i < 20; i++)
		if (strcmp(text_slug(name, strlen(name), &arena), wanted) != 0)
			wanted = NULL;
	mem_arena_free(&arena);
	return wanted;
}

/* Under LeakSanitizer and ThreadSanitizer: each thread opens its own and closes it. */
static void threads_slug_side_by_side_and_leave_nothing_behind(void **state)
{
	static char wanted[] = "moskva-bei";
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, slug_in_a_thread, wanted), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_ptr_equal(result, wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_trimmed_composed_and_checked),
		cmocka_unit_test(length_is_counted_in_code_points_after_trimming_and_composing),
		cmocka_unit_test(only_the_bytes_of_the_given_length_are_read),
		cmocka_unit_test(names_of_any_script_become_readable_slugs),
		cmocka_unit_test(the_slug_of_a_slug_is_itself),
		cmocka_unit_test(
			a_long_slug_is_cut_between_words_where_that_costs_less_than_a_third),
		cmocka_unit_test(eighty_characters_are_not_cut_at_all),
		cmocka_unit_test(huge_and_hostile_names_end_as_slugs_too),
		cmocka_unit_test(threads_slug_side_by_side_and_leave_nothing_behind),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
