/*
 * The promised functions over HTTP.
 *
 * Arguments travel to the database as a document. What is no text travels as the client wrote it: SQL
 * turns it into its types and says in its own words what is wrong with it, once it was seen here that
 * it is short. Texts are cleaned and checked as everywhere, since one rule in one place decides what a
 * name is; and the slug that a name makes in any script is added.
 */
#include "api/handlers.h"

#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/cards.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/postgrest/rest.h"
#include "api/profiles.h"
#include "api/text.h"
#include "base/json_text.h"

#define NAMES_MAX    32  /* arguments that are named in a refusal */
#define SCALAR_BYTES 100 /* no uuid, integer or boolean is written in more */

enum function_id {
#define FUNCTION(id, name, call) FUNCTION_##id,
#define ARGUMENT(function, name, type, required)
#include "api/postgrest/functions.def"
#undef FUNCTION
#undef ARGUMENT
};

static const struct {
	const char *name;
	enum call_id call;
} functions[] = {
#define FUNCTION(id, name, call) [FUNCTION_##id] = {name, CALL_##call},
#define ARGUMENT(function, name, type, required)
#include "api/postgrest/functions.def"
#undef FUNCTION
#undef ARGUMENT
};

enum type {
	TYPE_FIELD,    /* a field of a card */
	TYPE_TEXT,     /* any other text */
	TYPE_DOCUMENT, /* any JSON */
	TYPE_UUID,
	TYPE_INTEGER,
	TYPE_BOOLEAN,
};

