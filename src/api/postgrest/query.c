/* The query string of the REST face. */
#include "api/postgrest/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_text.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* One reading: where things go, and what went wrong. */
struct reader {
	struct query *query;
	struct mem_arena *arena;
	struct query_fault *fault;
};

static bool fail(
	struct reader *r, enum postgrest_error id, const char *message, const char *details)
{
	*r->fault = (struct query_fault){.id = id, .message = message, .details = details};
	return false;
}

static bool cannot_parse(struct reader *r, const char *what, const char *text)
{
	return fail(r, POSTGREST_QUERY,
		mem_arena_printf(
			r->arena, "\"failed to parse %s (%s)\" (line 1, column 1)", what, text),
		NULL);
}

static bool not_here(struct reader *r, const char *what)
{
	return fail(r, POSTGREST_FEATURE, "Feature not implemented", what);
}

static bool too_many(struct reader *r, size_t most, const char *what)
{
	return fail(r, POSTGREST_QUERY,
		mem_arena_printf(r->arena, "a query has at most %zu %s", most, what), NULL);
}

/* Columns that hold a whole document. Nothing but whether they are null is asked of them. */
static bool is_document(const char *column, size_t len)
{
	static const char *const documents[] = {
		"fields_config", "design_config", "home_address", "office_address"};

	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		if (strlen(documents[i]) == len && strncmp(column, documents[i], len) == 0)
			return true;
	return false;
}

static bool is_name(const char *text, size_t len)
{
	return len > 0 && strspn(text, NAME_CHARS) >= len;
}

static void add_string(struct buf *out, const char *text, size_t len)
{
	if (out->len > 0)
		buf_char(out, ',');
	json_text_quote(out, text, len);
}

/* ---- select -------------------------------------------------------------------------------- */

/* Blanks around what commas part mean nothing. */
static const char *trim_blanks(const char *text, size_t *len)
{
	while (*len > 0 && *text == ' ') {
		text++;
		(*len)--;
	}
	while (*len > 0 && text[*len - 1] == ' ')
		(*len)--;
	return text;
}

/* Aliases, casts, embedded tables and ways into documents are PostgREST's, and not this face's. */
static bool read_column(struct reader *r, const char *text, size_t len)
{
	text = trim_blanks(text, &len);
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	if (is_name(text, len)) {
		add_string(&r->query->select, text, len);
		return true;
	}
	if (strcspn(text, ":(>.!") < len)
		return not_here(r, "select takes *, or plain columns");
	return cannot_parse(r, "select parameter", mem_arena_copy(r->arena, text, len));
}

static bool read_select(struct reader *r, const char *value)
{
	size_t count = 0;

	if (*value == '\0' || strcmp(value, "*") == 0)
		return true;
	for (const char *p = value; p != NULL;) {
		const char *comma = strchr(p, ',');

		if (++count > QUERY_COLUMNS_MAX)
			return too_many(r, QUERY_COLUMNS_MAX, "columns to select");
		if (!read_column(r, p, comma != NULL ? (size_t)(comma - p) : strlen(p)))
			return false;
		p = comma != NULL ? comma + 1 : NULL;
	}
	return true;
}

/* ---- order --------------------------------------------------------------------------------- */

/* Takes `.word` off the front of *p. */
static bool take_suffix(const char **p, const char *end, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(end - *p) < len + 1 || **p != '.' || strncmp(*p + 1, word, len) != 0)
		return false;
	if (*p + 1 + len != end && (*p)[1 + len] != '.')
		return false;
	*p += 1 + len;
	return true;
}

