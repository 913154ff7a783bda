/* The query string of the REST face: what it comes to, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/postgrest/query.h"
#include "base/must.h"

/* Nothing but these, in a view. */
#define VIEW(select, limit, filters, order, offset)                                           \
	"{" select limit "\"filters\":[" filters "],\"order\":[" order "],\"offset\":" offset \
	",\"count\":false,\"single\":false}"
#define FILTER(column, op, negated, values)                                                        \
	"{\"column\":\"" column "\",\"op\":\"" op "\",\"not\":" negated ",\"values\":[" values "]" \
	"}"
#define ORDER(column, descending, nulls) \
	"{\"column\":\"" column "\",\"descending\":" descending ",\"nulls\":\"" nulls "\"}"

static const struct {
	const char *query;
	const char *range;
	const char *view;
} good[] = {
	{"", NULL, VIEW("", "", "", "", "0")},
	{"&&select=*&", NULL, VIEW("", "", "", "", "0")},
	{"select=", NULL, VIEW("", "", "", "", "0")},
	{"select=id,%22name%22", NULL, VIEW("\"select\":[\"id\",\"name\"],", "", "", "", "0")},
	{"limit=10&offset=20", NULL, VIEW("", "\"limit\":10,", "", "", "20")},
	{"a=eq.1", NULL, VIEW("", "", FILTER("a", "eq", "false", "\"1\""), "", "0")},
	{"a=eq.", NULL, VIEW("", "", FILTER("a", "eq", "false", "\"\""), "", "0")},
	{"a=neq.x.y%3Dz", NULL, VIEW("", "", FILTER("a", "neq", "false", "\"x.y=z\""), "", "0")},
	{"a=eq.b+c%2B", NULL, VIEW("", "", FILTER("a", "eq", "false", "\"b c+\""), "", "0")},
	{"a=not.in.(1,%222,3%22)", NULL,
		VIEW("", "", FILTER("a", "in", "true", "\"1\",\"2,3\""), "", "0")},
	{"a=in.()", NULL, VIEW("", "", FILTER("a", "in", "false", ""), "", "0")},
	{"a=in.(,)", NULL, VIEW("", "", FILTER("a", "in", "false", "\"\",\"\""), "", "0")},
	{"a=in.(%22%5C%22%5C%5C%22)", NULL,
		VIEW("", "", FILTER("a", "in", "false", "\"\\\"\\\\\""), "", "0")},
	/* an item is in quotes only where the closing one ends it */
	{"a=in.(%22The+Shop%22+Berlin,%22b%22)", NULL,
		VIEW("", "", FILTER("a", "in", "false", "\"\\\"The Shop\\\" Berlin\",\"b\""), "",
			"0")},
	{"a=in.(%221)", NULL, VIEW("", "", FILTER("a", "in", "false", "\"\\\"1\""), "", "0")},
	{"a=in.(%22)", NULL, VIEW("", "", FILTER("a", "in", "false", "\"\\\"\""), "", "0")},
	{"a=in.(%221%5C)", NULL,
		VIEW("", "", FILTER("a", "in", "false", "\"\\\"1\\\\\""), "", "0")},
	{"a=in.(+1,+2)+", NULL, VIEW("", "", FILTER("a", "in", "false", "\"1\",\" 2\""), "", "0")},
	{"select=id,+%22name%22+", NULL, VIEW("\"select\":[\"id\",\"name\"],", "", "", "", "0")},
	{"order=a,+b.desc+", NULL,
		VIEW("", "", "", ORDER("a", "false", "last") "," ORDER("b", "true", "first"), "0")},
	{"a=is.NULL&b=not.is.true", NULL,
		VIEW("", "",
			FILTER("a", "is", "false", "\"null\"") "," FILTER(
				"b", "is", "true", "\"true\""),
			"", "0")},
	{"%22;--=eq.1", NULL, VIEW("", "", FILTER("\\\";--", "eq", "false", "\"1\""), "", "0")},
	{"fields_config=is.null", NULL,
		VIEW("", "", FILTER("fields_config", "is", "false", "\"null\""), "", "0")},
	{"select=fields_config", NULL, VIEW("\"select\":[\"fields_config\"],", "", "", "", "0")},
	{"order=a", NULL, VIEW("", "", "", ORDER("a", "false", "last"), "0")},
	{"order=a.asc.nullsfirst,b.desc", NULL,
		VIEW("", "", "", ORDER("a", "false", "first") "," ORDER("b", "true", "first"),
			"0")},
	{"order=a.desc.nullslast,b.nullsfirst", NULL,
		VIEW("", "", "", ORDER("a", "true", "last") "," ORDER("b", "false", "first"), "0")},
	{"", "0-9", VIEW("", "\"limit\":10,", "", "", "0")},
	{"", "5-", VIEW("", "", "", "", "5")},
	{"", "bytes=0-9", VIEW("", "", "", "", "0")},
	{"", "9-5", VIEW("", "", "", "", "0")},
	{"", "x", VIEW("", "", "", "", "0")},
	{"limit=1", "0-9", VIEW("", "\"limit\":1,", "", "", "0")},
	{"offset=0", "5-9", VIEW("", "", "", "", "0")},
};

