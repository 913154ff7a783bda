/* Which faces there are, and the one that speaks problem+json. */
#include "api/face.h"

#include "api/fields.h"
#include "api/postgrest/rest.h"
#include "api/refuse.h"

static void json_problem(struct exchange *x, enum problem_id id, const char *detail)
{
	problem_reply(&x->reply, id, x->request.id_text, NULL, "%s", detail);
}

static enum step json_no_path(struct exchange *x)
{
	return refuse(x, PROBLEM_NOT_FOUND, "no such path");
}

static enum step json_no_method(struct exchange *x, enum stats_route route, bool open)
{
	static const char detail[] = "this path has other methods; Allow names them";

	(void)route;
	if (open)
		return exchange_problem(x, PROBLEM_METHOD_NOT_ALLOWED, detail);
	return refuse(x, PROBLEM_METHOD_NOT_ALLOWED, detail);
}

static enum step json_bad_body(struct exchange *x, const char *fault, bool open)
{
	fields_fault(x, "body", fault);
	return open ? exchange_invalid(x) : refuse_fields(x);
}

/* The database's own text may quote what the client sent. */
static void json_bad_value(struct exchange *x)
{
	problem_field(&x->errors, "body", "holds a value that the database refused");
	(void)exchange_invalid(x);
}

/* problem+json, as of all paths but PostgREST's. */
static const struct face json = {
	.problem = json_problem,
	.no_path = json_no_path,
	.no_method = json_no_method,
	.bad_body = json_bad_body,
	.bad_value = json_bad_value,
};

const struct face *face_of(enum request_face face)
{
	static const struct face *const faces[] = {
		[REQUEST_FACE_JSON] = &json,
		[REQUEST_FACE_POSTGREST] = &rest_face,
	};

	return faces[face];
}
