/*
 * The query string of the REST face: which columns, which rows, in which order, how many. Pure.
 *
 * What it says is handed to the database as a document, the view (sql/deploy/rest_views.sql), which
 * knows the columns. Here is the grammar, as PostgREST's clients write it:
 *
 *   select=a,b          order=a.desc.nullslast,b      limit=10   offset=20
 *   column=eq.value     column=not.in.(1,"2,3")       column=is.null
 *
 * Each filter is looked at for each row, and each order sorts them, so there are bounds to both, and
 * documents, which may be as large as a body, are neither compared nor ordered by.
 */
#ifndef API_POSTGREST_QUERY_H
#define API_POSTGREST_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "api/postgrest/errors.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/request.h"

#define QUERY_BYTES_MAX   16384 /* of the query string; nginx takes half of it in a request line */
#define QUERY_FILTERS_MAX 20
#define QUERY_VALUES_MAX  100 /* in the parentheses of one `in` */
#define QUERY_ORDERS_MAX  20
#define QUERY_COLUMNS_MAX 1000 /* in select; one that is named again costs its name alone */

/* What is wrong with a query; all texts live in the arena. */
struct query_fault {
	enum postgrest_error id;
	const char *message;
	const char *details; /* NULL where there is no more to say */
};

struct query {
	struct buf select;  /* names as JSON strings, with commas; empty: all columns */
	struct buf filters; /* JSON objects, with commas */
	struct buf order;   /* likewise */
	size_t filter_count;
	bool has_select; /* each of these stands in a query once */
	bool has_order;
	bool has_limit;
	bool has_offset;
	int64_t limit; /* with has_limit */
	int64_t offset;
};

/* Reads a query string, and the Range header of a GET where no limit and no offset is named. False
 * when something is wrong, which *ret_fault then says. */
MUST_CHECK bool query_read(struct query *query, const struct request *request,
	struct mem_arena *arena, struct query_fault *ret_fault);
/* Whether anything was asked at all. */
bool query_is_plain(const struct query *query);
/* The view, in the arena: `count` asks for the number of all rows, `single` for exactly one. */
const char *query_view(const struct query *query, bool count, bool single, struct mem_arena *arena);
void query_free(struct query *query);

#endif
