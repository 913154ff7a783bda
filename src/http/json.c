/*
 * Strict JSON: the only door to json-c.
 *
 * The scan walks the text once, by recursive descent; the depth limit bounds the stack. It decides
 * alone what is JSON. What must be decoded after that (strings with escapes) json-c decodes.
 *
 * Keys are compared as they read, not as they are written ("a" repeats "\u0061"). All objects of a
 * text share one hash set, in which a key stands together with the number of its object, so that
 * JSON_KEYS_MAX keys cost no more than as many steps however they are nested. The hash is keyed by a
 * random number of the process: nobody can prepare a text whose keys all collide.
 */
#include "config.h" /* _GNU_SOURCE: strtod_l */

#include "http/json.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <json-c/printbuf.h>
#include <sodium.h>

#include "base/hex.h"
#include "base/mem.h"
#include "http/utf8.h"

#define FIRST_KEYS    16
#define FIRST_MEMBERS 16

/* PostgreSQL's numeric ends there; a jsonb could not hold more. Far beyond any double's digits. */
#define DECIMALS_MAX 16383
/* A number with no more digits than this before its point is below the largest double. */
#define SAFE_DIGITS 308

struct json_doc {
	struct mem_arena arena; /* names and decoded strings */
	enum json_kind kind;
	struct json_member *members;
	size_t count;
	size_t cap;
	bool crowded;
	bool spreads;
};

struct key {
	const char *name; /* NULL: the slot is free */
	uint32_t object;
	uint32_t hash;
};

struct key_set {
	struct key *slots;
	size_t count;
	size_t cap; /* a power of two, at least twice the count */
};

struct scan {
	const char *text;
	size_t len;
	size_t at;
	const char *wrong; /* NULL until something is */
	size_t wrong_at;
	int depth;
	uint32_t objects; /* opened so far: the next one's number */
	size_t spread;    /* bytes that the numbers so far would take more if written out */
	struct key_set keys;
	struct json_tokener *tokener; /* made for the first string that needs it */
	struct json_doc *doc;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static locale_t c_locale; /* in others the decimal point may be a comma */

static void prepare(void)
{
	MUST(sodium_init() >= 0);
	crypto_shorthash_keygen(hash_key);
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	MUST(c_locale != (locale_t)0);
}

/* ---- keys ------------------------------------------------------------------------------ */

static uint32_t key_hash(uint32_t object, const char *name)
{
	unsigned char bytes[crypto_shorthash_BYTES];
	uint32_t hash;

	MUST_ZERO(crypto_shorthash(bytes, (const unsigned char *)name, strlen(name), hash_key));
	memcpy(&hash, bytes, sizeof(hash));
	return hash ^ object * UINT32_C(0x9e3779b1);
}

/* The slot that holds that key, or the free one where it belongs. */
static struct key *key_slot(const struct key_set *set, const struct key *key)
{
	size_t i = key->hash & (set->cap - 1);

	for (; set->slots[i].name != NULL; i = (i + 1) & (set->cap - 1)) {
		const struct key *there = &set->slots[i];

		if (there->hash == key->hash && there->object == key->object &&
			strcmp(there->name, key->name) == 0)
			break;
	}
	return &set->slots[i];
}

static void keys_grow(struct key_set *set)
{
	struct key_set bigger = {.count = set->count};

	bigger.cap = set->cap == 0 ? FIRST_KEYS : set->cap * 2;
	bigger.slots = mem_zero(bigger.cap * sizeof(*bigger.slots));
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i].name != NULL)
			*key_slot(&bigger, &set->slots[i]) = set->slots[i];
	free(set->slots);
	*set = bigger;
}

/* False when that object has that key already. `name` must outlive the set. */
static bool keys_add(struct key_set *set, uint32_t object, const char *name)
{
	const struct key key = {name, object, key_hash(object, name)};
	struct key *slot;

	if ((set->count + 1) * 2 > set->cap)
		keys_grow(set);
	slot = key_slot(set, &key);
	if (slot->name != NULL)
		return false;
	*slot = key;
	set->count++;
	return true;
}

