/* Strict JSON: what is refused and where, what is accepted and how it is handed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json_text.h"
#include "http/json.h"

/* A text with its length, as some hold NUL. */
#define TEXT(s) s, sizeof(s) - 1

struct refused {
	const char *text;
	size_t len;
	size_t at;        /* the byte that is named */
	const char *what; /* part of the sentence */
};

static const struct refused refused[] = {
	/* structure */
	{TEXT(""), 0, "empty"},
	{TEXT(" \r\n\t"), 4, "empty"},
	{TEXT("{"), 1, "ends too early"},
	{TEXT("["), 1, "ends too early"},
	{TEXT("[1"), 2, "ends too early"},
	{TEXT("[1,"), 3, "ends too early"},
	{TEXT("{\"a\""), 4, "ends too early"},
	{TEXT("{\"a\":"), 5, "ends too early"},
	{TEXT("{\"a\":1"), 6, "ends too early"},
	{TEXT("{\"a\":1,"), 7, "ends too early"},
	{TEXT("[1,]"), 3, "value is expected"},
	{TEXT("[,1]"), 1, "value is expected"},
	{TEXT("[1,,2]"), 3, "value is expected"},
	{TEXT("[1 2]"), 3, "comma or ]"},
	{TEXT("[1}"), 2, "comma or ]"},
	{TEXT("[1:2]"), 2, "comma or ]"},
	{TEXT("{\"a\":1]"), 6, "comma or }"},
	{TEXT("{\"a\":1 \"b\":2}"), 7, "comma or }"},
	{TEXT("{\"a\":1,}"), 7, "double quotes"},
	{TEXT("{,}"), 1, "double quotes"},
	{TEXT("{a:1}"), 1, "double quotes"},
	{TEXT("{'a':1}"), 1, "double quotes"},
	{TEXT("{1:1}"), 1, "double quotes"},
	{TEXT("{null:1}"), 1, "double quotes"},
	{TEXT("{\"a\" 1}"), 5, "colon"},
	{TEXT("{\"a\",1}"), 4, "colon"},
	{TEXT("{\"a\"::1}"), 5, "value is expected"},
	{TEXT("{\"a\":}"), 5, "value is expected"},
	{TEXT("]"), 0, "value is expected"},
	{TEXT("}"), 0, "value is expected"},
	{TEXT(":"), 0, "value is expected"},
	/* trailing text, comments, marks */
	{TEXT("{} {}"), 3, "after the end"},
	{TEXT("1 1"), 2, "after the end"},
	{TEXT("{}]"), 2, "after the end"},
	{TEXT("\"a\"x"), 3, "after the end"},
	{TEXT("{}\0"), 2, "after the end"},
	{TEXT("[1]#c"), 3, "after the end"},
	{TEXT("/**/1"), 0, "value is expected"},
	{TEXT("1//c"), 1, "after the end"},
	{TEXT("\xef\xbb\xbf{}"), 0, "byte order mark"},
	{TEXT("\xff\xfe[\0]\0"), 0, "value is expected"},
	{TEXT("\xc2\xa0[]"), 0, "value is expected"},
	{TEXT("\f[]"), 0, "value is expected"},
	{TEXT("\v1"), 0, "value is expected"},
	/* words */
	{TEXT("nul"), 3, "ends too early"},
	{TEXT("nulx"), 3, "unexpected"},
	{TEXT("True"), 0, "value is expected"},
	{TEXT("TRUE"), 0, "value is expected"},
	{TEXT("tru e"), 3, "unexpected"},
	{TEXT("truee"), 4, "after the end"},
	{TEXT("undefined"), 0, "value is expected"},
	{TEXT("NaN"), 0, "value is expected"},
	{TEXT("nan"), 1, "unexpected"},
	{TEXT("Infinity"), 0, "value is expected"},
	{TEXT("-Infinity"), 1, "digit"},
	{TEXT("inf"), 0, "value is expected"},
	/* numbers */
	{TEXT("01"), 1, "after the end"},
	{TEXT("-01"), 2, "after the end"},
	{TEXT("00"), 1, "after the end"},
	{TEXT("+1"), 0, "value is expected"},
	{TEXT("-"), 1, "ends too early"},
	{TEXT("--1"), 1, "digit"},
	{TEXT("- 1"), 1, "digit"},
	{TEXT(".5"), 0, "value is expected"},
	{TEXT("-.5"), 1, "digit"},
	{TEXT("1."), 2, "ends too early"},
	{TEXT("[1.]"), 3, "digit"},
	{TEXT("1.e1"), 2, "digit"},
	{TEXT("[1e]"), 3, "digit"},
	{TEXT("1e+"), 3, "ends too early"},
	{TEXT("[1e+-1]"), 4, "digit"},
	{TEXT("1e1.5"), 3, "after the end"},
	{TEXT("0x1F"), 1, "after the end"},
	{TEXT("1_000"), 1, "after the end"},
	{TEXT("1,000"), 1, "after the end"},
	{TEXT("[1a]"), 2, "comma or ]"},
	{TEXT("\xef\xbc\x91"), 0, "value is expected"},
	{TEXT("1e400"), 0, "out of range"},
	{TEXT("-1e400"), 0, "out of range"},
	{TEXT("{\"a\":1.8e308}"), 5, "out of range"},
	{TEXT("1.7976931348623159e308"), 0, "out of range"},
	{TEXT("1e99999999999999999999"), 0, "out of range"},
	{TEXT("1e-99999999999999999999"), 0, "out of range"},
	{TEXT("1e-16384"), 0, "out of range"},
	/* strings */
	{TEXT("\""), 1, "ends too early"},
	{TEXT("\"a"), 2, "ends too early"},
	{TEXT("\"\\"), 2, "ends too early"},
	{TEXT("\"\\\""), 3, "ends too early"},
	{TEXT("'a'"), 0, "value is expected"},
	{TEXT("`a`"), 0, "value is expected"},
	{TEXT("\"\\x41\""), 2, "no such escape"},
	{TEXT("\"\\a\""), 2, "no such escape"},
	{TEXT("\"\\'\""), 2, "no such escape"},
	{TEXT("\"\\0\""), 2, "no such escape"},
	{TEXT("\"\\\0\""), 2, "no such escape"},
	{TEXT("\"\\U0041\""), 2, "no such escape"},
	{TEXT("\"\\u\""), 3, "four hexadecimal"},
	{TEXT("\"\\u004\""), 6, "four hexadecimal"},
	{TEXT("\"\\u00g0\""), 5, "four hexadecimal"},
	{TEXT("\"\\u 041\""), 3, "four hexadecimal"},
	{TEXT("\"\\u+041\""), 3, "four hexadecimal"},
	{TEXT("\"\\u00"), 5, "ends too early"},
	{TEXT("\"\\u0000\""), 1, "NUL"},
	{TEXT("{\"a\\u0000b\":1}"), 3, "NUL"},
	{TEXT("\"\0\""), 1, "control character"},
	{TEXT("\"a\nb\""), 2, "control character"},
	{TEXT("\"a\tb\""), 2, "control character"},
	{TEXT("\"\x1f\""), 1, "control character"},
	{TEXT("{\"\n\":1}"), 2, "control character"},
	{TEXT("\"\\ud800\""), 1, "surrogate"},
	{TEXT("\"\\udc00\""), 1, "surrogate"},
	{TEXT("\"\\udbff\\u0041\""), 1, "surrogate"},
	{TEXT("\"\\ud800\\ud800\""), 1, "surrogate"},
	{TEXT("\"\\ud800\\n\""), 1, "surrogate"},
	{TEXT("\"\\ud800x\""), 1, "surrogate"},
	{TEXT("\"\\udc00\\ud800\""), 1, "surrogate"},
	{TEXT("\"\\ud83d\\u\""), 9, "four hexadecimal"},
	/* UTF-8 */
	{TEXT("\"\x80\""), 1, "not UTF-8"},
	{TEXT("\"\xff\""), 1, "not UTF-8"},
	{TEXT("\"a\xc3\""), 2, "not UTF-8"},
	{TEXT("\"\xc0\xaf\""), 1, "not UTF-8"},
	{TEXT("\"\xe0\x80\xaf\""), 1, "not UTF-8"},
	{TEXT("\"\xed\xa0\x80\""), 1, "not UTF-8"},
	{TEXT("\"\xf0\x80\x80\x80\""), 1, "not UTF-8"},
	{TEXT("\"\xf4\x90\x80\x80\""), 1, "not UTF-8"},
	{TEXT("\"\xf5\x80\x80\x80\""), 1, "not UTF-8"},
	{TEXT("\"\xe2\x82\""), 1, "not UTF-8"},
	{TEXT("\"\xe9\""), 1, "not UTF-8"},
	/* keys */
	{TEXT("{\"a\":1,\"a\":2}"), 7, "repeated"},
	{TEXT("{\"a\":1,\"\\u0061\":2}"), 7, "repeated"},
	{TEXT("{\"\":1,\"\":2}"), 6, "repeated"},
	{TEXT("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"), 18, "repeated"},
	{TEXT("[{\"\xc5\x82\":1,\"\\u0142\":2}]"), 9, "repeated"},
	{TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"), 18, "repeated"},
};

static const char *const accepted[] = {"null", "true", "false", "0", "-0", "1", "-1", "1e5", "1E+5",
	"1e-5", "1.5", "-0.0", "0e1", "0E-1", "123456789012345678901234567890", "1e308",
	"1.7976931348623157e308", "1.7976931348623158e308", "1e-400", "1e-16383", "0e400", "5e-324",
	"\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0041\"", "\"\\uABcd\"",
	"\"\\ud83d\\ude00\"", "\"\\uD83D\\uDE00\"", "\"\\uffff\"", "\"\x7f\"", "\"\xc2\x80\"",
	"\"\xef\xbf\xbf\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xe2\x80\xa8\"", "[]", "[ ]", "{}", "{ }",
	" [ 1 , 2 ] ", "\t\r\n{\"a\" : [ ] }\n", "[[],[]]", "[{\"a\":1},{\"a\":1}]",
	"{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":1,\"A\":2}", "{\"a\":[1],\"b\":{\"a\":2}}", "{\"\":0}",
	"[null,true,false,0,\"\"]", "[1.0,1.00]", "\"null\""};

static struct json_doc *parse(const char *text)
{
	char why[200] = "";
	struct json_doc *doc = json_parse(text, strlen(text), why, sizeof(why));

	if (doc == NULL)
		print_message("refused: %s (%s)\n", text, why);
	assert_non_null(doc);
	return doc;
}

static void every_malformed_text_is_refused_at_its_first_wrong_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const struct refused *r = &refused[i];
		char *exact = malloc(r->len + 1); /* so that a sanitizer sees one byte too many */
		char want[64];
		char why[200] = "";

		memcpy(exact, r->text, r->len);
		exact = realloc(exact, r->len > 0 ? r->len : 1);
		assert_null(json_parse(exact, r->len, why, sizeof(why)));
		snprintf(want, sizeof(want), "at byte %zu: ", r->at);
		if (strstr(why, want) == NULL || strstr(why, r->what) == NULL)
			print_message("%zu: %s\nsays: %s\n", i, r->text, why);
		assert_non_null(strstr(why, want));
		assert_non_null(strstr(why, r->what));
		free(exact);
	}
}

