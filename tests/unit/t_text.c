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
	{"\U0001f600", TEXT_ONE_LINE, TEXT_OK, "\U0001f600"}, {"", TEXT_ONE_LINE, TEXT_EMPTY, NULL},
	{" \t\r\n\u00a0\u3000", TEXT_ONE_LINE, TEXT_EMPTY, NULL},
	{" \n ", TEXT_LINES, TEXT_EMPTY, NULL}, {"one\ntwo", TEXT_ONE_LINE, TEXT_CONTROL, NULL},
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
	/* nothing to see: blanks that are none to Unicode, joiners, fillers, marks, turns */
	{"\u200b", TEXT_ONE_LINE, TEXT_UNSEEN, NULL}, {"\u2060", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\ufeff", TEXT_ONE_LINE, TEXT_UNSEEN, NULL}, {"\u3164", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\uffa0", TEXT_ONE_LINE, TEXT_UNSEEN, NULL}, {"\u115f", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u115f\u1160", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u00ad", TEXT_ONE_LINE, TEXT_UNSEEN, NULL}, {"\u2800", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\ufe0f", TEXT_ONE_LINE, TEXT_UNSEEN, NULL}, {"\u202e", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u0301", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u0301 \u0316", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u20e3", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u034f\u061c\u180e\u200e", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\ufff9\ufffb", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\U000e0041\U000e007f", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\U0001d159", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\uffff", TEXT_ONE_LINE, TEXT_UNSEEN, NULL},
	{"\u200b\n\u200b", TEXT_LINES, TEXT_UNSEEN, NULL},
	/* and what is seen, though there is little of it */
	{".", TEXT_ONE_LINE, TEXT_OK, "."}, {"\u200ba", TEXT_ONE_LINE, TEXT_OK, "\u200ba"},
	{"\u2764\ufe0f", TEXT_ONE_LINE, TEXT_OK, "\u2764\ufe0f"},
	{"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", TEXT_ONE_LINE, TEXT_OK,
		"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"},
	{"\uf8ff", TEXT_ONE_LINE, TEXT_OK, "\uf8ff"},         /* somebody's own sign */
	{"\U0003fff0", TEXT_ONE_LINE, TEXT_OK, "\U0003fff0"}, /* a letter of a later Unicode */
	{"a\u202egnp.exe", TEXT_ONE_LINE, TEXT_OK,
		"a\u202egnp.exe"}, /* shown apart, it turns itself */
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

/* Four points that normalising makes one of: no text shrinks further. */
static void a_text_that_normalising_makes_short_enough_is_taken(void **state)
{
	static const char four[] = "\u03b1\u0313\u0300\u0345";
	struct mem_arena arena = {0};
	const char *out = NULL;
	const char *in = repeat(&arena, four, TEXT_POINTS_MAX);

	(void)state;
	assert_int_equal(
		text_clean(in, strlen(in), TEXT_POINTS_MAX, TEXT_ONE_LINE, &arena, &out), TEXT_OK);
	assert_string_equal(out, repeat(&arena, "\u1f82", TEXT_POINTS_MAX));
	assert_int_equal(clean_of(&arena, repeat(&arena, four, 201), 200), TEXT_TOO_LONG);
	mem_arena_free(&arena);
}

static void thirty_marks_stand_on_one_letter_and_no_more(void **state)
{
	static const struct {
		const char *mark;
		size_t most; /* so many fit, */
		size_t too_many;
	} marks[] = {
		{"\u0301", 30, 31},
		{"\u0316", 30, 31},
		{"\U0001d165", 30, 31},
		/* a mark that is two */
		{"\u0344", 15, 16},
		{"\u0f73", 15, 16},
	};
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		const char *fits = mem_arena_printf(
			&arena, "x%s", repeat(&arena, marks[i].mark, marks[i].most));
		const char *not = mem_arena_printf(
			&arena, "x%s", repeat(&arena, marks[i].mark, marks[i].too_many));

		assert_int_equal(clean_of(&arena, fits, 200), TEXT_OK);
		assert_int_equal(clean_of(&arena, not, 200), TEXT_MARKS);
		assert_int_equal(
			clean_of(&arena, mem_arena_printf(&arena, "%s%s", fits, fits), 200),
			TEXT_OK);
	}
	mem_arena_free(&arena);
}