static bool read_term(struct reader *r, const char *text, size_t len)
{
	struct buf *order = &r->query->order;
	const char *end;
	const char *p;
	bool descending;
	bool first;
	bool last;

	text = trim_blanks(text, &len);
	end = text + len;
	p = text + strspn(text, NAME_CHARS);
	if (p == text)
		return cannot_parse(r, "order", mem_arena_copy(r->arena, text, len));
	if (is_document(text, (size_t)(p - text)))
		return not_here(r, "rows are not ordered by documents");
	buf_printf(
		order, "%s{\"column\":\"%.*s\"", order->len > 0 ? "," : "", (int)(p - text), text);
	descending = take_suffix(&p, end, "desc");
	if (!descending)
		(void)take_suffix(&p, end, "asc");
	first = take_suffix(&p, end, "nullsfirst");
	last = !first && take_suffix(&p, end, "nullslast");
	buf_printf(order, ",\"descending\":%s,\"nulls\":\"%s\"}", descending ? "true" : "false",
		last || (!first && !descending) ? "last" : "first");
	if (p == end)
		return true;
	if (strcspn(p, "(->") < (size_t)(end - p))
		return not_here(r, "order takes plain columns");
	return cannot_parse(r, "order", mem_arena_copy(r->arena, text, len));
}

static bool read_order(struct reader *r, const char *value)
{
	size_t count = 0;

	for (const char *p = value; p != NULL;) {
		const char *comma = strchr(p, ',');

		if (++count > QUERY_ORDERS_MAX)
			return too_many(r, QUERY_ORDERS_MAX, "columns to order by");
		if (!read_term(r, p, comma != NULL ? (size_t)(comma - p) : strlen(p)))
			return false;
		p = comma != NULL ? comma + 1 : NULL;
	}
	return true;
}

/* ---- limit and offset ---------------------------------------------------------------------- */

static bool read_number(const char *text, int64_t *ret_number)
{
	const size_t len = strspn(text, "0123456789");
	int64_t number = 0;

	if (len == 0 || len > 15 || text[len] != '\0')
		return false;
	for (size_t i = 0; i < len; i++)
		number = number * 10 + (text[i] - '0');
	*ret_number = number;
	return true;
}

static bool read_limit(struct reader *r, const char *value)
{
	if (read_number(value, &r->query->limit))
		return true;
	if (value[0] == '-')
		return fail(r, POSTGREST_RANGE, "Requested range not satisfiable",
			"Limit should be greater than or equal to zero.");
	return cannot_parse(r, "limit", value);
}

static bool read_offset(struct reader *r, const char *value)
{
	return read_number(value, &r->query->offset) || cannot_parse(r, "offset", value);
}

/* `Range: 0-9` or `0-`; one that is malformed is passed over (RFC 9110, section 14.2). */
static void read_range(struct query *query, const char *header, struct mem_arena *arena)
{
	const char *dash = strchr(header, '-');
	int64_t first;
	int64_t last;

	if (dash == NULL ||
		!read_number(mem_arena_copy(arena, header, (size_t)(dash - header)), &first))
		return;
	if (read_number(dash + 1, &last) && last >= first) {
		query->has_limit = true;
		query->limit = last - first + 1;
	} else if (dash[1] != '\0') {
		return;
	}
	query->offset = first;
}

/* ---- filters ------------------------------------------------------------------------------- */

/* An item in quotes, with backslashes; NULL where the closing quote does not end the item. */
static const char *read_quoted_item(const char *p, struct buf *item)
{
	buf_reset(item);
	if (*p != '"')
		return NULL;
	for (p++; *p != '"'; p++) {
		if (*p == '\\')
			p++;
		if (*p == '\0')
			return NULL;
		buf_char(item, *p);
	}
	p++;
	return *p == ',' || *p == '\0' ? p : NULL;
}

/* The next item of a list in parentheses: in quotes, else what stands there, quotes and all. NULL:
 * malformed. */
static const char *read_item(const char *p, struct buf *item)
{
	const char *end = read_quoted_item(p, item);
	size_t len;

	if (end != NULL)
		return end;
	len = strcspn(p, ",)");
	buf_reset(item);
	buf_add(item, p, len);
	return p[len] != ')' ? p + len : NULL;
}

