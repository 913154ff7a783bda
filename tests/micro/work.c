/*
 * What the worst inputs cost, counted and not timed: every function that takes strangers' text, given
 * the worst that is known of its kind at some size, and at twice that size.
 *
 * Run under callgrind by tests/micro/run, which reads the instructions of each run from its dumps and
 * holds the ratio below 2.3. A function that refuses by length costs no more for the longer one; that is
 * as good. So what is below a limit stands here too.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include "api/api.h"
#include "api/cookie.h"
#include "api/face.h"
#include "api/key.h"
#include "api/postgrest/query.h"
#include "api/postgrest/rest.h"
#include "api/text.h"
#include "api/url.h"
#include "api/versioned.h"
#include "base/json_text.h"
#include "base/log.h"
#include "http/prefer.h"
#include "http/utf8.h"
#include "report/prometheus.h"
#include "statusd/negotiate.h"

#define TOKEN "Bearer ck_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ID    "00010203-0405-0607-0809-0a0b0c0d0e0f"

#define NAME_POINTS    200  /* the bound of a name, */
#define ADDRESS_POINTS 1000 /* and of an address, the longest text there is */

/* One input: `head`, `item` as often as it takes to fill a size, `tail`. An item's %zu is its number. */
struct input {
	const char *head;
	const char *item;
	const char *tail;
};

typedef void run_fn(const char *text, size_t len);

/* ---- what is run ----------------------------------------------------------------------------- */

static void run_json(const char *text, size_t len)
{
	char why[160];
	struct json_doc *doc = json_parse(text, len, why, sizeof(why));

	json_free(&doc);
}

static void run_quote(const char *text, size_t len)
{
	struct buf out = {0};

	json_text_quote(&out, text, len);
	buf_free(&out);
}

static void clean(const char *text, size_t len, size_t points, enum text_lines lines)
{
	struct mem_arena arena = {0};
	const char *cleaned;

	if (text_clean(text, len, points, lines, &arena, &cleaned) == TEXT_OK)
		MUST(cleaned[0] != '\0');
	mem_arena_free(&arena);
}

static void run_name(const char *text, size_t len)
{
	clean(text, len, NAME_POINTS, TEXT_ONE_LINE);
}

static void run_address(const char *text, size_t len)
{
	clean(text, len, ADDRESS_POINTS, TEXT_LINES);
}

static void run_slug(const char *text, size_t len)
{
	struct mem_arena arena = {0};

	(void)text_slug(text, len, &arena);
	mem_arena_free(&arena);
}

static void run_url(const char *text, size_t len)
{
	(void)len;
	(void)url_is_web(text);
}

static void run_email(const char *text, size_t len)
{
	(void)len;
	(void)url_is_email(text);
}

static void run_utf8(const char *text, size_t len)
{
	(void)utf8_valid(text, len);
}

static void run_query(const char *text, size_t len)
{
	const struct request request = {.method = REQUEST_GET, .query = text};
	struct mem_arena arena = {0};
	struct query_fault fault;
	struct query query;

	(void)len;
	if (query_read(&query, &request, &arena, &fault))
		(void)query_view(&query, true, false, &arena);
	query_free(&query);
	mem_arena_free(&arena);
}

static void run_param(const char *text, size_t len)
{
	const struct request request = {.method = REQUEST_GET, .query = text};
	struct mem_arena arena = {0};
	const char *value;

	(void)len;
	if (request_param(&request, "limit", &arena, &value) == REQUEST_PARAM_FOUND)
		MUST(value[0] == '1');
	mem_arena_free(&arena);
}

static void run_prefer(const char *text, size_t len)
{
	const char *item;

	(void)prefer_has(text, "conflict", "merge");
	for (const char *p = text; (p = prefer_next(p, &item, &len)) != NULL;)
		;
}

static void run_cookie(const char *text, size_t len)
{
	struct mem_arena arena = {0};
	bool host_only;

	(void)len;
	(void)cookie_value(text, &arena, &host_only);
	mem_arena_free(&arena);
}