static void every_well_formed_text_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct json_doc *doc = parse(accepted[i]);

		json_free(&doc);
		assert_null(doc);
	}
	json_free(&(struct json_doc *){NULL});
}

/* Every prefix of a text with all there is in it is malformed, and none is read past its end. */
static void a_text_cut_anywhere_is_refused(void **state)
{
	static const char whole[] = "{\"a\\u0041\\ud83d\\ude00\":[1.5e-3,{\"b\":null}],"
				    "\"\xc5\x82\":\"\\n\",\"c\":[true,false]}";
	const size_t len = sizeof(whole) - 1;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		char *exact = malloc(cut > 0 ? cut : 1);
		char why[200];

		memcpy(exact, whole, cut);
		assert_null(json_parse(exact, cut, why, sizeof(why)));
		free(exact);
	}
	json_free(&(struct json_doc *){parse(whole)});
}

static void members_keep_order_kind_and_their_place_in_the_text(void **state)
{
	static const char text[] = " {\"s\" : \"a\\tb\" ,\"n\":-12,\"x\":1.50,\"b\":true,"
				   "\"z\":null,\"o\": {\"k\" : [1, 2]} ,\"l\":[ ]} ";
	static const struct {
		const char *name, *raw;
		enum json_kind kind;
	} want[] = {
		{"s", "\"a\\tb\"", JSON_STRING},
		{"n", "-12", JSON_INTEGER},
		{"x", "1.50", JSON_NUMBER},
		{"b", "true", JSON_BOOLEAN},
		{"z", "null", JSON_NULL},
		{"o", "{\"k\" : [1, 2]}", JSON_OBJECT},
		{"l", "[ ]", JSON_ARRAY},
	};
	struct json_doc *doc = parse(text);

	(void)state;
	assert_int_equal(json_kind(doc), JSON_OBJECT);
	assert_int_equal(json_count(doc), ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		const struct json_member *m = json_at(doc, i);

		assert_string_equal(m->name, want[i].name);
		assert_int_equal(m->kind, want[i].kind);
		assert_int_equal(m->raw_len, strlen(want[i].raw));
		assert_memory_equal(m->raw, want[i].raw, m->raw_len);
		assert_true(m->raw > text && m->raw < text + sizeof(text));
		assert_ptr_equal(json_find(doc, want[i].name), m);
	}
	assert_string_equal(json_find(doc, "s")->string, "a\tb");
	assert_int_equal(json_find(doc, "s")->string_len, 3);
	assert_int_equal(json_find(doc, "n")->integer, -12);
	assert_true(json_find(doc, "b")->boolean);
	assert_null(json_find(doc, "k"));
	assert_null(json_find(doc, ""));
	json_free(&doc);
}