/* ---- the scan -------------------------------------------------------------------------- */

static bool fail_at(struct scan *scan, size_t at, const char *wrong)
{
	if (scan->wrong == NULL) {
		scan->wrong = wrong;
		scan->wrong_at = at;
	}
	return false;
}

/* The byte here; NUL, which is nowhere allowed, at the end. */
static char peek(const struct scan *scan)
{
	return scan->at < scan->len ? scan->text[scan->at] : '\0';
}

static bool fail_here(struct scan *scan, const char *wrong)
{
	if (scan->at >= scan->len)
		wrong = "the text ends too early";
	return fail_at(scan, scan->at, wrong);
}

static bool take_char(struct scan *scan, char c)
{
	if (peek(scan) != c || scan->at >= scan->len)
		return false;
	scan->at++;
	return true;
}

static void skip_blanks(struct scan *scan)
{
	while (take_char(scan, ' ') || take_char(scan, '\t') || take_char(scan, '\n') ||
		take_char(scan, '\r'))
		;
}

static bool scan_hex4(struct scan *scan, unsigned *ret_value)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		const int digit = hex_digit(peek(scan));

		if (digit < 0)
			return fail_here(scan, "\\u wants four hexadecimal digits");
		value = value * 16 + (unsigned)digit;
		scan->at++;
	}
	*ret_value = value;
	return true;
}

/* After `\u`, which stands at `start`. */
static bool scan_unicode_escape(struct scan *scan, size_t start)
{
	unsigned first;
	unsigned second;

	if (!scan_hex4(scan, &first))
		return false;
	if (first == 0)
		return fail_at(scan, start, "NUL is not allowed in a string");
	if (first < 0xd800 || first > 0xdfff)
		return true;
	if (first > 0xdbff || !take_char(scan, '\\') || !take_char(scan, 'u'))
		return fail_at(scan, start, "half of a surrogate pair stands alone");
	if (!scan_hex4(scan, &second))
		return false;
	if (second < 0xdc00 || second > 0xdfff)
		return fail_at(scan, start, "half of a surrogate pair stands alone");
	return true;
}

static bool scan_escape(struct scan *scan)
{
	const size_t start = scan->at++;
	const char c = peek(scan);

	if (take_char(scan, 'u'))
		return scan_unicode_escape(scan, start);
	if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
		return fail_here(scan, "no such escape in a string");
	scan->at++;
	return true;
}

/* One character of a string that is neither a quote nor an escape. */
static bool scan_character(struct scan *scan)
{
	size_t step;

	if ((unsigned char)peek(scan) < 0x20)
		return fail_here(scan, "a control character in a string must be escaped");
	step = utf8_step(scan->text + scan->at, scan->len - scan->at);
	if (step == 0)
		return fail_here(scan, "these bytes are not UTF-8");
	scan->at += step;
	return true;
}

/* Most of most strings: what needs no second look. */
static void skip_plain(struct scan *scan)
{
	while (scan->at < scan->len) {
		const unsigned char c = (unsigned char)scan->text[scan->at];

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			return;
		scan->at++;
	}
}

static bool scan_string(struct scan *scan, bool *ret_escaped)
{
	*ret_escaped = false;
	if (!take_char(scan, '"'))
		return fail_here(scan, "a string in double quotes is expected");
	while (skip_plain(scan), !take_char(scan, '"')) {
		if (peek(scan) == '\\') {
			*ret_escaped = true;
			if (!scan_escape(scan))
				return false;
		} else if (!scan_character(scan)) {
			return false;
		}
	}
	return true;
}

/* Where json-c puts a string together. It must not grow while there is one in it: what it grew out
 * of would keep a part, and the string may be a password. */
static void clear_buffer(struct json_tokener *tokener, size_t len)
{
	MUST(printbuf_memset(tokener->pb, 0, 0, (int)len) == 0);
}

static void free_tokener(struct json_tokener *tokener)
{
	explicit_bzero(tokener->pb->buf, (size_t)tokener->pb->size);
	json_tokener_free(tokener);
}