static void what_was_cleaned_is_taken_as_it_is_when_it_comes_back(void **state)
{
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cleaned); i++) {
		const char *out = NULL;

		if (cleaned[i].status != TEXT_OK)
			continue;
		assert_int_equal(text_clean(cleaned[i].out, strlen(cleaned[i].out), 200,
					 cleaned[i].lines, &arena, &out),
			TEXT_OK);
		assert_string_equal(out, cleaned[i].out);
	}
	mem_arena_free(&arena);
}

/* What is worst for whoever normalises, sorts, transliterates or counts, in a text as long as a body
 * may be. to_nfc would abort if any of it were given to it whole. */
static void the_worst_texts_of_a_whole_body_are_told_from_their_first_look(void **state)
{
	static const struct {
		const char *start, *piece;
		enum text_status status;
		const char *slug;
	} worst[] = {
		{"e", "\u0301\u0316", TEXT_TOO_LONG, "e"},
		{"e\u0302", "\u0316", TEXT_TOO_LONG, "e"},
		{"", "\u0344", TEXT_TOO_LONG, "card"},
		{"", "\u1f82", TEXT_TOO_LONG, NULL},
		{"", "\ufdfa", TEXT_TOO_LONG, NULL},
		{"", "\u1100\u1161\u11a8", TEXT_TOO_LONG, NULL},
		{"", "\u00ad", TEXT_TOO_LONG, "card"},
		{"", "\u200b", TEXT_TOO_LONG, "card"},
		{"", "\u202a", TEXT_TOO_LONG, "card"},
		{"a", " ", TEXT_OK, "a"},
		{"a", "\u2003", TEXT_OK, "a"},
		{"", "\U0001d160", TEXT_TOO_LONG, "card"},
		{"", "\a", TEXT_TOO_LONG, "card"},
		{"", "-", TEXT_TOO_LONG, "card"},
		{"", "'", TEXT_TOO_LONG, "card"},
	};
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(worst); i++) {
		const size_t times = (256 * 1024) / strlen(worst[i].piece);
		const char *in = mem_arena_printf(
			&arena, "%s%s", worst[i].start, repeat(&arena, worst[i].piece, times));
		const char *slug = text_slug(in, strlen(in), &arena);
		const char *out = NULL;

		for (size_t most = 1; most <= TEXT_POINTS_MAX; most *= 2)
			assert_int_equal(text_clean(in, strlen(in), most, TEXT_LINES, &arena, &out),
				worst[i].status);
		if (worst[i].slug != NULL)
			assert_string_equal(slug, worst[i].slug);
		assert_in_range(strlen(slug), 1, TEXT_SLUG_MAX);
		mem_arena_free(&arena);
	}
}

/* As long as a field may be before it is normalised, and as bad as that may be. */
static void the_worst_that_is_normalised_has_short_runs(void **state)
{
	struct mem_arena arena = {0};
	const char *letter = mem_arena_printf(
		&arena, "e%s%s", repeat(&arena, "\u0302", 15), repeat(&arena, "\u0316", 15));
	const char *in = repeat(&arena, letter, 4 * TEXT_POINTS_MAX / 31);
	const char *out = NULL;

	(void)state;
	assert_int_equal(text_clean(in, strlen(in), TEXT_POINTS_MAX, TEXT_LINES, &arena, &out),
		TEXT_TOO_LONG);
	in = repeat(&arena, letter, TEXT_POINTS_MAX / 31);
	assert_int_equal(
		text_clean(in, strlen(in), TEXT_POINTS_MAX, TEXT_LINES, &arena, &out), TEXT_OK);
	mem_arena_free(&arena);
}

