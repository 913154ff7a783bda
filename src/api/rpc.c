/*
 * The promised functions over HTTP.
 *
 * Arguments travel to the database as a document, as the client wrote them: SQL turns them into its
 * types and says in its own words what is wrong with them. Two things are better known here, and are
 * added: the slug that a name makes in any script, and a profile's fields, cleaned and checked as
 * everywhere.
 */
#include "api/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/profiles.h"
#include "api/rest.h"
#include "api/text.h"

#define NAMES_MAX 32 /* arguments that are named in a refusal */

enum function_id {
#define FUNCTION(id, name, call) FUNCTION_##id,
#define ARGUMENT(function, name, required)
#include "api/functions.def"
#undef FUNCTION
#undef ARGUMENT
};

static const struct {
	const char *name;
	enum call_id call;
} functions[] = {
#define FUNCTION(id, name, call) [FUNCTION_##id] = {name, CALL_##call},
#define ARGUMENT(function, name, required)
#include "api/functions.def"
#undef FUNCTION
#undef ARGUMENT
};

static const struct {
	enum function_id function;
	const char *name;
	bool required;
} arguments[] = {
#define FUNCTION(id, name, call)
#define ARGUMENT(function, name, required) {FUNCTION_##function, name, required},
#include "api/functions.def"
#undef FUNCTION
#undef ARGUMENT
};

/* The fields that are arguments of `id`; none of a function that saves no profile. */
static const struct field *fields_of(enum function_id id, size_t *ret_count)
{
	*ret_count = 0;
	if (id != FUNCTION_PERSONAL && id != FUNCTION_PROFESSIONAL)
		return NULL;
	return profiles_fields(id == FUNCTION_PROFESSIONAL, ret_count);
}

/* ---- which function is meant --------------------------------------------------------------- */

