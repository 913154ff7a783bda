/* What a query answers, on stdout. */
#include "tool/table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/mem.h"
#include "report/format.h"
#include "tool/database.h"

/* Columns on a terminal, as far as UTF-8 goes: its bytes but those that continue a character. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* What users typed must not reach the terminal as control characters. */
static void add_plain(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_char(out, iscntrl((unsigned char)*text) ? '?' : *text);
}

static size_t *widths_of(const struct client_rows *rows)
{
	size_t *widths = mem_zero(client_columns(rows) * sizeof(*widths));

	for (size_t c = 0; c < client_columns(rows); c++) {
		widths[c] = strlen(client_name(rows, c));
		for (size_t r = 0; r < client_count(rows); r++) {
			const size_t width = width_of(client_value(rows, r, c));

			widths[c] = width > widths[c] ? width : widths[c];
		}
	}
	return widths;
}

static void add_padded(struct buf *out, const char *text, size_t width, bool last)
{
	add_plain(out, text);
	for (size_t have = width_of(text); !last && have < width + 2; have++)
		buf_char(out, ' ');
}

static void print_rows(const struct client_rows *rows)
{
	size_t *widths = widths_of(rows);
	const size_t columns = client_columns(rows);
	struct buf out = {0};

	for (size_t c = 0; c < columns; c++) {
		const size_t at = out.len;

		add_padded(&out, client_name(rows, c), widths[c], c + 1 == columns);
		for (size_t i = at; i < out.len; i++)
			out.data[i] = (char)toupper((unsigned char)out.data[i]);
	}
	buf_char(&out, '\n');
	for (size_t r = 0; r < client_count(rows); r++) {
		for (size_t c = 0; c < columns; c++)
			add_padded(&out, client_value(rows, r, c), widths[c], c + 1 == columns);
		buf_char(&out, '\n');
	}
	fputs(buf_cstr(&out), stdout);
	buf_free(&out);
	free(widths);
}

int table_print(const struct tool *tool, struct client *client, const char *sql,
	const char *const *values, size_t count)
{
	const bool json = (tool->given & TOOL_JSON) != 0;
	struct client_rows *rows;
	struct buf query = {0};
	enum client_status status;

	buf_printf(&query,
		json ? "select coalesce(json_agg(q), '[]') from (%s) q" : "select q.* from (%s) q",
		sql);
	status = client_run(client, buf_cstr(&query), values, count, &rows);
	buf_free(&query);
	if (status != CLIENT_OK)
		return database_fail(client);
	if (json)
		puts(client_value(rows, 0, 0));
	else
		print_rows(rows);
	client_free(&rows);
	return EX_OK;
}