/* A copy of json-c's string, which is wiped. */
static const char *take_string(struct mem_arena *arena, struct json_object *string, size_t *ret_len)
{
	const char *text = json_object_get_string(string);
	const size_t len = (size_t)json_object_get_string_len(string);
	const char *copy = mem_arena_copy(arena, text, len);

	explicit_bzero((void *)(uintptr_t)text, len);
	json_object_put(string);
	*ret_len = len;
	return copy;
}

/* The string that stands from `start` to here, without its quotes and escapes. */
static const char *decode_string(struct scan *scan, size_t start, bool escaped, size_t *ret_len)
{
	const char *quoted = scan->text + start;
	const size_t len = scan->at - start;
	struct json_object *string;

	if (!escaped) {
		*ret_len = len - 2;
		return mem_arena_copy(&scan->doc->arena, quoted + 1, len - 2);
	}
	if (scan->tokener == NULL)
		scan->tokener = json_tokener_new();
	MUST(scan->tokener != NULL);
	json_tokener_reset(scan->tokener);
	clear_buffer(scan->tokener, len);
	string = json_tokener_parse_ex(scan->tokener, quoted, (int)len);
	MUST(json_object_is_type(string, json_type_string));
	return take_string(&scan->doc->arena, string, ret_len);
}

/* At least one digit; how many. */
static size_t scan_digits(struct scan *scan)
{
	const size_t start = scan->at;

	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	if (scan->at == start)
		(void)fail_here(scan, "a digit is expected");
	return scan->at - start;
}

/* The exponent after its `e`, held within one beyond DECIMALS_MAX; false without a digit. */
static bool scan_exponent(struct scan *scan, long *ret_exponent)
{
	const bool minus = peek(scan) == '-';
	size_t digits;
	long value = 0;

	if (!take_char(scan, '+'))
		(void)take_char(scan, '-');
	digits = scan_digits(scan);
	for (const char *s = scan->text + scan->at - digits; digits > 0; s++, digits--)
		if (value <= DECIMALS_MAX)
			value = value * 10 + (*s - '0');
	if (value > DECIMALS_MAX)
		value = DECIMALS_MAX + 1;
	*ret_exponent = minus ? -value : value;
	return scan->wrong == NULL;
}

/* Whether the number from `start` to here is finite as a double, and holds in a jsonb. */
static bool in_range(struct scan *scan, size_t start, size_t digits, size_t decimals, long exponent)
{
	const char *copy;

	if (exponent > DECIMALS_MAX || (long)decimals - exponent > DECIMALS_MAX)
		return false;
	if ((long)digits + exponent <= SAFE_DIGITS)
		return true;
	copy = mem_arena_copy(&scan->doc->arena, scan->text + start, scan->at - start);
	return isfinite(strtod_l(copy, NULL, c_locale));
}

/* The integer from `start` to here, if it fits. */
static bool read_integer(const struct scan *scan, size_t start, int64_t *ret_value)
{
	const bool minus = scan->text[start] == '-';
	int64_t value = 0;

	for (size_t i = start + minus; i < scan->at; i++) {
		const int64_t digit = scan->text[i] - '0';

		if (__builtin_mul_overflow(value, INT64_C(10), &value) ||
			__builtin_add_overflow(value, minus ? -digit : digit, &value))
			return false;
	}
	*ret_value = value;
	return true;
}

/* What a number takes more than its `len` bytes when it is written out, as PostgreSQL prints it: 1e300
 * is then 301 digits. Never too little; noughts before the first digit are not looked for. */
static size_t spread_of(size_t len, size_t digits, size_t decimals, long exponent)
{
	const long whole = (long)digits + exponent;
	const long rest = (long)decimals - exponent;
	const size_t plain = (size_t)(whole > 1 ? whole : 1) + (size_t)(rest > 0 ? rest + 1 : 0);

	return plain + 1 > len ? plain + 1 - len : 0; /* one for the sign */
}