static const struct {
	const char *query;
	enum postgrest_error id;
} bad[] = {
	{"a", POSTGREST_QUERY},
	{"a=1", POSTGREST_QUERY},
	{"a=not.1", POSTGREST_QUERY},
	{"a=nothing.1", POSTGREST_QUERY},
	{"a=eq1.1", POSTGREST_QUERY},
	{"a=in.1", POSTGREST_QUERY},
	{"a=in.(1", POSTGREST_QUERY},
	{"a=in.(1)2)", POSTGREST_QUERY},
	{"a=in.(%221%222)3)", POSTGREST_QUERY},
	{"a=is.1", POSTGREST_QUERY},
	{"a=eq.%FF", POSTGREST_QUERY},
	{"a=eq.%00", POSTGREST_QUERY},
	{"%zz=eq.1", POSTGREST_QUERY},
	{"limit=", POSTGREST_QUERY},
	{"limit=1x", POSTGREST_QUERY},
	{"limit=1234567890123456", POSTGREST_QUERY},
	{"limit=-1", POSTGREST_RANGE},
	{"offset=-1", POSTGREST_QUERY},
	{"limit=1&limit=1", POSTGREST_QUERY},
	{"order=a&order=a", POSTGREST_QUERY},
	{"select=a,", POSTGREST_QUERY},
	{"select=a,+", POSTGREST_QUERY},
	{"select=a+b", POSTGREST_QUERY},
	{"order=a,+", POSTGREST_QUERY},
	{"select=a;b", POSTGREST_QUERY},
	{"select=%22a", POSTGREST_QUERY},
	{"select=%22", POSTGREST_QUERY},
	{"order=", POSTGREST_QUERY},
	{"order=a.ascending", POSTGREST_QUERY},
	{"order=a.desc.asc", POSTGREST_QUERY},
	{"order=a,", POSTGREST_QUERY},
	{"order=a-%3Eb", POSTGREST_FEATURE},
	{"select=a(b)", POSTGREST_FEATURE},
	{"select=a:b", POSTGREST_FEATURE},
	{"select=a-%3Eb", POSTGREST_FEATURE},
	{"select=a.sum()", POSTGREST_FEATURE},
	{"a.b=eq.1", POSTGREST_FEATURE},
	{"a-%3Eb=eq.1", POSTGREST_FEATURE},
	{"a=gte.1", POSTGREST_FEATURE},
	{"a=fts(english).x", POSTGREST_FEATURE},
	{"a=eq(any).{1}", POSTGREST_FEATURE},
	{"or=(a.eq.1)", POSTGREST_FEATURE},
	{"columns=a", POSTGREST_FEATURE},
	{"order=fields_config", POSTGREST_FEATURE},
	{"order=name,design_config.desc", POSTGREST_FEATURE},
	{"fields_config=eq.%7B%7D", POSTGREST_FEATURE},
	{"fields_config=not.in.(1)", POSTGREST_FEATURE},
	{"design_config=neq.1", POSTGREST_FEATURE},
	{"home_address=eq.1", POSTGREST_FEATURE},
	{"office_address=eq.1", POSTGREST_FEATURE},
};

static bool read_one(struct query *query, struct mem_arena *arena, const char *text,
	const char *range, struct query_fault *fault)
{
	const struct request request = {.method = REQUEST_GET, .query = text, .range = range};

	return query_read(query, &request, arena, fault);
}