/* "(a,b)" as JSON strings, and how many; false where it is no list. */
static bool read_list(struct reader *r, const char *text, struct buf *values, size_t *ret_count)
{
	size_t len = strlen(text);
	const char *p;
	struct buf item = {0};

	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len < 2 || text[0] != '(' || text[len - 1] != ')')
		return false;
	p = mem_arena_copy(r->arena, text + 1, len - 2);
	p += strspn(p, " ");
	while (p != NULL && *p != '\0') {
		p = read_item(p, &item);
		if (p == NULL)
			break;
		add_string(values, buf_cstr(&item), item.len);
		++*ret_count;
		if (*p == ',' && *++p == '\0') {
			add_string(values, "", 0);
			++*ret_count;
		}
	}
	buf_free(&item);
	return p != NULL;
}

static bool read_is(const char *text, struct buf *values)
{
	static const char *const words[] = {"null", "not_null", "true", "false", "unknown"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0) {
			add_string(values, words[i], strlen(words[i]));
			return true;
		}
	return false;
}

static bool read_operand(struct reader *r, const char *op, const char *operand, struct buf *values,
	size_t *ret_count)
{
	if (strcmp(op, "in") == 0)
		return read_list(r, operand, values, ret_count);
	if (strcmp(op, "is") == 0)
		return read_is(operand, values);
	add_string(values, operand, strlen(operand));
	return true;
}

enum known { KNOWN_HERE, KNOWN_THERE, KNOWN_NOT };

static enum known known_operator(const char *op)
{
	static const char *const here[] = {"eq", "neq", "in", "is"};
	static const char *const there[] = {"gt", "gte", "lt", "lte", "like", "ilike", "match",
		"imatch", "isdistinct", "fts", "plfts", "phfts", "wfts", "cs", "cd", "ov", "sl",
		"sr", "nxr", "nxl", "adj"};

	for (size_t i = 0; i < ARRAY_LEN(here); i++)
		if (strcmp(op, here[i]) == 0)
			return KNOWN_HERE;
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		if (strncmp(op, there[i], strlen(there[i])) == 0 &&
			strchr("(", op[strlen(there[i])]) != NULL)
			return KNOWN_THERE;
	return strncmp(op, "eq(", 3) == 0 ? KNOWN_THERE : KNOWN_NOT;
}

static bool add_filter(
	struct reader *r, const char *column, bool negated, const char *op, const char *operand)
{
	struct buf *filters = &r->query->filters;
	struct buf values = {0};
	size_t count = 0;
	const bool good = read_operand(r, op, operand, &values, &count);

	if (good && count <= QUERY_VALUES_MAX) {
		buf_printf(filters, "%s{\"column\":", filters->len > 0 ? "," : "");
		json_text_quote(filters, column, strlen(column));
		buf_printf(filters, ",\"op\":\"%s\",\"not\":%s,\"values\":[%s]}", op,
			negated ? "true" : "false", buf_cstr(&values));
	}
	buf_free(&values);
	if (count > QUERY_VALUES_MAX)
		return too_many(r, QUERY_VALUES_MAX, "values in one list");
	return good || cannot_parse(r, "filter", mem_arena_printf(r->arena, "%s.%s", op, operand));
}

static bool read_filter(struct reader *r, const char *column, const char *value)
{
	const bool negated = strncmp(value, "not.", 4) == 0;
	const char *op = value + (negated ? 4 : 0);
	const char *dot = strchr(op, '.');

	if (strstr(column, "->") != NULL || strchr(column, '.') != NULL)
		return not_here(r, "filters take plain columns");
	if (dot == NULL)
		return cannot_parse(r, "filter", value);
	op = mem_arena_copy(r->arena, op, (size_t)(dot - op));
	switch (known_operator(op)) {
	case KNOWN_HERE:
		if (++r->query->filter_count > QUERY_FILTERS_MAX)
			return too_many(r, QUERY_FILTERS_MAX, "filters");
		if (is_document(column, strlen(column)) && strcmp(op, "is") != 0)
			return not_here(r, "documents are not compared: ask whether one is null");
		return add_filter(r, column, negated, op, dot + 1);
	case KNOWN_THERE:
		return not_here(r, "filters are eq, neq, in, is, and not before one of them");
	default:
		return cannot_parse(r, "filter", value);
	}
}