static bool scan_number(struct scan *scan, struct json_member *value)
{
	const size_t start = scan->at;
	size_t digits = 1;
	size_t decimals = 0;
	long exponent = 0;
	bool whole = true;

	(void)take_char(scan, '-');
	if (!take_char(scan, '0'))
		digits = scan_digits(scan);
	if (scan->wrong == NULL && take_char(scan, '.')) {
		whole = false;
		decimals = scan_digits(scan);
	}
	if (scan->wrong == NULL && (take_char(scan, 'e') || take_char(scan, 'E'))) {
		whole = false;
		(void)scan_exponent(scan, &exponent);
	}
	if (scan->wrong != NULL)
		return false;
	if (!in_range(scan, start, digits, decimals, exponent))
		return fail_at(scan, start, "a number out of range");
	if (exponent != 0)
		scan->spread += spread_of(scan->at - start, digits, decimals, exponent);
	value->kind =
		whole && read_integer(scan, start, &value->integer) ? JSON_INTEGER : JSON_NUMBER;
	return true;
}

static bool scan_literal(
	struct scan *scan, const char *word, enum json_kind kind, struct json_member *value)
{
	for (const char *c = word; *c != '\0'; c++)
		if (!take_char(scan, *c))
			return fail_here(scan, "unexpected character");
	value->kind = kind;
	value->boolean = *word == 't';
	return true;
}

static bool scan_value(struct scan *scan, struct json_member *value);

static bool enter(struct scan *scan)
{
	scan->at++;
	if (++scan->depth > JSON_DEPTH_MAX)
		return fail_at(scan, scan->at - 1, "nested too deeply (16 levels are allowed)");
	skip_blanks(scan);
	return true;
}

/* After an element: moves on to the next one, or over the closing bracket. */
static bool leave_or_next(struct scan *scan, char close, bool *ret_left)
{
	skip_blanks(scan);
	*ret_left = take_char(scan, close);
	if (*ret_left) {
		scan->depth--;
		return true;
	}
	if (!take_char(scan, ','))
		return fail_here(scan,
			close == ']' ? "a comma or ] is expected" : "a comma or } is expected");
	skip_blanks(scan);
	return true;
}

static bool scan_array(struct scan *scan, struct json_member *value)
{
	bool left = false;

	value->kind = JSON_ARRAY;
	if (!enter(scan))
		return false;
	if (take_char(scan, ']')) {
		scan->depth--;
		return true;
	}
	while (!left) {
		struct json_member element = {0};

		if (!scan_value(scan, &element) || !leave_or_next(scan, ']', &left))
			return false;
	}
	return true;
}

static void remember(struct json_doc *doc, const struct json_member *member)
{
	if (doc->count == doc->cap) {
		doc->cap = doc->cap == 0 ? FIRST_MEMBERS : doc->cap * 2;
		doc->members = mem_resize(doc->members, doc->cap * sizeof(*doc->members));
	}
	doc->members[doc->count++] = *member;
}

/* `"name": value`; the name is new in object number `object`. */
static bool scan_member(struct scan *scan, uint32_t object)
{
	const bool outermost = scan->depth == 1;
	const size_t start = scan->at;
	struct json_member member = {0};
	size_t name_len;
	bool escaped;

	if (!scan_string(scan, &escaped))
		return false;
	if (scan->keys.count == JSON_KEYS_MAX) {
		scan->doc->crowded = true;
		return false;
	}
	member.name = decode_string(scan, start, escaped, &name_len);
	if (!keys_add(&scan->keys, object, member.name))
		return fail_at(scan, start, "a key is repeated within one object");
	skip_blanks(scan);
	if (!take_char(scan, ':'))
		return fail_here(scan, "a colon is expected");
	skip_blanks(scan);
	if (!scan_value(scan, &member))
		return false;
	if (outermost)
		remember(scan->doc, &member);
	return true;
}

static bool scan_object(struct scan *scan, struct json_member *value)
{
	const uint32_t object = scan->objects++;
	bool left = false;

	value->kind = JSON_OBJECT;
	if (!enter(scan))
		return false;
	if (take_char(scan, '}')) {
		scan->depth--;
		return true;
	}
	while (!left)
		if (!scan_member(scan, object) || !leave_or_next(scan, '}', &left))
			return false;
	return true;
}

