/* A call: one stored-function call planned for one request, and the row that answered it. */
#include "db/call.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/must.h"

static const struct spec {
	const char *name;
	const char *statement;
	enum call_kind kind;
	enum call_cost cost;
	enum call_counts counts;
	size_t nargs;
} specs[] = {
#define CALL_OF(id, kind, cost, counts, name, function, args, nargs)                            \
	[CALL_##id] = {name,                                                                    \
		"select 1, status, version, replayed, detail, body from cardkeep_api." function \
		"(" args ")",                                                                   \
		CALL_##kind, CALL_##cost, CALL_COUNTS_##counts, nargs},
#define CALL(id, kind, cost, counts, function, args, nargs) \
	CALL_OF(id, kind, cost, counts, function, function, args, nargs)
#include "catalog/calls.def"
};

static const struct set_spec {
	const char *function;
	const char *statement;
} set_specs[CALL_COUNT] = {
#define CALL(id, kind, cost, counts, function, args, nargs)
#define CALL_SET(id, function, args)                                                               \
	[CALL_##id] = {function,                                                                   \
		"select item, status, version, replayed, detail, body from cardkeep_api." function \
		"(" args ")"},
#include "catalog/calls.def"
};

static const struct spec *spec_of(enum call_id id)
{
	MUST((size_t)id < ARRAY_LEN(specs));
	return &specs[id];
}

void call_start(struct call *call, enum call_id id)
{
	MUST(spec_of(id)->nargs <= CALL_ARGS_MAX);
	call_release(call);
	*call = (struct call){.id = id};
}

static void put_argument(struct call *call, const char *value, int length, bool binary)
{
	MUST(call->nargs < call_arity(call->id));
	call->values[call->nargs] = value;
	call->lengths[call->nargs] = length;
	call->binary[call->nargs] = binary;
	call->nargs++;
}

void call_text(struct call *call, const char *value)
{
	put_argument(call, value, 0, false);
}

void call_bytes(struct call *call, const void *value, size_t len)
{
	MUST(len <= INT_MAX);
	put_argument(call, value, (int)len, true);
}

void call_uuid(struct call *call, struct mem_arena *arena, const struct uuid *value)
{
	char *text = mem_arena_alloc(arena, UUID_TEXT_BYTES);

	uuid_format(value, text);
	call_text(call, text);
}

void call_integer(struct call *call, struct mem_arena *arena, int64_t value)
{
	call_text(call, mem_arena_printf(arena, "%" PRId64, value));
}

void call_release(struct call *call)
{
	if (call->result != NULL)
		call->result_free(&call->result);
	call->row = (struct call_row){0};
}

const char *call_name(enum call_id id)
{
	return spec_of(id)->name;
}

const char *call_statement(enum call_id id)
{
	return spec_of(id)->statement;
}

enum call_kind call_kind(enum call_id id)
{
	return spec_of(id)->kind;
}

enum call_counts call_counts(enum call_id id)
{
	return spec_of(id)->counts;
}

enum call_cost call_cost(enum call_id id)
{
	return spec_of(id)->cost;
}

/* What is new here counts as adding until it is said otherwise. */
bool call_adds(enum call_id id)
{
	switch (id) {
	case CALL_OPEN_SESSION:
	case CALL_END_SESSION:
	case CALL_END_SESSIONS:
	case CALL_CHANGE_PASSWORD:
	case CALL_DELETE_ACCOUNT:
	case CALL_DELETE_CARD:
		return false;
	default:
		return call_kind(id) == CALL_WRITE;
	}
}

size_t call_arity(enum call_id id)
{
	return spec_of(id)->nargs;
}

size_t call_size(const struct call *call)
{
	size_t bytes = 0;

	for (size_t i = 0; i < call->nargs; i++)
		if (call->values[i] != NULL)
			bytes += call->binary[i] ? (size_t)call->lengths[i]
						 : strlen(call->values[i]);
	return bytes;
}

bool call_is_slow(const struct call *call)
{
	return call_cost(call->id) == CALL_SLOW || call_size(call) > CALL_HOT_BYTES;
}

const char *call_set_function(enum call_id id)
{
	MUST((size_t)id < ARRAY_LEN(set_specs));
	return set_specs[id].function;
}

const char *call_set_statement(enum call_id id)
{
	MUST((size_t)id < ARRAY_LEN(set_specs));
	return set_specs[id].statement;
}