static void a_value_is_as_long_as_its_numbers_written_out(void **state)
{
	static const struct {
		const char *value;
		size_t least; /* as PostgreSQL prints it, without blanks */
		size_t most;
	} cases[] = {
		{"17", 2, 2},
		{"-1.50", 5, 5},
		{"\"1e300\"", 7, 7},
		{"1e0", 1, 3},
		{"1e300", 301, 302},
		{"-1E+300", 302, 302},
		{"1.5e300", 301, 302},
		{"1e-300", 302, 303},
		{"-1.25e-300", 305, 305},
		{"0.001e3", 1, 8},
		{"12.34e1", 5, 8},
		{"1e-16383", 16385, 16386},
		{"[1e300,{\"a\":1e300},true]", 2 * 301 + 14, 2 * 302 + 14},
	};
	char why[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128];
		struct json_doc *doc;
		int len = snprintf(
			text, sizeof(text), "{\"a\":2e9,\"b\": %s ,\"c\":3e9}", cases[i].value);

		doc = json_parse(text, (size_t)len, why, sizeof(why));
		assert_non_null(doc);
		assert_in_range(json_find(doc, "b")->plain_len, cases[i].least, cases[i].most);
		json_free(&doc);
	}
}

static void only_an_outermost_object_has_members(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
	} roots[] = {
		{"[{\"a\":1}]", JSON_ARRAY},
		{"\"a\"", JSON_STRING},
		{"7", JSON_INTEGER},
		{"7.0", JSON_NUMBER},
		{"true", JSON_BOOLEAN},
		{"null", JSON_NULL},
		{"{}", JSON_OBJECT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		struct json_doc *doc = parse(roots[i].text);

		assert_int_equal(json_kind(doc), roots[i].kind);
		assert_int_equal(json_count(doc), 0);
		assert_null(json_find(doc, "a"));
		json_free(&doc);
	}
}