static void run_key(const char *text, size_t len)
{
	struct exchange x = {
		.request = {.path = "/", .query = "", .body = "", .idempotency_key = text}};

	(void)len;
	if (key_read(&x, false) == KEY_OK)
		MUST(x.keyed);
	exchange_fini(&x);
}

static void run_if_match(const char *text, size_t len)
{
	struct exchange x = {.request = {.path = "/", .query = "", .if_match = text}};
	char why[160];
	const char *expected;

	(void)len;
	x.body = json_parse("{}", 2, why, sizeof(why));
	(void)versioned_read(&x, NULL, 1, &expected);
	exchange_fini(&x);
}

static void run_if_none_match(const char *text, size_t len)
{
	const struct exchange x = {.request = {.path = "/", .if_none_match = text}};

	(void)len;
	(void)versioned_none_match(&x, 7);
}

static void run_accept(const char *text, size_t len)
{
	(void)len;
	(void)rest_form(text);
	(void)negotiate_metrics(text);
}

static void run_log(const char *text, size_t len)
{
	(void)len;
	(void)LOG_QUOTED(text);
}

/* ---- whole requests -------------------------------------------------------------------------- */

/* What nginx sends is looked up name by name. */
struct headers {
	const char *method;
	const char *uri;
	const char *name; /* of one header; NULL: none */
	const char *value;
};

static const char *lookup(void *source, const char *name, size_t nth)
{
	const struct headers *headers = source;

	if (headers->name != NULL && strcmp(name, headers->name) == 0)
		return nth < 2 ? headers->value : NULL;
	if (nth > 0)
		return NULL;
	if (strcmp(name, "CARDKEEP_REQUEST_ID") == 0)
		return "000102030405060708090a0b0c0d0e0f";
	if (strcmp(name, "REQUEST_METHOD") == 0)
		return headers->method;
	if (strcmp(name, "REQUEST_URI") == 0)
		return headers->uri;
	return strcmp(name, "HTTP_AUTHORIZATION") == 0 ? TOKEN : NULL;
}

/* From the parameters to the plan, by a caller whose session is good. */
static void request_run(struct headers headers, const char *body, size_t len)
{
	static struct conf conf;
	struct exchange x = {.conf = &conf};
	enum step step;

	MUST(request_fill(&x.request, &x.arena, lookup, &headers, len) == NULL);
	x.request.body = body;
	x.request.body_len = len;
	x.face = face_of(x.request.face);
	step = api_begin(&x);
	if (step == STEP_CALL && x.call.id == CALL_CHECK_SESSION) {
		x.call.row = (struct call_row){.status = 200, .detail = ID, .body = ""};
		(void)api_resume(&x);
	}
	exchange_fini(&x);
}

static void run_create(const char *text, size_t len)
{
	request_run((struct headers){"POST", "/api/cards", NULL, NULL}, text, len);
}

static void run_register(const char *text, size_t len)
{
	request_run((struct headers){"POST", "/api/users", NULL, NULL}, text, len);
}

static void run_profile(const char *text, size_t len)
{
	request_run((struct headers){"PATCH", "/api/profile/personal", NULL, NULL}, text, len);
}

static void run_rpc(const char *text, size_t len)
{
	request_run((struct headers){"POST", "/rpc/create_business_card_atomic", NULL, NULL}, text,
		len);
}

static void run_rpc_profile(const char *text, size_t len)
{
	request_run((struct headers){"POST", "/rpc/upsert_personal_info_optimistic", NULL, NULL},
		text, len);
}

static void run_uri(const char *text, size_t len)
{
	(void)len;
	request_run((struct headers){"GET", text, NULL, NULL}, "", 0);
}

static void run_strict(const char *text, size_t len)
{
	(void)len;
	request_run((struct headers){"GET", "/rest/v1/business_cards", "HTTP_PREFER", text}, "", 0);
}

static void run_keys(const char *text, size_t len)
{
	(void)len;
	request_run((struct headers){"POST", "/api/cards", "HTTP_IDEMPOTENCY_KEY", text}, "{}", 2);
}