static const struct {
	enum function_id function;
	const char *name;
	enum type type;
	bool required;
} arguments[] = {
#define FUNCTION(id, name, call)
#define ARGUMENT(function, name, type, required) {FUNCTION_##function, name, TYPE_##type, required},
#include "api/postgrest/functions.def"
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

static bool arguments_fit(const struct exchange *x, enum function_id id)
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
static const char *sorted_list(struct exchange *x, const char **names, size_t count)
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

static const char *shortened(struct exchange *x, const char *name)
{
	return mem_arena_copy(&x->arena, name, problem_cut(name, PROBLEM_NAME_BYTES));
}

static const char *names_sent(struct exchange *x)
{
	const char *names[NAMES_MAX];
	size_t count = json_count(x->body);

	if (count > NAMES_MAX)
		count = NAMES_MAX;
	for (size_t i = 0; i < count; i++)
		names[i] = shortened(x, json_at(x->body, i)->name);
	return sorted_list(x, names, count);
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
	return sorted_list(x, names, count);
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
		return rest_refuse(x, POSTGREST_FUNCTION, NULL, hint,
			"Could not find the function %s.%s without parameters in the schema cache",
			schema, name);
	return rest_refuse(x, POSTGREST_FUNCTION, details, hint,
		"Could not find the function %s.%s(%s) in the schema cache", schema, name, sent);
}

/* ---- what it is called with ---------------------------------------------------------------- */

static void add_name(struct buf *out, const char *name)
{
	if (out->len > 1)
		buf_char(out, ',');
	json_text_quote(out, name, strlen(name));
	buf_char(out, ':');
}

/* What is wrong with an argument; a message of NULL is nothing. */
struct fault {
	enum postgrest_error id;
	const char *message;
	const char *details;
};

static const struct fault sound = {.message = NULL};

static struct fault value_fault(struct exchange *x, const char *name, const char *what)
{
	return (struct fault){
		POSTGREST_VALUE, mem_arena_printf(&x->arena, "%s %s", name, what), NULL};
}

/* As PostgreSQL tells of it, which is what clients of this face look for. */
static struct fault check_fault(struct exchange *x, const char *name, const char *what)
{
	return (struct fault){POSTGREST_CHECK,
		mem_arena_printf(&x->arena,
			"new row for relation \"business_cards\" violates check constraint "
			"\"business_cards_%s_valid\"",
			name + strlen("p_")),
		mem_arena_printf(&x->arena, "%s %s", name, what)};
}

static bool is_scalar(const struct json_member *member)
{
	return member->kind != JSON_ARRAY && member->kind != JSON_OBJECT;
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

static void add_text(struct buf *out, const char *name, const char *text)
{
	add_name(out, name);
	json_text_quote(out, text, strlen(text));
}

static void add_raw(struct buf *out, const char *name, const struct json_member *member)
{
	add_name(out, name);
	buf_add(out, member->raw, member->raw_len);
}

/* An uuid, integer or boolean: SQL reads it, and quotes it where it cannot. */
static struct fault add_scalar(struct exchange *x, const char *name, const char *type,
	const struct json_member *member, struct buf *args)
{
	size_t len;
	const char *text = as_text(member, &len);

	if (is_scalar(member) && len <= SCALAR_BYTES) {
		add_raw(args, name, member);
		return sound;
	}
	text = shortened(x, mem_arena_copy(&x->arena, text, len));
	return (struct fault){POSTGREST_TYPE,
		mem_arena_printf(&x->arena, "invalid input syntax for type %s: \"%s\"", type, text),
		NULL};
}

/* What of the slug's source is left when it was cleaned. */
struct slug_source {
	const char *name;
	const char *base;
};

/* A field of a card. Cleared it is what the function does without it, but for a name. */
static struct fault add_card_field(struct exchange *x, enum function_id id, const char *name,
	const struct json_member *member, struct buf *args, struct slug_source *source)
{
	const struct field *field = cards_field(name + strlen("p_"));
	const bool is_base = field->nullable;
	const char *fault;
	const char *text;
	size_t len;

	if (!is_scalar(member))
		return value_fault(x, name, "must be a text");
	text = as_text(member, &len);
	fault = fields_clean(x, field, text, len, &text);
	if (fault != NULL)
		return is_base ? value_fault(x, name, fault) : check_fault(x, name, fault);
	if (is_base) {
		source->base = text;
		return sound;
	}
	if (text == NULL && id == FUNCTION_CREATE && field->required)
		return value_fault(x, name, "must be given");
	if (text == NULL)
		return check_fault(x, name, "must not be empty");
	if (field->required)
		source->name = text;
	add_text(args, name, text);
	return sound;
}

static struct fault add_argument(struct exchange *x, size_t i, const struct json_member *member,
	struct buf *args, struct slug_source *source)
{
	static const char *const types[] = {
		[TYPE_UUID] = "uuid", [TYPE_INTEGER] = "integer", [TYPE_BOOLEAN] = "boolean"};
	const char *name = arguments[i].name;

	if (member->kind == JSON_NULL) {
		add_raw(args, name, member);
		return sound;
	}
	switch (arguments[i].type) {
	case TYPE_FIELD:
		return add_card_field(x, arguments[i].function, name, member, args, source);
	case TYPE_TEXT:
		if (!is_scalar(member))
			return value_fault(x, name, "must be a text");
		/* As it is: what slug any text makes is told, not kept. */
		source->base = mem_arena_copy(&x->arena, member->raw, member->raw_len);
		if (member->kind == JSON_STRING)
			source->base = member->string;
		return sound;
	case TYPE_DOCUMENT:
		add_raw(args, name, member);
		return sound;
	default:
		return add_scalar(x, name, types[arguments[i].type], member, args);
	}
}

/* What the slug is made of; nothing where SQL is to say that it is missing. */
static void add_slug(
	struct exchange *x, enum function_id id, const struct slug_source *source, struct buf *args)
{
	const char *text = source->base != NULL ? source->base : source->name;

	if ((id == FUNCTION_SLUG || id == FUNCTION_CREATE) && text != NULL)
		add_text(args, "slug", text_slug(text, strlen(text), &x->arena));
}

static struct fault add_field(struct exchange *x, const struct field *field, struct buf *patch)
{
	const char *name = mem_arena_printf(&x->arena, "p_%s", field->name);
	const struct json_member *member = given(x, name);
	const char *fault;
	const char *text;
	size_t len;

	if (member == NULL)
		return sound;
	if (!is_scalar(member))
		return value_fault(x, name, "must be a text");
	text = as_text(member, &len);
	fault = fields_clean(x, field, text, len, &text);
	if (fault != NULL)
		return value_fault(x, name, fault);
	add_text(patch, field->name, text != NULL ? text : "");
	return sound;
}

static struct fault add_patch(struct exchange *x, enum function_id id, struct buf *args)
{
	size_t count;
	const struct field *fields = fields_of(id, &count);
	struct buf patch = {0};
	struct fault fault = sound;

	if (fields == NULL)
		return sound;
	buf_char(&patch, '{');
	for (size_t i = 0; i < count && fault.message == NULL; i++)
		fault = add_field(x, &fields[i], &patch);
	add_name(args, "patch");
	buf_printf(args, "%s}", buf_cstr(&patch));
	buf_free(&patch);
	return fault;
}

/* The document, or what is wrong with an argument. */
static struct fault make_arguments(
	struct exchange *x, enum function_id id, const char **ret_arguments)
{
	struct slug_source source = {0};
	struct fault fault = sound;
	struct buf args = {0};

	if (json_spreads(x->body))
		return (struct fault){POSTGREST_CHECK,
			"the arguments take more than 512 KiB when they are printed",
			"Numbers are printed without exponents."};
	buf_char(&args, '{');
	for (size_t i = 0; i < ARRAY_LEN(arguments) && fault.message == NULL; i++) {
		const struct json_member *member = json_find(x->body, arguments[i].name);

		if (arguments[i].function == id && member != NULL)
			fault = add_argument(x, i, member, &args, &source);
	}
	add_slug(x, id, &source, &args);
	if (fault.message == NULL)
		fault = add_patch(x, id, &args);
	buf_char(&args, '}');
	*ret_arguments = mem_arena_copy(&x->arena, args.data, args.len);
	buf_free(&args);
	return fault;
}

/* ---- the call ------------------------------------------------------------------------------ */

static enum step plan_function(struct exchange *x, enum function_id id)
{
	const bool write = call_kind(functions[id].call) == CALL_WRITE;
	const char *document;
	const char *view;
	struct fault fault;
	enum step step;

	if (json_kind(x->body) != JSON_OBJECT)
		return rest_refuse(x, POSTGREST_BODY, NULL, NULL,
			"the body must be a JSON object of named arguments");
	if (!arguments_fit(x, id))
		return refuse_arguments(x, id);
	if (!rest_view(x, id == FUNCTION_SLUG, &view, &step))
		return step;
	fault = make_arguments(x, id, &document);
	if (fault.message != NULL)
		return rest_refuse(x, fault.id, fault.details, NULL, "%s", fault.message);
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
	return plan_function(x, FUNCTION_SLUG);
}

enum step rpc_create(struct exchange *x)
{
	return plan_function(x, FUNCTION_CREATE);
}

enum step rpc_update(struct exchange *x)
{
	return plan_function(x, FUNCTION_UPDATE);
}

enum step rpc_personal(struct exchange *x)
{
	return plan_function(x, FUNCTION_PERSONAL);
}

enum step rpc_professional(struct exchange *x)
{
	return plan_function(x, FUNCTION_PROFESSIONAL);
}