static bool is_argument(enum function_id id, const char *name)
{
	size_t count;
	const struct field *fields = fields_of(id, &count);

	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (arguments[i].function == id && strcmp(arguments[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < count; i++)
		if (strncmp(name, "p_", 2) == 0 && strcmp(name + 2, fields[i].name) == 0)
			return true;
	return false;
}

static bool fits(const struct exchange *x, enum function_id id)
{
	for (size_t i = 0; i < json_count(x->body); i++)
		if (!is_argument(id, json_at(x->body, i)->name))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (arguments[i].function == id && arguments[i].required &&
			json_find(x->body, arguments[i].name) == NULL)
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a, b, c" in the order of the alphabet. */
static const char *listed(struct exchange *x, const char **names, size_t count)
{
	struct buf list = {0};
	const char *text;

	qsort(names, count, sizeof(*names), by_name);
	for (size_t i = 0; i < count; i++)
		buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	text = mem_arena_copy(&x->arena, buf_cstr(&list), list.len);
	buf_free(&list);
	return text;
}

static const char *names_sent(struct exchange *x)
{
	const char *names[NAMES_MAX];
	size_t count = json_count(x->body);

	if (count > NAMES_MAX)
		count = NAMES_MAX;
	for (size_t i = 0; i < count; i++)
		names[i] = json_at(x->body, i)->name;
	return listed(x, names, count);
}

static const char *names_of(struct exchange *x, enum function_id id)
{
	const char *names[NAMES_MAX];
	size_t fields_count;
	const struct field *fields = fields_of(id, &fields_count);
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (arguments[i].function == id)
			names[count++] = arguments[i].name;
	for (size_t i = 0; i < fields_count; i++)
		names[count++] = mem_arena_printf(&x->arena, "p_%s", fields[i].name);
	MUST(count <= NAMES_MAX);
	return listed(x, names, count);
}

static enum step refuse_arguments(struct exchange *x, enum function_id id)
{
	const char *schema = rest_schema(x);
	const char *name = functions[id].name;
	const char *sent = names_sent(x);
	const char *hint = mem_arena_printf(&x->arena,
		"Perhaps you meant to call the function %s.%s(%s)", schema, name, names_of(x, id));
	const char *details = mem_arena_printf(&x->arena,
		"Searched for the function %s.%s with parameters %s, but no matches were found in "
		"the schema cache.",
		schema, name, sent);

	if (*sent == '\0')
		return rest_refuse(x, PGRST_FUNCTION, NULL, hint,
			"Could not find the function %s.%s without parameters in the schema cache",
			schema, name);
	return rest_refuse(x, PGRST_FUNCTION, details, hint,
		"Could not find the function %s.%s(%s) in the schema cache", schema, name, sent);
}

/* ---- what it is called with ---------------------------------------------------------------- */

static void add_name(struct buf *out, const char *name)
{
	if (out->len > 1)
		buf_char(out, ',');
	json_quote(out, name, strlen(name));
	buf_char(out, ':');
}

/* A value as SQL would make a text of it. */
static const char *as_text(const struct json_member *member, size_t *ret_len)
{
	*ret_len = member->kind == JSON_STRING ? member->string_len : member->raw_len;
	return member->kind == JSON_STRING ? member->string : member->raw;
}

static const struct json_member *given(const struct exchange *x, const char *name)
{
	const struct json_member *member = json_find(x->body, name);

	return member != NULL && member->kind != JSON_NULL ? member : NULL;
}

/* What the slug is made of; nothing where SQL is to say that it is missing. */
static void add_slug(struct exchange *x, enum function_id id, struct buf *args)
{
	const struct json_member *base =
		given(x, id == FUNCTION_SLUG ? "base_slug" : "p_base_slug");
	const char *text;
	size_t len;

	if (id != FUNCTION_SLUG && id != FUNCTION_CREATE)
		return;
	if (base == NULL && id == FUNCTION_CREATE)
		base = given(x, "p_name");
	if (base == NULL)
		return;
	text = as_text(base, &len);
	text = text_slug(text, len, &x->arena);
	add_name(args, "slug");
	json_quote(args, text, strlen(text));
}

/* NULL, or what is wrong with a field. */
static const char *add_field(struct exchange *x, const struct field *field, struct buf *patch)
{
	const char *name = mem_arena_printf(&x->arena, "p_%s", field->name);
	const struct json_member *member = given(x, name);
	const char *fault;
	const char *text;
	size_t len;

	if (member == NULL)
		return NULL;
	text = as_text(member, &len);
	fault = fields_clean(x, field, text, len, &text);
	if (fault != NULL)
		return mem_arena_printf(&x->arena, "%s %s", name, fault);
	if (text == NULL)
		text = "";
	add_name(patch, field->name);
	json_quote(patch, text, strlen(text));
	return NULL;
}

static const char *add_patch(struct exchange *x, enum function_id id, struct buf *args)
{
	size_t count;
	const struct field *fields = fields_of(id, &count);
	struct buf patch = {0};
	const char *fault = NULL;

	if (fields == NULL)
		return NULL;
	buf_char(&patch, '{');
	for (size_t i = 0; i < count && fault == NULL; i++)
		fault = add_field(x, &fields[i], &patch);
	add_name(args, "patch");
	buf_printf(args, "%s}", buf_cstr(&patch));
	buf_free(&patch);
	return fault;
}

/* NULL and the document, or what is wrong with an argument. */
static const char *make_arguments(
	struct exchange *x, enum function_id id, const char **ret_arguments)
{
	struct buf args = {0};
	const char *fault;

	buf_char(&args, '{');
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
		const struct json_member *member = json_find(x->body, arguments[i].name);

		if (arguments[i].function != id || member == NULL)
			continue;
		add_name(&args, arguments[i].name);
		buf_add(&args, member->raw, member->raw_len);
	}
	add_slug(x, id, &args);
	fault = add_patch(x, id, &args);
	buf_char(&args, '}');
	*ret_arguments = mem_arena_copy(&x->arena, args.data, args.len);
	buf_free(&args);
	return fault;
}

/* ---- the call ------------------------------------------------------------------------------ */

static enum step plan(struct exchange *x, enum function_id id)
{
	const bool write = call_kind(functions[id].call) == CALL_WRITE;
	const char *document;
	const char *view;
	const char *fault;
	enum step step;

	if (json_kind(x->body) != JSON_OBJECT)
		return rest_refuse(x, PGRST_BODY, NULL, NULL,
			"the body must be a JSON object of named arguments");
	if (!fits(x, id))
		return refuse_arguments(x, id);
	if (!rest_view(x, id == FUNCTION_SLUG, &view, &step))
		return step;
	fault = make_arguments(x, id, &document);
	if (fault != NULL)
		return rest_refuse(x, PGRST_VALUE, NULL, NULL, "%s", fault);
	call_start(&x->call, functions[id].call);
	auth_argument(x);
	if (write)
		key_write_argument(x);
	call_text(&x->call, document);
	call_text(&x->call, view);
	if (write)
		key_argument(x);
	x->resume = rest_answer;
	return STEP_CALL;
}

enum step rpc_slug(struct exchange *x)
{
	return plan(x, FUNCTION_SLUG);
}

enum step rpc_create(struct exchange *x)
{
	return plan(x, FUNCTION_CREATE);
}

enum step rpc_update(struct exchange *x)
{
	return plan(x, FUNCTION_UPDATE);
}

enum step rpc_personal(struct exchange *x)
{
	return plan(x, FUNCTION_PERSONAL);
}

enum step rpc_professional(struct exchange *x)
{
	return plan(x, FUNCTION_PROFESSIONAL);
}
