/*
 * JSON: what the scan lets through, json-c, as strict as it can be, reads too, and reads the same; what
 * the scan says a value takes written out is no less than it takes; and what it let through once it lets
 * through again, put together from its members.
 */
#include "fuzz.h"

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

#include "base/json_text.h"
#include "http/json.h"

/* ---- a second opinion ------------------------------------------------------------------------ */

static struct json_object *read_again(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct mem_arena arena = {0};
	struct json_object *root;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	/* With its NUL, at which a number ends. */
	root = json_tokener_parse_ex(tokener, mem_arena_copy(&arena, text, len), (int)len + 1);
	MUST(json_tokener_get_error(tokener) == json_tokener_success);
	json_tokener_free(tokener);
	mem_arena_free(&arena);
	return root;
}

static void compare_member(const struct json_member *member, struct json_object *theirs)
{
	static const enum json_type types[] = {
		[JSON_NULL] = json_type_null,
		[JSON_BOOLEAN] = json_type_boolean,
		[JSON_INTEGER] = json_type_int,
		[JSON_STRING] = json_type_string,
		[JSON_ARRAY] = json_type_array,
		[JSON_OBJECT] = json_type_object,
	};

	if (member->kind == JSON_NUMBER)
		return; /* json-c takes a whole one that is too large for 64 bits as it can */
	MUST(json_object_get_type(theirs) == types[member->kind]);
	if (member->kind == JSON_BOOLEAN)
		MUST(json_object_get_boolean(theirs) == member->boolean);
	if (member->kind == JSON_INTEGER)
		MUST(json_object_get_int64(theirs) == member->integer);
	if (member->kind == JSON_STRING)
		MUST((size_t)json_object_get_string_len(theirs) == member->string_len &&
			strcmp(json_object_get_string(theirs), member->string) == 0);
}

static void compare(const struct json_doc *doc, struct json_object *root)
{
	MUST((json_kind(doc) == JSON_OBJECT) == json_object_is_type(root, json_type_object));
	if (json_kind(doc) != JSON_OBJECT) {
		MUST(json_count(doc) == 0);
		return;
	}
	MUST(json_count(doc) == (size_t)json_object_object_length(root));
	for (size_t i = 0; i < json_count(doc); i++) {
		const struct json_member *member = json_at(doc, i);
		struct json_object *theirs;

		MUST(json_object_object_get_ex(root, member->name, &theirs));
		compare_member(member, theirs);
		MUST(json_find(doc, member->name) == member);
	}
}

/* ---- numbers, written out -------------------------------------------------------------------- */

/* Counts digits from *p on, and moves it past them. */
static long count_digits(const char **p, const char *end)
{
	const char *from = *p;

	while (*p < end && **p >= '0' && **p <= '9')
		(*p)++;
	return (long)(*p - from);
}

/* The exponent at *p, if one stands there. The scan has held it to what a jsonb can take. */
static long read_exponent(const char **p, const char *end)
{
	bool minus;
	long value = 0;

	if (*p == end || (**p | 0x20) != 'e')
		return 0;
	(*p)++;
	minus = **p == '-';
	*p += minus || **p == '+';
	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++)
		value = value < 100000 ? value * 10 + (**p - '0') : value;
	return minus ? -value : value;
}

/* What PostgreSQL prints of the number at *p takes: its digits, moved by the exponent, with the
 * decimals that it was written with. */
static size_t print_number(const char **p, const char *end)
{
	const bool minus = **p == '-';
	bool point;
	long whole;
	long decimals = 0;
	long exponent;

	*p += minus;
	whole = **p == '0' ? 0 : count_digits(p, end);
	(void)count_digits(p, end); /* the one nought */
	point = *p < end && **p == '.';
	if (point) {
		(*p)++;
		decimals = count_digits(p, end);
	}
	exponent = read_exponent(p, end);
	whole += exponent;
	decimals -= exponent;
	/* Noughts before the first digit are not printed: only a whole part that there was can grow. */
	if (whole < 1)
		whole = 1;
	return (size_t)minus + (size_t)whole + (decimals > 0 ? (size_t)decimals + 1 : 0);
}

static const char *skip_string(const char *p)
{
	for (p++; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p + 1;
}

/* The bytes of a value with every number written out. */
static size_t written_out(const char *text, size_t len)
{
	const char *end = text + len;
	size_t bytes = 0;

	for (const char *p = text; p < end;) {
		const char *from = p;

		if (*p == '"') {
			p = skip_string(p);
			bytes += (size_t)(p - from);
		} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
			bytes += print_number(&p, end);
		} else {
			p++;
			bytes++;
		}
	}
	return bytes;
}

/* ---- once more ------------------------------------------------------------------------------- */

static void put_together(const struct json_doc *doc, struct buf *out)
{
	buf_char(out, '{');
	for (size_t i = 0; i < json_count(doc); i++) {
		const struct json_member *member = json_at(doc, i);

		buf_str(out, i > 0 ? "," : "");
		json_text_quote(out, member->name, strlen(member->name));
		buf_char(out, ':');
		if (member->kind == JSON_STRING)
			json_text_quote(out, member->string, member->string_len);
		else
			buf_add(out, member->raw, member->raw_len);
	}
	buf_char(out, '}');
}

static void parse_again(const struct json_doc *doc)
{
	struct buf text = {0};
	struct json_doc *again;
	char why[160];

	put_together(doc, &text);
	again = json_parse(text.data, text.len, why, sizeof(why));
	MUST(again != NULL && json_count(again) == json_count(doc));
	for (size_t i = 0; i < json_count(doc); i++) {
		const struct json_member *a = json_at(doc, i);
		const struct json_member *b = json_at(again, i);

		MUST(a->kind == b->kind && strcmp(a->name, b->name) == 0);
		if (a->kind == JSON_STRING)
			MUST(a->string_len == b->string_len && strcmp(a->string, b->string) == 0);
		else
			MUST(a->raw_len == b->raw_len && a->plain_len == b->plain_len);
	}
	json_free(&again);
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json_object *root;
	struct json_doc *doc;
	char why[160] = "";

	doc = json_parse(text, size, why, sizeof(why));
	if (doc == NULL) {
		MUST(why[0] != '\0' && strlen(why) < sizeof(why));
		return 0;
	}
	root = read_again(text, size);
	compare(doc, root);
	for (size_t i = 0; i < json_count(doc); i++)
		MUST(written_out(json_at(doc, i)->raw, json_at(doc, i)->raw_len) <=
			json_at(doc, i)->plain_len);
	parse_again(doc);
	json_object_put(root);
	json_free(&doc);
	return 0;
}