static void a_query_comes_to_a_view(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct mem_arena arena = {0};
		struct query_fault fault = {.message = "none"};
		struct query query;

		if (!read_one(&query, &arena, good[i].query, good[i].range, &fault))
			fail_msg("%s: %s", good[i].query, fault.message);
		assert_string_equal(query_view(&query, false, false, &arena), good[i].view);
		query_free(&query);
		mem_arena_free(&arena);
	}
}

/* As often as may be, and once more: `before`, so many `piece`s, `after`. */
static void there_is_a_bound_to_all_that_costs_for_each_row(void **state)
{
	static const struct {
		const char *before, *piece, *after;
		size_t most;
	} cases[] = {
		{"", "name=eq.1&", "", QUERY_FILTERS_MAX},
		{"", "a=not.is.null&", "", QUERY_FILTERS_MAX},
		{"", "a=in.()&", "", QUERY_FILTERS_MAX},
		{"a=in.(", "1,", "1)", QUERY_VALUES_MAX - 1},
		{"a=in.(", ",", ")", QUERY_VALUES_MAX - 1},
		{"a=not.in.(", "%221%22,", "1)", QUERY_VALUES_MAX - 1},
		{"order=", "a.desc,", "b", QUERY_ORDERS_MAX - 1},
		{"select=", "a,", "b", QUERY_COLUMNS_MAX - 1},
		{"a=eq.", "x", "", QUERY_BYTES_MAX - sizeof("a=eq.") + 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t more = 0; more < 2; more++) {
			struct mem_arena arena = {0};
			struct query_fault fault = {.message = "none"};
			struct buf text = {0};
			struct query query;
			bool taken;

			buf_str(&text, cases[i].before);
			for (size_t n = 0; n < cases[i].most + more; n++)
				buf_str(&text, cases[i].piece);
			buf_str(&text, cases[i].after);
			taken = read_one(&query, &arena, buf_cstr(&text), NULL, &fault);
			if (taken == (more > 0))
				fail_msg("case %zu: %s", i, fault.message);
			if (more > 0) {
				assert_int_equal(fault.id, POSTGREST_QUERY);
				assert_non_null(strstr(fault.message, "at most"));
			}
			buf_free(&text);
			query_free(&query);
			mem_arena_free(&arena);
		}
}

static void what_is_malformed_or_not_here_is_refused_as_that(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct mem_arena arena = {0};
		struct query_fault fault;
		struct query query;

		if (read_one(&query, &arena, bad[i].query, NULL, &fault))
			fail_msg("taken: %s", bad[i].query);
		if (fault.id != bad[i].id || fault.message[0] == '\0')
			fail_msg("%s: %d %s", bad[i].query, fault.id, fault.message);
		query_free(&query);
		mem_arena_free(&arena);
	}
}

static void the_view_says_whether_to_count_and_whether_one_row_is_wanted(void **state)
{
	struct mem_arena arena = {0};
	struct query_fault fault;
	struct query query;

	(void)state;
	assert_true(read_one(&query, &arena, "", NULL, &fault));
	assert_true(query_is_plain(&query));
	assert_string_equal(query_view(&query, true, true, &arena),
		"{\"filters\":[],\"order\":[],\"offset\":0,\"count\":true,\"single\":true}");
	query_free(&query);
	assert_true(read_one(&query, &arena, "limit=5", NULL, &fault));
	assert_false(query_is_plain(&query));
	query_free(&query);
	mem_arena_free(&arena);
}

static void the_range_header_counts_for_get_alone(void **state)
{
	const struct request request = {.method = REQUEST_POST, .query = "", .range = "5-9"};
	struct mem_arena arena = {0};
	struct query_fault fault;
	struct query query;

	(void)state;
	assert_true(query_read(&query, &request, &arena, &fault));
	assert_true(query_is_plain(&query));
	query_free(&query);
	mem_arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query_comes_to_a_view),
		cmocka_unit_test(there_is_a_bound_to_all_that_costs_for_each_row),
		cmocka_unit_test(what_is_malformed_or_not_here_is_refused_as_that),
		cmocka_unit_test(the_view_says_whether_to_count_and_whether_one_row_is_wanted),
		cmocka_unit_test(the_range_header_counts_for_get_alone),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
