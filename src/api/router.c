/* From a request to the handler that answers it, through the checks all requests share. */
#include "api/router.h"

#include <string.h>
#include <strings.h>

#include "api/auth.h"
#include "api/cors.h"
#include "api/handlers.h"
#include "api/key.h"
#include "api/known.h"
#include "api/origin.h"
#include "api/refuse.h"

enum access { ACCESS_OPEN, ACCESS_TOKEN };
enum body {
	BODY_JSON,
	BODY_SECRET,
	BODY_ARGUMENTS,
	BODY_NONE,
};

struct route {
	enum stats_route id;
	enum request_method method;
	const char *path; /* {} takes one segment */
	enum access access;
	enum body body;
	resume_fn *handler;
};

static const struct route routes[] = {
#define ROUTE(id, label, method, path, access, body, handler) \
	ROUTE_ALSO(id, method, path, access, body, handler)
#define ROUTE_ALSO(id, method, path, access, body, handler) \
	{STATS_ROUTE_##id, REQUEST_##method, path, ACCESS_##access, BODY_##body, handler},
#include "catalog/routes.def"
};

#define CARD_PATH "/api/cards/{}" /* and what lies below it */

/* The routes that the path and the method lead to. */
struct match {
	const struct route *route;     /* NULL: no route of this method */
	const struct route *same_path; /* any route of this path; NULL: no such path */
	const char *segment;           /* what {} stands for; NULL where the path has none */
	size_t segment_len;
	bool open; /* some route of this path needs no session */
};

static bool method_fits(const struct route *route, enum request_method method)
{
	return route->method == method || (route->method == REQUEST_GET && method == REQUEST_HEAD);
}

static struct match find_route(const struct request *request)
{
	struct match match = {0};

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const char *segment;
		size_t len;

		if (!request_fits(request, routes[i].path, &segment, &len))
			continue;
		match.same_path = &routes[i];
		match.segment = segment;
		match.segment_len = len;
		match.open = match.open || routes[i].access == ACCESS_OPEN;
		if (match.route == NULL && method_fits(&routes[i], request->method))
			match.route = &routes[i];
	}
	return match;
}

static const char *method_name(enum request_method method)
{
	static const char *const names[] = {
		[REQUEST_GET] = "GET, HEAD",
		[REQUEST_POST] = "POST",
		[REQUEST_PUT] = "PUT",
		[REQUEST_PATCH] = "PATCH",
		[REQUEST_DELETE] = "DELETE",
	};

	return names[method];
}

/* Every method of the path, by commas. */
static const char *methods_of(struct exchange *x, const char *path)
{
	const char *methods = "";

	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (strcmp(routes[i].path, path) == 0)
			methods = mem_arena_printf(&x->arena, "%s%s%s", methods,
				methods[0] != '\0' ? ", " : "", method_name(routes[i].method));
	return methods;
}

#define TYPE_MERGE_PATCH "application/merge-patch+json"

static bool type_is(const char *type, const char *wanted)
{
	const size_t len = strcspn(type, "; \t");

	return strlen(wanted) == len && strncasecmp(type, wanted, len) == 0;
}

static bool type_ends_in_json(const char *type)
{
	const size_t len = strcspn(type, "; \t");

	return len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0;
}

/* The types that carry JSON: those that say so, and those that `curl -d` and fetch send by themselves. */
static bool type_is_json(const char *type)
{
	return type == NULL || type_is(type, "application/json") || type_is(type, "text/plain") ||
	       type_is(type, "application/x-www-form-urlencoded") || type_ends_in_json(type);
}

/* A refusal on a route that needs a session is answered only when that is there. */
static enum step refuse_on(
	struct exchange *x, const struct route *route, enum problem_id id, const char *detail)
{
	if (route->access == ACCESS_OPEN)
		return exchange_problem(x, id, "%s", detail);
	return refuse(x, id, "%s", detail);
}

static enum step refuse_method(struct exchange *x, const struct match *match)
{
	enum step step = x->face->no_method(x, match->same_path->id, match->open);

	reply_header(&x->reply, "Allow", "%s%s", methods_of(x, match->same_path->path),
		cors_on(x) ? ", OPTIONS" : "");
	return step;
}

static enum step refuse_type(struct exchange *x, const struct route *route)
{
	enum step step = refuse_on(
		x, route, PROBLEM_UNSUPPORTED_TYPE, "the body must be JSON: application/json");

	if (route->method == REQUEST_PATCH)
		reply_header(&x->reply, "Accept-Patch", "application/json, " TYPE_MERGE_PATCH);
	return step;
}

static enum step refuse_key(struct exchange *x, enum key_status key)
{
	if (key == KEY_REPEATED)
		return refuse(x, PROBLEM_BAD_HEADER, "Idempotency-Key was sent more than once");
	return refuse(x, PROBLEM_BAD_HEADER,
		"Idempotency-Key must be 1 to 255 visible characters, bare or as a quoted string");
}

static enum step refuse_crowd(struct exchange *x, const struct route *route)
{
	const char *fault = mem_arena_printf(&x->arena, "has more than %d keys", JSON_KEYS_MAX);

	return x->face->bad_body(x, fault, route->access == ACCESS_OPEN);
}

static bool is_merge_patch(const struct exchange *x, const struct route *route)
{
	const char *type = x->request.content_type;

	return route->method == REQUEST_PATCH && type != NULL && type_is(type, TYPE_MERGE_PATCH);
}