/* A string's content is wanted of the outermost object's members alone. */
static bool scan_string_value(struct scan *scan, struct json_member *value)
{
	const size_t start = scan->at;
	bool escaped;

	value->kind = JSON_STRING;
	if (!scan_string(scan, &escaped))
		return false;
	if (scan->depth == 1 && value->name != NULL)
		value->string = decode_string(scan, start, escaped, &value->string_len);
	return true;
}

static bool scan_any(struct scan *scan, struct json_member *value)
{
	switch (peek(scan)) {
	case '{':
		return scan_object(scan, value);
	case '[':
		return scan_array(scan, value);
	case '"':
		return scan_string_value(scan, value);
	case 't':
		return scan_literal(scan, "true", JSON_BOOLEAN, value);
	case 'f':
		return scan_literal(scan, "false", JSON_BOOLEAN, value);
	case 'n':
		return scan_literal(scan, "null", JSON_NULL, value);
	default:
		if (peek(scan) == '-' || (peek(scan) >= '0' && peek(scan) <= '9'))
			return scan_number(scan, value);
		return fail_here(scan, "a value is expected");
	}
}

static bool scan_value(struct scan *scan, struct json_member *value)
{
	const size_t start = scan->at;
	const size_t spread = scan->spread;

	if (!scan_any(scan, value))
		return false;
	value->raw = scan->text + start;
	value->raw_len = scan->at - start;
	value->plain_len = value->raw_len + scan->spread - spread;
	return true;
}

static bool scan_text(struct scan *scan)
{
	struct json_member root = {0};

	if (scan->len >= 3 && memcmp(scan->text, "\xef\xbb\xbf", 3) == 0)
		return fail_at(scan, 0, "a byte order mark is not allowed");
	skip_blanks(scan);
	if (scan->at == scan->len)
		return fail_at(scan, scan->at, "the text is empty");
	if (!scan_value(scan, &root))
		return false;
	skip_blanks(scan);
	if (scan->at < scan->len)
		return fail_here(scan, "text after the end of the value");
	scan->doc->kind = root.kind;
	return true;
}

/* ---- the document ---------------------------------------------------------------------- */

struct json_doc *json_parse(const char *text, size_t len, char *why, size_t why_size)
{
	struct scan scan = {.text = text, .len = len};
	bool good;

	MUST_ZERO(pthread_once(&once, prepare));
	MUST(len < INT32_MAX);
	scan.doc = mem_zero(sizeof(*scan.doc));
	good = scan_text(&scan);
	free(scan.keys.slots);
	if (scan.tokener != NULL)
		free_tokener(scan.tokener);
	scan.doc->spreads = scan.spread > JSON_SPREAD_MAX;
	if (scan.doc->crowded) {
		scan.doc->count = 0;
	} else if (!good) {
		snprintf(why, why_size, "Malformed JSON at byte %zu: %s.", scan.wrong_at,
			scan.wrong);
		json_free(&scan.doc);
	}
	return scan.doc;
}

void json_free(struct json_doc **doc)
{
	if (*doc == NULL)
		return;
	mem_arena_free(&(*doc)->arena);
	free((*doc)->members);
	free(*doc);
	*doc = NULL;
}

enum json_kind json_kind(const struct json_doc *doc)
{
	return doc->kind;
}

bool json_crowded(const struct json_doc *doc)
{
	return doc->crowded;
}

bool json_spreads(const struct json_doc *doc)
{
	return doc->spreads;
}

size_t json_count(const struct json_doc *doc)
{
	return doc->count;
}

const struct json_member *json_at(const struct json_doc *doc, size_t i)
{
	MUST(i < doc->count);
	return &doc->members[i];
}

const struct json_member *json_find(const struct json_doc *doc, const char *name)
{
	for (size_t i = 0; i < doc->count; i++)
		if (strcmp(doc->members[i].name, name) == 0)
			return &doc->members[i];
	return NULL;
}
