/*
 * The query string of the REST face: what is read of it is a view that is JSON whatever a client wrote,
 * no larger than what it was made of allows; and what is refused has a message that can be answered.
 */
#include "fuzz.h"

#include "api/postgrest/query.h"
#include "http/json.h"
#include "http/utf8.h"

/* The longest way to write one byte of a query (\u0001), and what a filter, a term of an order or a
 * view says besides. */
#define BYTES_OF_ONE  6
#define BYTES_OF_ITEM 80
#define BYTES_OF_VIEW 160
#define LEAST_ITEM    2 /* bytes of a query that make a filter or a term, its separator included */

static void is_view(const char *view, size_t query_len)
{
	char why[160];
	struct json_doc *doc = json_parse(view, strlen(view), why, sizeof(why));

	MUST(doc != NULL && json_kind(doc) == JSON_OBJECT);
	MUST(json_find(doc, "filters")->kind == JSON_ARRAY);
	MUST(json_find(doc, "order")->kind == JSON_ARRAY);
	MUST(json_find(doc, "offset")->kind == JSON_INTEGER);
	MUST(json_find(doc, "offset")->integer >= 0);
	if (json_find(doc, "limit") != NULL)
		MUST(json_find(doc, "limit")->integer >= 0);
	MUST(strlen(view) <=
		BYTES_OF_VIEW + query_len * BYTES_OF_ONE + query_len / LEAST_ITEM * BYTES_OF_ITEM);
	json_free(&doc);
}

static void is_text(const char *text)
{
	MUST(text != NULL && utf8_valid(text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	const unsigned how = input_byte(&input);
	struct mem_arena arena = {0};
	struct request request = {.method = how & 1 ? REQUEST_GET : REQUEST_HEAD};
	struct query_fault fault = {0};
	struct query query;
	const char *range = input_until(&input, '\n', &arena);

	request.range = how & 2 ? range : NULL;
	request.query = input_until(&input, '\n', &arena);
	if (query_read(&query, &request, &arena, &fault)) {
		is_view(query_view(&query, how & 4, how & 8, &arena), strlen(request.query));
	} else {
		is_text(fault.message);
		if (fault.details != NULL)
			is_text(fault.details);
	}
	query_free(&query);
	mem_arena_free(&arena);
	return 0;
}