/* A request that reads, or makes a session, has no use for a key. */
static enum key_status read_key(struct exchange *x, const struct route *route)
{
	if (route->access != ACCESS_TOKEN || route->method == REQUEST_GET)
		return KEY_OK;
	return key_read(x, route->body == BODY_SECRET);
}

/* False where the body is no JSON, and why. */
static bool parse_body(struct exchange *x, const struct route *route, char *why, size_t why_size)
{
	const bool left_out = route->body == BODY_ARGUMENTS && x->request.body_len == 0;
	const char *body = left_out ? "{}" : x->request.body;

	if (route->body == BODY_NONE)
		return true;
	x->body = json_parse(body, left_out ? strlen(body) : x->request.body_len, why, why_size);
	return x->body != NULL;
}

/* Reads the card that the path names. False: it is no id, so there is no such card. */
static bool read_card_id(struct exchange *x, const struct match *match)
{
	if (match->same_path == NULL ||
		strncmp(match->same_path->path, CARD_PATH, strlen(CARD_PATH)) != 0)
		return true;
	x->has_card = match->segment_len == UUID_TEXT_BYTES - 1 &&
		      uuid_parse(match->segment, match->segment_len, &x->card);
	return x->has_card;
}

static bool is_write(enum request_method method)
{
	return method != REQUEST_GET && method != REQUEST_HEAD && method != REQUEST_OPTIONS;
}

/* A browser sends its cookie along whoever makes it write. */
static bool is_forged(struct exchange *x)
{
	return x->by_cookie && is_write(x->request.method) &&
	       origin_of(&x->request, x->conf->public_url, &x->arena) != ORIGIN_SAME;
}

static enum access access_of(const struct match *match)
{
	if (match->route != NULL)
		return match->route->access;
	return match->open ? ACCESS_OPEN : ACCESS_TOKEN;
}

/*
 * Who sent the request is known, or the route does not ask. From there the contract's order of checks goes on: 404,
 * 405, 413, 415, 400.
 */
static enum step handle(struct exchange *x, const struct match *match)
{
	const struct route *route = match->route;
	enum key_status key;
	char why[160];

	if (match->same_path == NULL)
		return x->face->no_path(x);
	if (!read_card_id(x, match))
		return refuse(x, PROBLEM_NOT_FOUND, "no such card");
	if (route == NULL)
		return refuse_method(x, match);
	if (x->request.body_too_large)
		return refuse_on(x, route, PROBLEM_TOO_LARGE, "the body is larger than 256 KiB");
	if (route->body != BODY_NONE && !type_is_json(x->request.content_type))
		return refuse_type(x, route);
	x->merge_patch = is_merge_patch(x, route);
	key = read_key(x, route);
	if (key != KEY_OK)
		return refuse_key(x, key);
	if (!parse_body(x, route, why, sizeof(why)))
		return refuse_on(x, route, PROBLEM_BAD_JSON, why);
	if (x->body != NULL && json_crowded(x->body))
		return refuse_crowd(x, route);
	return route->handler(x);
}

/*
 * The database has said whose the token is. A session that is over may have ended by this very
 * request, whose repeat is answered as the first was: what becomes of a write is for its own call to
 * say. Nobody can make up such a token, and how many there are is bounded as sessions are.
 */
static enum step identified(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	const struct match match = find_route(&x->request);

	if (row->status == 200 && uuid_parse(row->detail, strlen(row->detail), &x->caller)) {
		x->has_caller = true;
		x->session_live = true;
		known_keep(x->known, x->token_hash, &x->caller);
		return handle(x, &match);
	}
	if (row->status == 401 && strcmp(row->detail, CALL_DETAIL_OVER) == 0 &&
		is_write(x->request.method))
		return handle(x, &match);
	return exchange_common(x, "session");
}

/*
 * Identity before work: until the token is found to be somebody's, nothing is done with a request but
 * to look at its path and its method. A caller that was here lately need not wait for that: its call
 * looks the session up as ever.
 */
static enum step identify(struct exchange *x, const struct match *match)
{
	x->has_caller = known_find(x->known, x->token_hash, &x->caller);
	if (x->has_caller)
		return handle(x, match);
	call_start(&x->call, CALL_CHECK_SESSION);
	auth_argument(x);
	x->resume = identified;
	return STEP_CALL;
}

enum step router_begin(struct exchange *x)
{
	const struct match match = find_route(&x->request);
	const enum access access = access_of(&match);

	x->route = match.route != NULL ? match.route->id : STATS_ROUTE_NONE;
	if (match.segment != NULL)
		x->segment = mem_arena_copy(&x->arena, match.segment, match.segment_len);
	if (x->request.method == REQUEST_OPTIONS && match.same_path != NULL && cors_on(x))
		return cors_preflight(x, methods_of(x, match.same_path->path));
	if (access == ACCESS_TOKEN && !auth_read(x))
		return exchange_problem(x, PROBLEM_UNAUTHORIZED,
			"this needs a session: send Authorization: Bearer with its token");
	x->forged = is_forged(x);
	if (x->forged)
		return refuse(x, PROBLEM_CROSS_ORIGIN,
			"a write by cookie must come from a page of this site");
	return access == ACCESS_TOKEN ? identify(x, &match) : handle(x, &match);
}