static void run_agent(const char *text, size_t len)
{
	(void)len;
	request_run((struct headers){"GET", "/api/cards", "HTTP_USER_AGENT", text}, "", 0);
}

/* ---- the worst that is known ----------------------------------------------------------------- */

#define MARKS       "\u0301\u0316" /* out of order: each is put before all those before it */
#define NAME        "{\"name\":\"e"
#define KIB         1024
#define BODY        (16 * KIB)
#define HEADER      (4 * KIB)
#define BELOW_NAME  (NAME_POINTS * 2 / 4)
#define BELOW_LINES (ADDRESS_POINTS * 2)

static const struct {
	const char *name;
	run_fn *run;
	size_t bytes; /* and then twice as many */
	struct input input;
} cases[] = {
	{"json: members", run_json, BODY, {"{\"\":0", ",\"k%zu\":0", "}"}},
	{"json: keys that begin alike", run_json, BODY,
		{"{\"\":0", ",\"the same beginning of each of these keys, %zu\":0", "}"}},
	{"json: keys with escapes", run_json, BODY, {"{\"\":0", ",\"\\u006b%zu\":0", "}"}},
	{"json: a key in many objects", run_json, BODY, {"[0", ",{\"a\":{\"a\":0}}", "]"}},
	{"json: as deep as allowed", run_json, BODY,
		{"[0", ",[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]", "]"}},
	{"json: deeper", run_json, BODY, {"", "[", ""}},
	{"json: a long number", run_json, BODY, {"", "7", ""}},
	{"json: a long fraction", run_json, BODY, {"0.", "7", ""}},
	{"json: numbers that print long", run_json, BODY, {"[0", ",1e-16383", "]"}},
	{"json: numbers out of range but for their exponent", run_json, BODY,
		{"[0", ",12345678901234567890e-19", "]"}},
	{"json: a string of escapes", run_json, BODY, {"{\"a\":\"", "\\ud83d\\ude00", "\"}"}},
	{"json: strings of escapes", run_json, BODY, {"{\"\":0", ",\"%zu\":\"\\n\"", "}"}},
	{"json: blanks", run_json, BODY, {"", " ", "1"}},
	{"json: a string that does not end", run_json, BODY, {"\"", "\\\\", ""}},
	{"json: quoting", run_quote, BODY, {"", "\x01\"", ""}},
	{"utf8: four bytes each", run_utf8, BODY, {"", "\U0001F600", ""}},

	{"name: marks out of order", run_name, BODY, {"e", MARKS, ""}},
	{"name: marks out of order, below its bound", run_name, BELOW_NAME, {"e", MARKS, ""}},
	{"name: marks of one class", run_name, BODY, {"e", "\u0301", ""}},
	{"name: letters that come apart", run_name, BODY, {"", "\u1EA4\u0958", ""}},
	{"name: letters that go together", run_name, BODY, {"", "\u1112\u1161\u11AB", ""}},
	{"name: letters that grow", run_name, BODY, {"", "\U0001D160", ""}},
	{"name: blanks around", run_name, BODY, {"", "\u3000", "x"}},
	{"name: blanks after", run_name, BODY, {"x", "\u3000", ""}},
	{"name: what nobody sees", run_name, BODY, {"", "\u200B\u3164", ""}},
	{"address: marks out of order", run_address, BODY, {"e", MARKS, ""}},
	{"address: marks out of order, below its bound", run_address, BELOW_LINES,
		{"e", MARKS, ""}},
	{"address: runs of marks, below its bound", run_address, BELOW_LINES,
		{"", "e" MARKS MARKS MARKS MARKS MARKS MARKS, ""}},
	{"address: line breaks", run_address, BODY, {"x", "\n", "x"}},
	{"slug: marks out of order", run_slug, BODY, {"e", MARKS, ""}},
	{"slug: marks out of order, below what is read", run_slug, 512, {"e", MARKS, ""}},
	{"slug: ligatures that read as sentences", run_slug, BODY, {"", "\uFDFA", ""}},
	{"slug: ideographs", run_slug, BODY, {"", "\u9F98", ""}},
	{"slug: soft hyphens", run_slug, BODY, {"", "\u00AD", "x"}},
	{"slug: dashes", run_slug, BODY, {"", "-", "x"}},
	{"slug: letters that are read by their names", run_slug, BODY, {"", "\uA188", ""}},
	{"slug: letters that are in no table", run_slug, BODY, {"", "\u16A0", ""}},
	{"slug: vowels that wait for a consonant", run_slug, BODY, {"", "\u0EC0", ""}},
	{"slug: the last letter of a table", run_slug, BODY, {"", "\u0FBC", ""}},

	{"url: a long path", run_url, 800, {"http://a/", "%%20", ""}},
	{"url: labels", run_url, 800, {"http://a", ".b", "/"}},
	{"url: beyond its bound", run_url, BODY, {"http://a/", "\u00FC", ""}},
	{"url: dots that go up", run_url, 800, {"http://a", "/..", ""}},
	{"email: dots", run_email, BODY, {"a@b", ".b", ""}},
	{"email: signs", run_email, BODY, {"", "@", ""}},

	{"query: filters", run_query, HEADER, {"select=id", "&fields_config=neq.%zu", ""}},
	{"query: a list", run_query, HEADER, {"id=in.(1", ",%zu", ")"}},
	{"query: a list of quotes", run_query, HEADER, {"id=in.(1", ",\"\\\"\\\\\"", ")"}},
	{"query: lists", run_query, HEADER, {"select=id", "&id=in.(1,2)", ""}},
	{"query: columns", run_query, HEADER, {"select=id", ",id", ""}},
	{"query: an order of many", run_query, HEADER, {"order=id", ",name.desc.nullslast", ""}},
	{"query: escapes", run_query, HEADER, {"name=eq.", "%%01", ""}},
	{"query: nothing but signs", run_query, HEADER, {"", "&", "id=eq.1"}},
	{"query: trees", run_query, HEADER, {"or=(id.eq.1", ",and(id.eq.2)", ")"}},
	{"query: a tree, as deep as it goes", run_query, HEADER, {"or=(", "and(", ""}},
	{"query: ways into documents", run_query, HEADER, {"select=fields_config", "->a", ""}},
	{"query: a name nobody has", run_query, HEADER, {"", "x", "=eq.1"}},
	{"query: one of many parameters", run_param, HEADER, {"limit=1", "&limit%zu=2", ""}},
	{"query: names with escapes", run_param, HEADER, {"limit=1", "&%%6cimit%zu=2", ""}},

	{"prefer: items", run_prefer, HEADER, {"a", ", a%zu=b", ""}},
	{"prefer: commas", run_prefer, HEADER, {"", ",", "a"}},
	{"prefer: parameters", run_prefer, HEADER, {"a", "; b=\"c\"", ""}},
	{"prefer: a quote that does not end", run_prefer, HEADER, {"a=\"", "\\\"", ""}},
	{"cookie: cookies", run_cookie, HEADER, {"a=b", "; a%zu=b", ""}},
	{"cookie: ours, again and again", run_cookie, HEADER,
		{"ck_session=a", "; ck_session=a", ""}},
	{"cookie: separators", run_cookie, HEADER, {"a=b", "; ", ""}},
	{"key: quoted", run_key, HEADER, {"\"", "\\\\", "\""}},
	{"key: bare", run_key, HEADER, {"", "k", ""}},
	{"key: blanks", run_key, HEADER, {"", " ", "k"}},
	{"if-match: tags", run_if_match, HEADER, {"\"1\"", ", \"%zu\"", ""}},
	{"if-match: the same tag", run_if_match, HEADER, {"\"1\"", ",\"1\"", ""}},
	{"if-match: weak tags", run_if_match, HEADER, {"W/\"1\"", ",W/\"1\"", ""}},
	{"if-match: commas", run_if_match, HEADER, {"\"1\"", ",", ",\"2\""}},
	{"if-match: a long tag", run_if_match, HEADER, {"\"", "9", "\""}},
	{"if-none-match: tags", run_if_none_match, HEADER, {"\"1\"", ", W/\"%zu0\"", ""}},
	{"accept: types", run_accept, HEADER, {"text/html", ",application/x%zu;q=0.5", ""}},
	{"accept: commas", run_accept, HEADER, {"", ",", "text/plain"}},
	{"accept: parameters", run_accept, HEADER, {"text/plain", ";a=\"b\"", ""}},
	{"log: a text in quotes", run_log, HEADER, {"", "\"\\", ""}},

	{"request: members of no field", run_create, BODY, {"{\"\":0", ",\"%zu\":0", "}"}},
	{"request: members of no field, long ones", run_create, BODY,
		{"{\"\":0", ",\"\\u0001\\u0001\\u0001\\u0001%zu\":0", "}"}},
	{"request: a name", run_create, BODY, {NAME, MARKS, "\"}"}},
	{"request: a document", run_create, BODY,
		{NAME "\",\"fields_config\":{\"\":0", ",\"k%zu\":[]", "}}"}},
	{"request: a document that prints long", run_create, BODY,
		{NAME "\",\"fields_config\":{\"a\":[0", ",1e-16383", "]}}"}},
	{"request: an address, unknown yet", run_register, BODY,
		{"{\"password\":\"12345678\",\"email\":\"e", MARKS, "\"}"}},
	{"request: a password", run_register, BODY,
		{"{\"email\":\"a@example.org\",\"password\":\"e", MARKS, "\"}"}},
	{"request: a profile", run_profile, BODY, {"{\"version\":0,\"address\":\"e", MARKS, "\"}"}},
	{"request: arguments of no function", run_rpc, BODY, {"{\"\":0", ",\"%zu\":0", "}"}},
	{"request: an argument", run_rpc, BODY, {"{\"p_name\":\"e", MARKS, "\"}"}},
	{"request: an argument of another kind", run_rpc, BODY,
		{"{\"p_name\":[0", ",1e-16383", "]}"}},
	{"request: an argument of a profile", run_rpc_profile, BODY,
		{"{\"p_expected_version\":0,\"p_address\":\"e", MARKS, "\"}"}},
	{"request: a path", run_uri, HEADER, {"/api/cards/", "%%41", ""}},
	{"request: a path of slashes", run_uri, HEADER, {"/", "/", ""}},
	{"request: a view", run_uri, HEADER,
		{"/rest/v1/business_cards?select=id", "&name=eq.%zu", ""}},
	{"request: parameters of a page", run_uri, HEADER, {"/api/cards?limit=1", "&a%zu=b", ""}},
	{"request: preferences that nobody knows", run_strict, HEADER,
		{"handling=strict", ", p%zu=q", ""}},
	{"request: a key sent twice", run_keys, HEADER, {"", "k", ""}},
	{"request: a user agent", run_agent, HEADER, {"", "\U0001F600", ""}},
};

