/* What all requests of the REST face share. */
#include "api/postgrest/rest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/postgrest/query.h"
#include "api/refuse.h"
#include "api/versioned.h"
#include "http/accept.h"
#include "http/prefer.h"
#include "http/utf8.h"

#define SCHEMA "public" /* what clients call the face by default */

/* A header in words for the client, who may have sent any bytes. */
static const char *shown(const char *header)
{
	return utf8_valid(header, strlen(header)) ? header : "(not UTF-8)";
}

static bool is_read(const struct exchange *x)
{
	return x->request.method == REQUEST_GET || x->request.method == REQUEST_HEAD;
}

/* ---- refusals ------------------------------------------------------------------------------ */

enum step rest_refuse(struct exchange *x, enum postgrest_error id, const char *details,
	const char *hint, const char *message_fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, message_fmt);
	vsnprintf(text, sizeof(text), message_fmt, ap);
	va_end(ap);
	problem_trim(text);
	postgrest_reply(&x->reply, id, details, hint, "%s", text);
	return refuse_prepared(x);
}

/* What follows `top` in the path, where that is one segment. */
static const char *name_below(const struct exchange *x, const char *top)
{
	const size_t len = strlen(top);
	const char *rest = x->request.path + len;

	if (strncmp(x->request.path, top, len) != 0 || *rest == '\0' || strchr(rest, '/') != NULL)
		return NULL;
	return rest;
}

static enum step no_path(struct exchange *x)
{
	const char *function = name_below(x, "/rest/v1/rpc/");
	const char *table = name_below(x, "/rest/v1/");

	if (function == NULL)
		function = name_below(x, "/rpc/");
	if (function != NULL)
		return rest_refuse(x, POSTGREST_FUNCTION, NULL, NULL,
			"Could not find the function %s.%s in the schema cache", SCHEMA, function);
	if (table != NULL)
		return rest_refuse(x, POSTGREST_TABLE, NULL, NULL,
			"Could not find the table '%s.%s' in the schema cache", SCHEMA, table);
	return rest_refuse(x, POSTGREST_PATH, NULL, NULL, "Invalid path specified in request URL");
}

/* Which function does what a client wanted to do to a table. */
static const char *in_place_of(enum stats_route route, enum request_method method)
{
	if (route == STATS_ROUTE_ROWS_PERSONAL)
		return "call the function upsert_personal_info_optimistic";
	if (route == STATS_ROUTE_ROWS_PROFESSIONAL)
		return "call the function upsert_professional_info_optimistic";
	if (method == REQUEST_POST)
		return "call the function create_business_card_atomic";
	if (method == REQUEST_DELETE)
		return "send DELETE /api/cards/{id}?version=";
	return "call the function update_business_card_optimistic";
}

static enum step no_method(struct exchange *x, enum stats_route route, bool open)
{
	const char *method = request_method_name(x->request.method);
	const char *hint;

	(void)open; /* no route is */
	switch (route) {
	case STATS_ROUTE_ROWS_CARDS:
	case STATS_ROUTE_ROWS_PERSONAL:
	case STATS_ROUTE_ROWS_PROFESSIONAL:
		hint = mem_arena_printf(&x->arena, "Tables are read here. To write, %s.",
			in_place_of(route, x->request.method));
		return rest_refuse(x, POSTGREST_TABLE_METHOD, NULL, hint,
			"Unsupported HTTP method: %s", method);
	default:
		return rest_refuse(x, POSTGREST_CALL_METHOD, NULL, "Call it by POST.",
			"Cannot use the %s method on RPC", method);
	}
}

static void bare_problem(struct exchange *x, enum problem_id id, const char *detail)
{
	postgrest_problem(&x->reply, id, detail);
}

static enum step bad_body(struct exchange *x, const char *fault, bool open)
{
	(void)open;
	return rest_refuse(x, POSTGREST_CHECK, NULL, NULL, "the body %s", fault);
}

static void bad_value(struct exchange *x)
{
	(void)exchange_problem(x, PROBLEM_VALIDATION, "a value that the database refused");
}

const struct face rest_face = {
	.problem = bare_problem,
	.no_path = no_path,
	.no_method = no_method,
	.bad_body = bad_body,
	.bad_value = bad_value,
};