static void normalising_alone_takes_any_text_as_it_is(void **state)
{
	static const struct {
		const char *in, *out;
	} texts[] = {
		{"", ""},
		{" plain \t", " plain \t"},
		{"pa\u0308sswo\u0308rd-e\u0301", "p\u00e4ssw\u00f6rd-\u00e9"},
		{"p\u00e4ss", "p\u00e4ss"},
		{"\u200b\u202e", "\u200b\u202e"},
		{"\U0001d160", "\U0001d158\U0001d165\U0001d16e"},
	};
	struct mem_arena arena = {0};
	const char *in;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *out = text_nfc(texts[i].in, strlen(texts[i].in), &arena, &len);

		assert_int_equal(len, strlen(texts[i].out));
		assert_memory_equal(out, texts[i].out, len);
		if (strcmp(texts[i].in, texts[i].out) == 0)
			assert_ptr_equal(out, texts[i].in);
	}
	in = repeat(&arena, "\u0301\u0316", TEXT_NFC_BYTES / 4);
	(void)text_nfc(in, strlen(in), &arena, &len);
	assert_int_equal(len, TEXT_NFC_BYTES);
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
	{"\u16b1\u16a2\u16be", "card"},
	/* a letter without a reading parts no word */
	{"a\u16b1b", "ab"},
	{"\u02bfAl\u012b", "ali"},
	{"Ha\u02bbapai \u02bcx", "haapai-x"},
};