/* ---- running them ---------------------------------------------------------------------------- */

static void make(struct buf *out, const struct input *input, size_t bytes)
{
	char item[256];

	buf_reset(out);
	buf_str(out, input->head);
	for (size_t i = 0; out->len < bytes; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		const int len = snprintf(item, sizeof(item), input->item, i);
#pragma GCC diagnostic pop

		MUST(len > 0 && (size_t)len < sizeof(item));
		buf_add(out, item, (size_t)len);
	}
	buf_str(out, input->tail);
}

static void measure(size_t i, size_t bytes, struct buf *text)
{
	char told[128];

	make(text, &cases[i].input, bytes);
	CALLGRIND_ZERO_STATS;
	cases[i].run(text->data, text->len);
	snprintf(told, sizeof(told), "%zu|%s", bytes, cases[i].name);
	CALLGRIND_DUMP_STATS_AT(told);
}

int main(void)
{
	struct buf text = {0};

	log_set_level(LOG_LEVEL_ERROR);
	text_warm();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* What is made once a process is made now. */
		make(&text, &cases[i].input, 64);
		cases[i].run(text.data, text.len);
		measure(i, cases[i].bytes, &text);
		measure(i, 2 * cases[i].bytes, &text);
	}
	buf_free(&text);
	return 0;
}