/* ---- what is asked for --------------------------------------------------------------------- */

/* None for a variant of the type that is not served. */
static enum rest_form form_of(const struct accept_range *range)
{
	static const struct {
		const char *type;
		enum rest_form form;
	} forms[] = {
		{"application/json", REST_FORM_ARRAY},
		{"*/*", REST_FORM_ARRAY},
		{"application/*", REST_FORM_ARRAY},
		{"application/vnd.pgrst.array+json", REST_FORM_ARRAY},
		{"application/vnd.pgrst.array", REST_FORM_ARRAY},
		{"application/vnd.pgrst.object+json", REST_FORM_ROW},
		{"application/vnd.pgrst.object", REST_FORM_ROW},
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (accept_is(range, forms[i].type) && !accept_has(range, "nulls"))
			return forms[i].form;
	return REST_FORM_NONE;
}

enum rest_form rest_form(const char *accept)
{
	enum rest_form best = REST_FORM_NONE;
	struct accept_range range;
	int liked = 0;

	if (accept == NULL)
		return REST_FORM_ARRAY;
	while (accept_next(&accept, &range)) {
		const enum rest_form form = form_of(&range);

		if (form != REST_FORM_NONE && range.quality > liked) {
			best = form;
			liked = range.quality;
		}
	}
	return best;
}

static const char *named_schema(const struct exchange *x)
{
	return is_read(x) ? x->request.accept_profile : x->request.content_profile;
}

const char *rest_schema(const struct exchange *x)
{
	const char *named = named_schema(x);

	return named != NULL ? named : SCHEMA;
}

static bool counts(const struct exchange *x)
{
	static const char *const ways[] = {"exact", "planned", "estimated"};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (prefer_has(x->request.prefer, "count", ways[i]))
			return true;
	return false;
}

static bool is_strict(const struct exchange *x)
{
	return prefer_has(x->request.prefer, "handling", "strict");
}

/* What may be preferred: most of it makes no difference here. A function returns one row, so no
 * max-affected but 0 is exceeded. */
static bool is_preference(const char *item, size_t len)
{
	static const char *const known[] = {"return=representation", "return=minimal",
		"return=headers-only", "count=exact", "count=planned", "count=estimated",
		"resolution=merge-duplicates", "resolution=ignore-duplicates", "missing=default",
		"missing=null", "tx=commit", "tx=rollback", "handling=strict", "handling=lenient"};
	static const char most[] = "max-affected=";

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == len && strncmp(known[i], item, len) == 0)
			return true;
	return len >= sizeof(most) && strncmp(item, most, sizeof(most) - 1) == 0 &&
	       item[sizeof(most) - 1] >= '1' && item[sizeof(most) - 1] <= '9';
}

/* The preferences that nobody knows, with commas; NULL where there is none. */
static const char *unknown_preferences(struct exchange *x)
{
	struct buf names = {0};
	const char *item;
	const char *text = NULL;
	size_t len;

	for (const char *p = x->request.prefer; p != NULL;) {
		p = prefer_next(p, &item, &len);
		if (p != NULL && !is_preference(item, len))
			buf_printf(&names, "%s%.*s", names.len > 0 ? ", " : "", (int)len, item);
	}
	if (names.len > 0)
		text = mem_arena_copy(&x->arena, names.data, names.len);
	buf_free(&names);
	return text;
}

static bool check_headers(struct exchange *x, enum step *ret_step)
{
	const char *schema = rest_schema(x);
	const char *unknown = is_strict(x) ? unknown_preferences(x) : NULL;

	if (strcmp(schema, SCHEMA) != 0 && strcmp(schema, "cardkeep") != 0)
		*ret_step = rest_refuse(x, POSTGREST_SCHEMA, NULL,
			"Only the following schemas are exposed: public, cardkeep",
			"Invalid schema: %s", shown(schema));
	else if (rest_form(x->request.accept) == REST_FORM_NONE)
		*ret_step = rest_refuse(x, POSTGREST_ACCEPT, NULL, NULL,
			"None of these media types are available: %s", shown(x->request.accept));
	else if (unknown != NULL)
		*ret_step = rest_refuse(x, POSTGREST_PREFER,
			mem_arena_printf(&x->arena, "Invalid preferences: %s", shown(unknown)),
			NULL, "Invalid preferences given with handling=strict");
	else
		return true;
	return false;
}