static void an_integer_that_does_not_fit_stays_a_number_with_every_digit(void **state)
{
	struct json_doc *doc = parse("{\"a\":9223372036854775807,\"b\":-9223372036854775808,"
				     "\"c\":9223372036854775808,\"d\":-9223372036854775809,"
				     "\"e\":1e2,\"f\":-0,\"g\":0.10000000000000000000000001}");

	(void)state;
	assert_int_equal(json_at(doc, 0)->kind, JSON_INTEGER);
	assert_true(json_at(doc, 0)->integer == INT64_MAX);
	assert_int_equal(json_at(doc, 1)->kind, JSON_INTEGER);
	assert_true(json_at(doc, 1)->integer == INT64_MIN);
	assert_int_equal(json_at(doc, 2)->kind, JSON_NUMBER);
	assert_memory_equal(json_at(doc, 2)->raw, "9223372036854775808", 19);
	assert_int_equal(json_at(doc, 3)->kind, JSON_NUMBER);
	assert_int_equal(json_at(doc, 4)->kind, JSON_NUMBER);
	assert_int_equal(json_at(doc, 5)->kind, JSON_INTEGER);
	assert_int_equal(json_at(doc, 5)->integer, 0);
	assert_int_equal(json_at(doc, 6)->raw_len, 28);
	json_free(&doc);
}

