/*
 * The fields of a body, read by a table: what each may hold, and what is wrong with it otherwise.
 *
 * Every fault of a body is collected, so that a person corrects a form once. A member that no table
 * names is a fault too: a misspelt field that was silently dropped would be lost data.
 */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "api/exchange.h"

enum field_kind {
	FIELD_LINE,     /* a trimmed line of text in NFC */
	FIELD_LINES,    /* the same, line breaks allowed */
	FIELD_EMAIL,    /* as FIELD_LINE, and an address one can write to */
	FIELD_WEB,      /* as FIELD_LINE, and an http or https URL */
	FIELD_TEMPLATE, /* 1 to 64 of a-z 0-9 and dash */
	FIELD_SECRET,   /* a new password (api/secret) */
	FIELD_PASSWORD, /* one that is to be checked: any text, however short or long */
	FIELD_DOCUMENT, /* a JSON object, handed on as the client wrote it; null is {} */
	FIELD_BOOLEAN,
	FIELD_UUID,      /* malformed is no fault here: nothing has such an id */
	FIELD_VERSION,   /* read by api/versioned, or by the handler */
	FIELD_READ_ONLY, /* may be sent back as it was read, and is passed over */
};

struct field {
	const char *name;
	enum field_kind kind;
	size_t max;    /* code points; 0 where the kind has its own limit */
	bool required; /* must be there, and not null or empty */
	bool nullable; /* null, or an empty text, clears it */
};

struct field_value {
	bool present;
	const char
		*text; /* cleaned; NULL when cleared; a document's JSON; a boolean's "t" or "f" */
	size_t len;
};

/* A jsonb keeps 1e300 as 301 digits, and prints it so to everybody who reads it. What a body may hold
 * by its length, a document may with its numbers written out. */
#define FIELDS_TOO_LARGE "takes more than 256 KiB with its numbers written out"

/* Reads x->body by the table: ret_values[i] belongs to fields[i]. False when anything is wrong;
 * x->errors then says what. */
MUST_CHECK bool fields_read(struct exchange *x, const struct field *fields, size_t count,
	struct field_value *ret_values);
/*
 * Cleans one text by what `field` says of it. NULL, and the text, itself NULL where nothing is left of
 * it; or what is wrong with it.
 */
MUST_CHECK const char *fields_clean(struct exchange *x, const struct field *field, const char *text,
	size_t len, const char **ret_text);
/* Adds a fault of one's own. */
void fields_fault(struct exchange *x, const char *field, const char *message);

#endif
