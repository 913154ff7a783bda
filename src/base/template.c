/* Pages of HTML from a file with named parts and named holes. */
#include "base/template.h"

#include <string.h>

#include "base/must.h"

#define PART_BEGIN "<!-- part: "
#define PART_END   " -->\n"

/* ---- filling ------------------------------------------------------------------------------- */

static struct buf *begin_hole(struct fill *fill, const char *name, bool markup)
{
	MUST(fill->count < FILL_HOLES);
	fill->holes[fill->count].name = name;
	fill->holes[fill->count].at = fill->text.len;
	fill->holes[fill->count].markup = markup;
	fill->count++;
	return &fill->text;
}

struct buf *fill_into(struct fill *fill, const char *name)
{
	return begin_hole(fill, name, false);
}

void fill_text(struct fill *fill, const char *name, const char *text)
{
	buf_str(begin_hole(fill, name, false), text != NULL ? text : "");
}

void fill_markup(struct fill *fill, const char *name, const struct buf *markup)
{
	buf_str(begin_hole(fill, name, true), buf_cstr(markup));
}

void fill_free(struct fill *fill)
{
	buf_free(&fill->text);
	fill->count = 0;
}

/* ---- rendering ----------------------------------------------------------------------------- */

static void add_escaped(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		switch (text[i]) {
		case '&':
			buf_str(out, "&amp;");
			break;
		case '<':
			buf_str(out, "&lt;");
			break;
		case '>':
			buf_str(out, "&gt;");
			break;
		case '"':
			buf_str(out, "&quot;");
			break;
		case '\'':
			buf_str(out, "&#39;");
			break;
		default:
			buf_char(out, text[i]);
		}
}

/* The part's text, from behind its head line to the next one's, or to the end. */
static const char *find_part(const char *source, const char *part, const char **ret_end)
{
	const size_t len = strlen(part);
	const char *at = source;

	while ((at = strstr(at, PART_BEGIN)) != NULL) {
		at += strlen(PART_BEGIN);
		if (strncmp(at, part, len) != 0 ||
			strncmp(at + len, PART_END, strlen(PART_END)) != 0)
			continue;
		at += len + strlen(PART_END);
		*ret_end = strstr(at, PART_BEGIN);
		if (*ret_end == NULL)
			*ret_end = at + strlen(at);
		return at;
	}
	return NULL;
}

static size_t find_hole(const struct fill *fill, const char *name, size_t len)
{
	size_t i = 0;

	while (i < fill->count &&
		(strlen(fill->holes[i].name) != len || memcmp(fill->holes[i].name, name, len) != 0))
		i++;
	MUST(i < fill->count);
	return i;
}

static void add_hole(struct buf *out, const struct fill *fill, size_t hole)
{
	const size_t at = fill->holes[hole].at;
	const size_t end = hole + 1 < fill->count ? fill->holes[hole + 1].at : fill->text.len;
	const char *text = buf_cstr(&fill->text) + at;

	if (fill->holes[hole].markup)
		buf_add(out, text, end - at);
	else
		add_escaped(out, text, end - at);
}

void template_add(struct buf *out, const char *source, const char *part, const struct fill *fill)
{
	const char *end = NULL;
	const char *at = find_part(source, part, &end);

	MUST(at != NULL);
	for (;;) {
		const char *hole = strstr(at, "{{");
		const char *close;

		if (hole == NULL || hole >= end)
			break;
		close = strstr(hole, "}}");
		MUST(close != NULL && close < end);
		buf_add(out, at, (size_t)(hole - at));
		add_hole(out, fill, find_hole(fill, hole + 2, (size_t)(close - hole - 2)));
		at = close + 2;
	}
	buf_add(out, at, (size_t)(end - at));
}

void template_end(struct buf *out, const char *source, const char *part, struct fill *fill)
{
	template_add(out, source, part, fill);
	fill_free(fill);
}