static void escapes_are_decoded_in_names_and_strings(void **state)
{
	struct json_doc *doc = parse("{\"\\u0061\\n\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
				     "\"e\":\"\\u00e9\\u20ac\\ud83d\\ude00\xc5\x82\","
				     "\"p\":\"plain \xc5\x82\",\"empty\":\"\"}");

	(void)state;
	assert_string_equal(json_at(doc, 0)->name, "a\n");
	assert_string_equal(json_at(doc, 0)->string, "\"\\/\b\f\n\r\t");
	assert_string_equal(
		json_at(doc, 1)->string, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc5\x82");
	assert_int_equal(json_at(doc, 1)->string_len, 11);
	assert_string_equal(json_at(doc, 2)->string, "plain \xc5\x82");
	assert_string_equal(json_at(doc, 3)->string, "");
	assert_int_equal(json_at(doc, 3)->string_len, 0);
	json_free(&doc);
}

static void nest(struct buf *out, int depth, const char *open, const char *inside, const char *shut)
{
	buf_reset(out);
	for (int i = 0; i < depth; i++)
		buf_str(out, open);
	buf_str(out, inside);
	for (int i = 0; i < depth; i++)
		buf_str(out, shut);
}

static void sixteen_levels_are_accepted_and_seventeen_refused(void **state)
{
	struct buf text = {0};
	char why[200];
	struct json_doc *doc;

	(void)state;
	nest(&text, 16, "[", "1", "]");
	json_free(&(struct json_doc *){parse(buf_cstr(&text))});
	nest(&text, 16, "{\"a\":", "1", "}");
	json_free(&(struct json_doc *){parse(buf_cstr(&text))});
	nest(&text, 17, "[", "", "]");
	assert_null(json_parse(text.data, text.len, why, sizeof(why)));
	assert_string_equal(why, "Malformed JSON at byte 16: nested too deeply (16 levels are "
				 "allowed).");
	nest(&text, 17, "{\"a\":", "{}", "}");
	assert_null(json_parse(text.data, text.len, why, sizeof(why)));
	nest(&text, 100000, "[", "", "");
	assert_null(json_parse(text.data, text.len, why, sizeof(why)));
	/* Depth is what is open now, not how often something was opened. */
	buf_reset(&text);
	buf_str(&text, "[0");
	for (int i = 0; i < 100; i++)
		buf_str(&text, ",[[]],{\"a\":{}}");
	buf_str(&text, "]");
	doc = parse(buf_cstr(&text));
	json_free(&doc);
	buf_free(&text);
}

/* A text with so many keys, all in one object or in objects of one key each, and what ends it. */
static const char *keys(struct buf *text, int count, bool apart, const char *end)
{
	buf_free(text);
	buf_str(text, apart ? "[" : "{");
	for (int i = 0; i < count; i++)
		buf_printf(text, apart ? "%s{\"%.0x\":%d}" : "%s\"key%04x\":%d", i == 0 ? "" : ",",
			(unsigned)i, i % 10);
	buf_str(text, end);
	return buf_cstr(text);
}

static void as_many_keys_as_are_allowed_are_told_apart(void **state)
{
	struct buf text = {0};
	struct json_doc *doc;
	char why[200];

	(void)state;
	doc = parse(keys(&text, JSON_KEYS_MAX, false, "}"));
	assert_false(json_crowded(doc));
	assert_int_equal(json_count(doc), JSON_KEYS_MAX);
	assert_int_equal(json_at(doc, JSON_KEYS_MAX - 1)->integer, (JSON_KEYS_MAX - 1) % 10);
	json_free(&doc);
	keys(&text, JSON_KEYS_MAX - 1, false, ",\"key0000\":1}");
	assert_null(json_parse(text.data, text.len, why, sizeof(why)));
	assert_non_null(strstr(why, "repeated"));
	buf_free(&text);
}

static void more_keys_are_too_many_however_they_are_nested(void **state)
{
	static const struct {
		int count;
		bool apart;
		const char *
			end; /* what stands behind the last key that is looked at is not looked at */
	} cases[] = {
		{JSON_KEYS_MAX + 1, false, "}"},
		{JSON_KEYS_MAX + 1, true, "]"},
		{JSON_KEYS_MAX, false, ",\"one more\":nonsense"},
		{20000, false, "}"},
		{20000, true, "]"},
	};
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_doc *doc =
			parse(keys(&text, cases[i].count, cases[i].apart, cases[i].end));

		assert_true(text.len <= 256 * 1024);
		assert_true(json_crowded(doc));
		assert_int_equal(json_count(doc), 0);
		assert_null(json_find(doc, "key0000"));
		json_free(&doc);
	}
	buf_free(&text);
}

