/* The records of one FastCGI request: a state machine over bytes as they come. */
#include "http/record.h"

#include <stdint.h>
#include <string.h>

/* FastCGI 1.0, section 8. */
enum { VERSION = 1, TYPE_BEGIN = 1, TYPE_PARAMS = 4, TYPE_STDIN = 5, ROLE_RESPONDER = 1 };

static const unsigned types[] = {
	[RECORD_BEGIN] = TYPE_BEGIN, [RECORD_PARAMS] = TYPE_PARAMS, [RECORD_BODY] = TYPE_STDIN};

void record_init(struct record_reader *reader, size_t body_max)
{
	*reader = (struct record_reader){
		.body_max = body_max, .params.secret = true, .body.secret = true};
}

void record_fini(struct record_reader *reader)
{
	buf_free(&reader->params);
	buf_free(&reader->index);
	buf_free(&reader->body);
}

/* ---- parameters ---------------------------------------------------------------------------- */

struct param {
	const char *name;
	const char *value;
	size_t name_len;
};

/* A length of one byte, or of four when the first bit is set. */
static bool take_length(const unsigned char **at, const unsigned char *end, size_t *ret_len)
{
	const unsigned char *from = *at;

	if (from == end)
		return false;
	if (*from < 0x80) {
		*ret_len = *from;
		*at = from + 1;
		return true;
	}
	if (end - from < 4)
		return false;
	*ret_len = (size_t)(from[0] & 0x7f) << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 |
		   from[3];
	*at = from + 4;
	return true;
}

/* Moves a text to the front and ends it. */
static char *put_text(char *to, const unsigned char *text, size_t len)
{
	memmove(to, text, len);
	to[len] = '\0';
	return to + len + 1;
}

/*
 * Makes texts of the pairs: name, NUL, value, NUL. Each pair had two lengths of a byte at least, so
 * they have room where they are.
 */
static const char *split_params(struct buf *params, struct buf *index)
{
	const unsigned char *at = (const unsigned char *)params->data;
	const unsigned char *end = at + params->len;
	char *to = params->data;

	while (at < end) {
		struct param param = {.name = to};
		size_t name_len;
		size_t value_len;

		if (!take_length(&at, end, &name_len) || !take_length(&at, end, &value_len))
			return "a parameter's length is cut short";
		if (name_len > (size_t)(end - at) || value_len > (size_t)(end - at) - name_len)
			return "a parameter is longer than all of them";
		if (name_len + value_len > 0 && memchr(at, '\0', name_len + value_len) != NULL)
			return "a parameter holds a NUL byte";
		to = put_text(to, at, name_len);
		at += name_len;
		param.value = to;
		param.name_len = name_len;
		to = put_text(to, at, value_len);
		at += value_len;
		buf_add(index, &param, sizeof(param));
	}
	params->len = params->data != NULL ? (size_t)(to - params->data) : 0;
	return NULL;
}

const char *record_param(const struct record_reader *reader, const char *name, size_t nth)
{
	const struct param *params = (const struct param *)(const void *)reader->index.data;
	const size_t count = reader->index.len / sizeof(*params);
	const size_t name_len = strlen(name);

	for (size_t i = 0; i < count; i++)
		if (params[i].name_len == name_len && memcmp(params[i].name, name, name_len) == 0 &&
			nth-- == 0)
			return params[i].value;
	return NULL;
}

/* ---- records ------------------------------------------------------------------------------- */

static const char *take_begin(struct record_reader *reader)
{
	const unsigned char *body = reader->begin + RECORD_HEADER_BYTES;

	if (body[0] != 0 || body[1] != ROLE_RESPONDER)
		return "its role is not that of a responder";
	reader->part = RECORD_PARAMS;
	return NULL;
}