/* Names of many scripts: none has a word cut in two, and none is only "card". */
static const struct {
	const char *name;
	const char *slug;
} names[] = {
	/* clang-format off */
	{"سعيد", "syd"},
	{"جعفر", "jfr"},
	{"عبدالعزيز", "bdalzyz"},
	{"چوہدری", "chwhdry"},
	{"سۆزان", "sozan"},
	{"علی اکبر", "ly-akbr"},
	{"بے نظیر بھٹو", "be-nzyr-bhtw"},
	{"Əliyev Məmməd", "eliyev-memmed"},
	{"Мөнхбаатар Түвшин", "monhbaatar-tuvsin"},
	{"Гүлмира Көшербаева", "gulmira-koserbaeva"},
	{"Қасым Жомарт", "qasym-zomart"},
	{"Һәҙиә", "hazia"},
	{"Ҷамшед Ҳасанов", "jamsed-hasanov"},
	{"Ғайрат Ҷӯраев", "gajrat-juraev"},
	{"Володимир Зеленський", "volodimir-zelenskij"},
	{"Ђорђе Ћирић", "dorde-ciric"},
	{"Kɔfi Aŋku", "kofi-anku"},
	{"Ŋarra", "narra"},
	{"ፍቅር", "fqr"},
	{"አበበ ቢቂላ", "abebe-biqila"},
	{"Αθήνα Παπαδοπούλου", "athena-papadopoulou"},
	{"Հայերեն Գևորգ", "hayeren-geworg"},
	{"ქართული გიორგი", "kartuli-giorgi"},
	{"Ⴢⴈⴍⴐⴂⴈ", "yiorgi"},
	{"דוד בן־גוריון", "dwd-bn-gwrywn"},
	{"ܣܘܪܝܝܐ ܥܒܕ", "swryy-bd"},
	{"ދިވެހި އަޙްމަދު", "divehi-ahmadu"},
	{"अमित शर्मा", "amita-sarma"},
	{"শুভ চক্রবর্তী", "subha-cakrabarti"},
	{"ગુજરાત પટેલ", "gujarata-patela"},
	{"ଓଡ଼ିଆ", "oria"},
	{"தமிழ் செல்வன்", "tamil-celvan"},
	{"తెలుగు రామ", "telugu-rama"},
	{"ಕನ್ನಡ ಗೌಡ", "kannada-gauda"},
	{"മലയാളം നായർ", "malayalam-nayar"},
	{"සිංහල ශ්‍රී ලංකා", "sinhala-shri-lanka"},
	{"අමිත පෙරේරා", "amita-perera"},
	{"ไทย สมชาย", "thiy-smchay"},
	{"ສົມຈິດ ແກ້ວ", "somchid-kaev"},
	{"မောင် အောင်", "maung-aaung"},
	{"ភាសាខ្មែរ សុខា", "phasakhmaer-sokha"},
	{"ភ្នំពេញ កម្ពុជា", "phnampenh-kampocha"},
	{"བོད་སྐད་ བསྟན་འཛིན", "bod-skad-bastan-adzin"},
	{"ᠮᠣᠩᠭᠣᠯ ᠪᠠᠲᠤ", "monggol-batu"},
	{"ߒߞߏ ߡߊߡߊߘߎ", "nko-mamadu"},
	{"ⵜⴰⵎⴰⵣⵉⵖⵜ ⵉⴷⵉⵔ", "tamazight-idir"},
	{"ᐃᓄᒃᑎᑐᑦ ᓄᓇᕗᑦ", "inoktitot-nonafot"},
	{"ᏣᎳᎩ ᎠᏰᎵ", "tsalagi-ayeli"},
	{"ꆈꌠ ꁧꐨ", "nuosu-bbojjux"},
	{"ꕙꔤ", "vai"},
	{"Ⲙⲏⲛⲁ ϣⲉⲛⲟⲩⲇⲁ", "mena-shenouda"},
	{"𞤀𞤣𞤤𞤢𞤥 𞤆𞤵𞤤𞤢𞤪", "adlam-pular"},
	{"ᱥᱟᱱᱛᱟᱲᱤ", "santari"},
	{"ꦗꦮ ꦱꦸꦏꦂꦤ", "jawa-sukarna"},
	{"ᬩᬮᬶ ᬓᬢᬸᬢ᭄", "bali-katut"},
	{"ᮞᮥᮔ᮪ᮓ", "sunda"},
	{"ꯃꯩꯇꯩ ꯃꯌꯦꯛ", "meitei-mayek"},
	{"𑄌𑄋𑄴𑄟𑄳𑄦", "cangmha"},
	{"𐒈𐒝𐒑𐒛𐒐𐒘", "somali"},
	{"𐌲𐌿𐍄𐌰𐌽𐍃", "gutans"},
	{"ꓡꓲꓢꓴ", "lisu"},
	{"王小明", "wang-xiao-ming"},
	{"さくら 田中", "sakura-tian-zhong"},
	{"タナカ", "tanaka"},
	{"김철수", "gimcheolsu"},
	{"ਗੁਰੂ ਨਾਨਕ", "guru-nanaka"},
	{"ሀረር", "herer"},
	{"ᎣᏏᏲ", "osiyo"},
	/* clang-format on */
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

static void names_of_forty_scripts_keep_their_words(void **state)
{
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *slug = text_slug(names[i].name, strlen(names[i].name), &arena);

		if (strcmp(slug, names[i].slug) != 0)
			fail_msg("%s is %s, not %s", names[i].name, slug, names[i].slug);
	}
	mem_arena_free(&arena);
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
		cmocka_unit_test(a_text_that_normalising_makes_short_enough_is_taken),
		cmocka_unit_test(thirty_marks_stand_on_one_letter_and_no_more),
		cmocka_unit_test(what_was_cleaned_is_taken_as_it_is_when_it_comes_back),
		cmocka_unit_test(the_worst_texts_of_a_whole_body_are_told_from_their_first_look),
		cmocka_unit_test(the_worst_that_is_normalised_has_short_runs),
		cmocka_unit_test(normalising_alone_takes_any_text_as_it_is),
		cmocka_unit_test(only_the_bytes_of_the_given_length_are_read),
		cmocka_unit_test(names_of_any_script_become_readable_slugs),
		cmocka_unit_test(names_of_forty_scripts_keep_their_words),
		cmocka_unit_test(the_slug_of_a_slug_is_itself),
		cmocka_unit_test(
			a_long_slug_is_cut_between_words_where_that_costs_less_than_a_third),
		cmocka_unit_test(eighty_characters_are_not_cut_at_all),
		cmocka_unit_test(huge_and_hostile_names_end_as_slugs_too),
		cmocka_unit_test(threads_slug_side_by_side_and_leave_nothing_behind),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