static void numbers_that_take_much_more_when_they_are_written_out_are_told(void **state)
{
	static const struct {
		const char *number;
		int count;
		bool spreads;
	} cases[] = {
		{"1", 60000, false},
		{"1e300", 880, false},
		{"1e300", 890, true},
		{"1e300", 40000, true},
		{"1e-16383", 15, false},
		{"1e-16383", 17, true},
		{"1e-16383", 25000, true},
		{"\"1e300\"", 30000, false},
	};
	struct buf text = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct json_doc *doc;

		buf_free(&text);
		for (int n = 0; n < cases[i].count; n++)
			buf_printf(&text, "%s%s", n == 0 ? "{\"a\":[" : ",", cases[i].number);
		buf_str(&text, "]}");
		doc = parse(buf_cstr(&text));
		assert_int_equal(json_spreads(doc), cases[i].spreads);
		json_free(&doc);
	}
	buf_free(&text);
}

static void many_small_objects_may_use_the_same_key(void **state)
{
	struct buf text = {0};
	struct json_doc *doc;

	(void)state;
	for (int i = 0; i < JSON_KEYS_MAX; i++)
		buf_str(&text, i == 0 ? "[{\"\":1}" : ",{\"\":1}");
	buf_char(&text, ']');
	doc = parse(buf_cstr(&text));
	assert_false(json_crowded(doc));
	json_free(&doc);
	buf_free(&text);
}

static void a_number_of_many_digits_is_judged_by_its_value(void **state)
{
	struct buf text = {0};
	char why[200];

	(void)state;
	for (int i = 0; i < 309; i++)
		buf_char(&text, '1');
	json_free(&(struct json_doc *){parse(buf_cstr(&text))});
	buf_char(&text, '1');
	assert_null(json_parse(text.data, text.len, why, sizeof(why)));
	buf_str(&text, "e-10");
	json_free(&(struct json_doc *){parse(buf_cstr(&text))});
	buf_reset(&text);
	buf_str(&text, "0.");
	for (int i = 0; i < 16383; i++)
		buf_char(&text, '3');
	json_free(&(struct json_doc *){parse(buf_cstr(&text))});
	buf_char(&text, '3');
	assert_null(json_parse(text.data, text.len, why, sizeof(why)));
	buf_free(&text);
}

static void quoting_is_undone_by_parsing(void **state)
{
	char all[128];
	struct buf text = {0};
	struct json_doc *doc;

	(void)state;
	for (int i = 1; i < 128; i++)
		all[i - 1] = (char)i;
	all[127] = '\0';
	buf_str(&text, "{\"s\":");
	json_text_quote(&text, all, strlen(all));
	buf_str(&text, ",\"u\":");
	json_text_quote(&text, "\xc5\x82\xf0\x9f\x98\x80", 6);
	buf_char(&text, '}');
	doc = parse(buf_cstr(&text));
	assert_string_equal(json_at(doc, 0)->string, all);
	assert_string_equal(json_at(doc, 1)->string, "\xc5\x82\xf0\x9f\x98\x80");
	json_free(&doc);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_malformed_text_is_refused_at_its_first_wrong_byte),
		cmocka_unit_test(every_well_formed_text_is_accepted),
		cmocka_unit_test(a_text_cut_anywhere_is_refused),
		cmocka_unit_test(members_keep_order_kind_and_their_place_in_the_text),
		cmocka_unit_test(a_value_is_as_long_as_its_numbers_written_out),
		cmocka_unit_test(only_an_outermost_object_has_members),
		cmocka_unit_test(an_integer_that_does_not_fit_stays_a_number_with_every_digit),
		cmocka_unit_test(escapes_are_decoded_in_names_and_strings),
		cmocka_unit_test(sixteen_levels_are_accepted_and_seventeen_refused),
		cmocka_unit_test(as_many_keys_as_are_allowed_are_told_apart),
		cmocka_unit_test(more_keys_are_too_many_however_they_are_nested),
		cmocka_unit_test(numbers_that_take_much_more_when_they_are_written_out_are_told),
		cmocka_unit_test(many_small_objects_may_use_the_same_key),
		cmocka_unit_test(a_number_of_many_digits_is_judged_by_its_value),
		cmocka_unit_test(quoting_is_undone_by_parsing),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