/* A whole header. The first record's is kept, and the others must be of its id. */
static const char *take_header(struct record_reader *reader)
{
	const unsigned char *header = reader->header;

	if (header[0] != VERSION)
		return "its records are of no version that is known";
	if (header[1] != types[reader->part])
		return "a record is none that nginx sends there";
	reader->content_left = (size_t)header[4] << 8 | header[5];
	reader->padding_left = header[6];
	if (reader->part == RECORD_BEGIN) {
		if (reader->content_left != RECORD_BEGIN_BYTES - RECORD_HEADER_BYTES)
			return "its beginning is not as long as one";
		if (header[2] == 0 && header[3] == 0)
			return "its id is zero";
		memcpy(reader->begin, header, RECORD_HEADER_BYTES);
		/* Whatever padding came does not go on. */
		reader->begin[6] = 0;
		reader->begin_len = RECORD_HEADER_BYTES;
	} else if (header[2] != reader->begin[2] || header[3] != reader->begin[3]) {
		return "a record is another request's";
	}
	return NULL;
}

/* A piece of the content, where it belongs. */
static const char *take_content(struct record_reader *reader, const char *bytes, size_t len)
{
	switch (reader->part) {
	case RECORD_BEGIN:
		memcpy(reader->begin + reader->begin_len, bytes, len);
		reader->begin_len += len;
		return NULL;
	case RECORD_PARAMS:
		if (len > RECORD_PARAMS_MAX - reader->params.len)
			return "its parameters are too long";
		buf_add(&reader->params, bytes, len);
		return NULL;
	case RECORD_BODY:
		reader->body_bytes += len;
		if (reader->body_bytes > RECORD_BODY_MAX)
			return "its body is longer than any";
		if (reader->body_bytes <= reader->body_max)
			buf_add(&reader->body, bytes, len);
		else
			buf_free(&reader->body);
		return NULL;
	case RECORD_END:
		break;
	}
	return "more came than one request";
}

/* A record has come to its end, padding included. One without content ends its part. */
static const char *end_record(struct record_reader *reader)
{
	const bool empty = reader->header[4] == 0 && reader->header[5] == 0;
	const char *wrong = NULL;

	reader->header_len = 0;
	if (reader->part == RECORD_BEGIN)
		return take_begin(reader);
	if (!empty)
		return NULL;
	if (reader->part == RECORD_PARAMS)
		wrong = split_params(&reader->params, &reader->index);
	reader->part++;
	return wrong;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One step: a piece of a header, of the content, or of the padding. The bytes it took. */
static size_t step(
	struct record_reader *reader, const char *bytes, size_t len, const char **ret_wrong)
{
	size_t n;

	if (reader->header_len < RECORD_HEADER_BYTES) {
		n = least(len, RECORD_HEADER_BYTES - reader->header_len);
		memcpy(reader->header + reader->header_len, bytes, n);
		reader->header_len += n;
		if (reader->header_len == RECORD_HEADER_BYTES)
			*ret_wrong = take_header(reader);
	} else if (reader->content_left > 0) {
		n = least(len, reader->content_left);
		reader->content_left -= n;
		*ret_wrong = take_content(reader, bytes, n);
	} else {
		n = least(len, reader->padding_left);
		reader->padding_left -= n;
	}
	return n;
}

enum record_state record_feed(
	struct record_reader *reader, const char *bytes, size_t len, const char **ret_why)
{
	const char *wrong = NULL;

	while (len > 0 && wrong == NULL) {
		size_t n;

		if (reader->part == RECORD_END) {
			wrong = "more came than one request";
			break;
		}
		n = step(reader, bytes, len, &wrong);
		bytes += n;
		len -= n;
		if (wrong == NULL && reader->header_len == RECORD_HEADER_BYTES &&
			reader->content_left == 0 && reader->padding_left == 0)
			wrong = end_record(reader);
	}
	if (wrong != NULL) {
		*ret_why = wrong;
		return RECORD_NONSENSE;
	}
	return reader->part == RECORD_END ? RECORD_DONE : RECORD_MORE;
}
