/* What worker/ does with a request, and what a client is told where the worker cannot go on with it. */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "api/cors.h"
#include "api/face.h"
#include "api/known.h"
#include "api/refuse.h"
#include "api/router.h"
#include "api/text.h"

/* An operator has to make room; until then each repeat is work for nothing. */
#define READ_ONLY_WAIT_S 60

struct api {
	const struct conf *conf;
	struct known *known;
};

void api_prepare(void)
{
	/* ICU's tables take a fifth of a second. */
	text_warm();
}

struct api *api_new(const struct conf *conf)
{
	struct api *api = mem_zero(sizeof(*api));

	api->conf = conf;
	api->known = known_new();
	return api;
}

void api_free(struct api **ptr)
{
	struct api *api = *ptr;

	if (api == NULL)
		return;
	known_free(&api->known);
	free(api);
	*ptr = NULL;
}

void api_start(struct exchange *x, const struct api *api)
{
	x->conf = api->conf;
	x->known = api->known;
	x->face = face_of(x->request.face);
	x->route = STATS_ROUTE_NONE; /* until the router knows it */
}

enum step api_begin(struct exchange *x)
{
	return router_begin(x);
}

void api_finish(struct exchange *x)
{
	cors_finish(x);
}

/* ---- rows that mean the same to every handler ---------------------------------------------- */

static bool key_reused(const struct call_row *row)
{
	return row->status == 422 && strcmp(row->detail, CALL_DETAIL_KEY_REUSED) == 0;
}

static bool over_quota(const struct call_row *row)
{
	return (row->status == 422 || row->status == 429) &&
	       strcmp(row->detail, CALL_DETAIL_QUOTA) == 0;
}

/* In the place of the only header that the problem has. */
static void retry_after(struct exchange *x, int64_t seconds)
{
	buf_reset(&x->reply.headers);
	reply_header(&x->reply, "Retry-After", "%lld", (long long)seconds);
}

/* A limit where time helps is told with the time. */
static enum step refuse_quota(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status != 429)
		return exchange_problem(x, PROBLEM_QUOTA, "%s", row->body);
	(void)exchange_problem(x, PROBLEM_QUOTA_SPENT, "%s", row->body);
	retry_after(x, row->version);
	return STEP_ANSWER;
}

/* A key that was spent on another request, and what is over a quota of the account, is refused for all handlers; a
 * first answer that comes again is marked as that. */
enum step api_resume(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	enum step step;

	if (x->has_token && row->status == 401)
		known_drop(x->known, x->token_hash);
	if (x->keyed && key_reused(row))
		return exchange_key_reused(x);
	if (over_quota(row))
		return refuse_quota(x);
	step = x->resume(x);
	if (step == STEP_ANSWER && x->keyed && row->replayed && x->reply.status < 300)
		reply_header(&x->reply, "Idempotent-Replayed", "true");
	return step;
}

/* ---- what the worker ends ------------------------------------------------------------------ */

void api_failed(struct exchange *x, enum sqlstate_class class)
{
	switch (class) {
	case SQLSTATE_NO_ACCOUNT:
		(void)exchange_problem(x, PROBLEM_UNAUTHORIZED, "the account is gone");
		break;
	case SQLSTATE_INPUT:
	case SQLSTATE_TAKEN:
		x->face->bad_value(x);
		break;
	case SQLSTATE_OVERRUN:
		(void)exchange_problem(x, PROBLEM_UNAVAILABLE,
			"this took the database longer than a call may take; nothing was applied");
		break;
	default:
		(void)exchange_problem(x, PROBLEM_UNAVAILABLE,
			"the database could not carry this out; nothing was applied");
	}
}

void api_gave_up(struct exchange *x, enum api_end why)
{
	switch (why) {
	case API_END_UNKNOWN:
		(void)exchange_problem(x, PROBLEM_OUTCOME_UNKNOWN,
			"the database did not say in time whether this was applied: look, or "
			"repeat with the same Idempotency-Key");
		break;
	case API_END_KEY_HELD:
		(void)exchange_problem(x, PROBLEM_IN_PROGRESS,
			"another request with this Idempotency-Key is still running: repeat it");
		reply_header(&x->reply, "Retry-After", "1");
		break;
	case API_END_LATE:
		(void)exchange_problem(x, PROBLEM_UNAVAILABLE,
			"this could not be carried out in time; nothing was applied");
		break;
	}
}

void api_limited(struct exchange *x, enum api_limit why, int64_t seconds)
{
	/* TRIES: the same words for an account that is there and one that is not, and none about the password. */
	static const char *const details[] = {
		[API_LIMIT_IN_FLIGHT] = "too many requests of this account are under way",
		[API_LIMIT_SLOW_QUEUE] = "too many requests of this account wait for the database",
		[API_LIMIT_TIME] = "this account has used up its share of the database's time",
		[API_LIMIT_HASHES] = "too many passwords from this network wait to be checked",
		[API_LIMIT_TRIES] =
			"too many wrong passwords for this account: this one was not looked at",
	};

	(void)exchange_problem(x, PROBLEM_RATE_LIMITED, "%s; nothing was applied", details[why]);
	if (seconds > 1)
		retry_after(x, seconds);
}

enum step api_read_only(struct exchange *x)
{
	(void)exchange_problem(x, PROBLEM_READ_ONLY,
		"the service has little room left and only reads and deletes for now; nothing was "
		"applied");
	retry_after(x, READ_ONLY_WAIT_S);
	return x->has_token ? refuse_prepared(x) : STEP_ANSWER;
}