bool rest_view(struct exchange *x, bool scalar, const char **ret_view, enum step *ret_step)
{
	const bool single = rest_form(x->request.accept) == REST_FORM_ROW;
	struct query_fault fault;
	struct query query;
	bool good = true;

	if (!check_headers(x, ret_step))
		return false;
	if (!query_read(&query, &x->request, &x->arena, &fault)) {
		*ret_step = rest_refuse(x, fault.id, fault.details, NULL, "%s", fault.message);
		good = false;
	} else if (scalar && !query_is_plain(&query)) {
		*ret_step = rest_refuse(x, POSTGREST_FEATURE,
			"a text has no columns to choose or to filter by", NULL,
			"Feature not implemented");
		good = false;
	} else {
		*ret_view = query_view(&query, counts(x), single, &x->arena);
	}
	query_free(&query);
	return good;
}

/* ---- the answer ---------------------------------------------------------------------------- */

/* What the first line of a body says. */
struct range {
	int64_t offset;
	int64_t rows;
	int64_t total; /* negative: not counted */
	const char *body;
	size_t body_len;
};

static struct range read_body(const struct call_row *row)
{
	const char *end = strchr(row->body, '\n');
	struct range range = {.total = -1};

	MUST(end != NULL);
	MUST(sscanf(row->body, "%" SCNd64 " %" SCNd64 " %" SCNd64, &range.offset, &range.rows,
		     &range.total) >= 2);
	range.body = end + 1;
	range.body_len = row->body_len - (size_t)(end + 1 - row->body);
	return range;
}

static void range_header(struct exchange *x, const struct range *range)
{
	char total[24] = "*";
	char rows[48] = "*";

	if (range->total >= 0)
		snprintf(total, sizeof(total), "%" PRId64, range->total);
	if (range->rows > 0)
		snprintf(rows, sizeof(rows), "%" PRId64 "-%" PRId64, range->offset,
			range->offset + range->rows - 1);
	reply_header(&x->reply, "Content-Range", "%s/%s", rows, total);
}

static void applied_header(struct exchange *x)
{
	struct buf applied = {0};

	if (counts(x))
		buf_str(&applied, "count=exact");
	if (is_strict(x))
		buf_printf(&applied, "%shandling=strict", applied.len > 0 ? ", " : "");
	if (applied.len > 0)
		reply_header(&x->reply, "Preference-Applied", "%s", buf_cstr(&applied));
	buf_free(&applied);
}

static enum step answer_rows(struct exchange *x)
{
	const struct range range = read_body(&x->call.row);
	const bool row = rest_form(x->request.accept) == REST_FORM_ROW;

	reply_start(&x->reply, range.rows < range.total ? 206 : 200, row ? REPLY_ROW : REPLY_JSON);
	range_header(x, &range);
	applied_header(x);
	if (named_schema(x) != NULL)
		reply_header(&x->reply, "Content-Profile", "%s", rest_schema(x));
	reply_borrow(&x->reply, range.body, range.body_len);
	return STEP_ANSWER;
}

/* SQL has told of its error in the words of this face already. */
static enum step answer_raised(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	reply_start(&x->reply, postgrest_status(row->detail), REPLY_JSON);
	reply_borrow(&x->reply, row->body, row->body_len);
	return STEP_ANSWER;
}

enum step rest_answer(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status == 403) {
		postgrest_reply(&x->reply, POSTGREST_NOT_OWN, NULL,
			"Leave p_user_id out, or send the id of the token's user.",
			"p_user_id is not the caller");
		return STEP_ANSWER;
	}
	if (row->body_len == 0)
		return exchange_common(x, "row");
	if (row->status == 422)
		return answer_raised(x);
	/* A conflict is a row of its own, as the promised functions tell it. */
	if (row->status == 409)
		versioned_log_conflict(x, 200);
	return answer_rows(x);
}