/* ---- the query ----------------------------------------------------------------------------- */

typedef bool read_fn(struct reader *r, const char *value);

static bool read_once(
	struct reader *r, bool *seen, read_fn *read, const char *name, const char *value)
{
	if (*seen)
		return cannot_parse(r, name, "it stands there twice");
	*seen = true;
	return read(r, value);
}

static bool is_foreign(const char *name)
{
	static const char *const names[] = {
		"and", "or", "not.and", "not.or", "columns", "on_conflict"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool read_param(struct reader *r, const char *name, const char *value)
{
	struct query *query = r->query;

	if (strcmp(name, "select") == 0)
		return read_once(r, &query->has_select, read_select, name, value);
	if (strcmp(name, "order") == 0)
		return read_once(r, &query->has_order, read_order, name, value);
	if (strcmp(name, "limit") == 0)
		return read_once(r, &query->has_limit, read_limit, name, value);
	if (strcmp(name, "offset") == 0)
		return read_once(r, &query->has_offset, read_offset, name, value);
	if (is_foreign(name))
		return not_here(r, mem_arena_printf(r->arena, "the parameter %s", name));
	return read_filter(r, name, value);
}

bool query_read(struct query *query, const struct request *request, struct mem_arena *arena,
	struct query_fault *ret_fault)
{
	struct reader reader = {.query = query, .arena = arena, .fault = ret_fault};
	const char *cursor = request->query;
	const char *name;
	const char *value;

	*query = (struct query){0};
	if (strnlen(request->query, QUERY_BYTES_MAX + 1) > QUERY_BYTES_MAX)
		return too_many(&reader, QUERY_BYTES_MAX, "bytes");
	for (;;) {
		switch (request_param_next(&cursor, arena, &name, &value)) {
		case REQUEST_PARAM_BAD:
			return fail(&reader, POSTGREST_QUERY,
				"the query string is not percent-encoded UTF-8", NULL);
		case REQUEST_PARAM_FOUND:
			if (!read_param(&reader, name, value))
				return false;
			break;
		case REQUEST_PARAM_ABSENT:
			if (request->method == REQUEST_GET && request->range != NULL &&
				!query->has_limit && !query->has_offset)
				read_range(query, request->range, arena);
			return true;
		}
	}
}

bool query_is_plain(const struct query *query)
{
	return query->select.len == 0 && query->filters.len == 0 && query->order.len == 0 &&
	       !query->has_limit && query->offset == 0;
}

const char *query_view(const struct query *query, bool count, bool single, struct mem_arena *arena)
{
	struct buf view = {0};
	const char *text;

	buf_char(&view, '{');
	if (query->select.len > 0)
		buf_printf(&view, "\"select\":[%s],", buf_cstr(&query->select));
	if (query->has_limit)
		buf_printf(&view, "\"limit\":%" PRId64 ",", query->limit);
	buf_printf(&view,
		"\"filters\":[%s],\"order\":[%s],\"offset\":%" PRId64
		",\"count\":%s,\"single\":%s}",
		query->filters.len > 0 ? buf_cstr(&query->filters) : "",
		query->order.len > 0 ? buf_cstr(&query->order) : "", query->offset,
		count ? "true" : "false", single ? "true" : "false");
	text = mem_arena_copy(arena, view.data, view.len);
	buf_free(&view);
	return text;
}

void query_free(struct query *query)
{
	buf_free(&query->select);
	buf_free(&query->filters);
	buf_free(&query->order);
	*query = (struct query){0};
}
