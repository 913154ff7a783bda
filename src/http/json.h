/*
 * Strict JSON: the only door to json-c.
 *
 * json-c 0.16 in strict mode still takes duplicate keys, NaN, 1e400, single quotes, raw control
 * characters and lone surrogates, and cuts a key at \u0000. So a byte-level scan for RFC 8259 goes
 * first and decides alone; json-c then decodes what the scan let through.
 *
 * The scan also remembers where each member of the top-level object stands in the text, so that a
 * document can be handed to the database as the client wrote it: no number loses a digit on the
 * way. A parsed document is read-only and may be read by any thread.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

#define JSON_DEPTH_MAX 16 /* nested arrays and objects, the outermost included */
/*
 * Keys in a whole text, however they are nested. A card of one person's, with every field that forms
 * and importers know, has a few dozen; so many bound what comparing two documents can cost.
 */
#define JSON_KEYS_MAX 4000
/*
 * Bytes that the numbers of a whole text may take more when they are written out, as a jsonb keeps and
 * prints them: 1e300 is then 301 digits, and 1e-16383 is 16,385.
 */
#define JSON_SPREAD_MAX (256 * 1024)

enum json_kind {
	JSON_NULL,
	JSON_BOOLEAN,
	JSON_INTEGER, /* a number without fraction or exponent that fits 64 bits */
	JSON_NUMBER,  /* any other number */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* One member of the top-level object, in the order of the text. */
struct json_member {
	const char *name; /* decoded, NUL-terminated */
	enum json_kind kind;
	const char *raw; /* the value as it stands in the caller's text: not NUL-terminated */
	size_t raw_len;
	size_t plain_len;   /* what it takes with every number written out, without an exponent */
	const char *string; /* JSON_STRING: decoded, NUL-terminated (and without NUL inside) */
	size_t string_len;
	int64_t integer; /* JSON_INTEGER */
	bool boolean;    /* JSON_BOOLEAN */
};

struct json_doc;

/*
 * Reads a whole text: `text` must outlive the document. NULL when it is not RFC 8259 to the byte,
 * nested deeper than JSON_DEPTH_MAX, repeats a key within one object, contains NUL (raw or as
 * \u0000), a lone surrogate, invalid UTF-8, a BOM, or a number beyond the range of a double or
 * with more than 16383 decimals (no jsonb holds it); `why` is then one sentence for the client,
 * naming the byte offset.
 */
MUST_CHECK struct json_doc *json_parse(const char *text, size_t len, char *why, size_t why_size);
void json_free(struct json_doc **doc);

/* What the outermost value is. */
enum json_kind json_kind(const struct json_doc *doc);
/* Whether it has more than JSON_KEYS_MAX keys. It was read no further then, and has no members. */
bool json_crowded(const struct json_doc *doc);
/* Whether its numbers take more than JSON_SPREAD_MAX more when they are written out. */
bool json_spreads(const struct json_doc *doc);
/* The members of the outermost object; none when it is something else. */
size_t json_count(const struct json_doc *doc);
const struct json_member *json_at(const struct json_doc *doc, size_t i);
/* The member of that name, or NULL. */
const struct json_member *json_find(const struct json_doc *doc, const char *name);

#endif
