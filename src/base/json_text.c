/* JSON as it is written. */
#include "base/json_text.h"

#include <string.h>

static void quote_one(struct buf *out, char c)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *short_form = strchr(plain, c);

	if (c != '\0' && short_form != NULL)
		buf_printf(out, "\\%c", letters[short_form - plain]);
	else
		buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

void json_text_quote(struct buf *out, const char *s, size_t len)
{
	size_t from = 0;

	buf_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')
			continue;
		buf_add(out, s + from, i - from);
		quote_one(out, s[i]);
		from = i + 1;
	}
	buf_add(out, s + from, len - from);
	buf_char(out, '"');
}

void json_text_comma(struct buf *out, bool *first)
{
	if (!*first)
		buf_char(out, ',');
	*first = false;
}

void json_text_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	if (text != NULL)
		json_text_quote(out, text, strlen(text));
	else
		buf_str(out, "null");
}

void json_text_number(struct buf *out, const char *name, bool known, double value)
{
	if (known)
		buf_printf(out, "\"%s\":%.6g", name, value);
	else
		buf_printf(out, "\"%s\":null", name);
}
