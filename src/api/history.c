/* What cards and profiles were: reading it, and bringing it back. */
#include "api/handlers.h"

#include <string.h>

#include "api/auth.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/page.h"
#include "api/refuse.h"
#include "api/versioned.h"

static const char *what(const struct exchange *x)
{
	return x->has_card ? "card" : "profile";
}

/* The argument that names the card; a profile is its session's. */
static void entity_argument(struct exchange *x)
{
	if (x->has_card)
		call_uuid(&x->call, &x->arena, &x->card);
}

/* ---- read ---------------------------------------------------------------------------------- */

static enum step listed(struct exchange *x)
{
	return x->call.row.status == 200 ? page_answer(x) : exchange_common(x, what(x));
}

static enum step plan_page(struct exchange *x, enum call_id call)
{
	int64_t limit = page_limit(x);
	const char *after = page_after(x);

	if (after != NULL && !versioned_is_version(after))
		page_after_fault(x);
	if (x->errors.len > 0)
		return refuse_fields(x);
	call_start(&x->call, call);
	auth_argument(x);
	entity_argument(x);
	call_integer(&x->call, &x->arena, limit);
	call_text(&x->call, after);
	x->resume = listed;
	return STEP_CALL;
}

enum step history_read_card(struct exchange *x)
{
	return plan_page(x, CALL_CARD_HISTORY);
}

enum step history_read_personal(struct exchange *x)
{
	return plan_page(x, CALL_PERSONAL_HISTORY);
}

enum step history_read_professional(struct exchange *x)
{
	return plan_page(x, CALL_PROFESSIONAL_HISTORY);
}

/* ---- revert -------------------------------------------------------------------------------- */

static enum step no_such_version(struct exchange *x)
{
	fields_fault(x, "to", "must be a version that it had");
	return exchange_invalid(x);
}

static enum step revert_conflict(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->detail[0] == '\0')
		return versioned_conflict(x);
	problem_reply(&x->reply, PROBLEM_BASE_UNAVAILABLE, x->request.id_text, row->body,
		"history no longer reaches back to that version");
	return STEP_ANSWER;
}

static enum step reverted(struct exchange *x)
{
	switch (x->call.row.status) {
	case 200:
		return versioned_entity(x);
	case 409:
		return revert_conflict(x);
	case 422:
		return no_such_version(x);
	default:
		return exchange_common(x, what(x));
	}
}

/* The version whose content is to return, which is there; 0: a fault was added. */
static int64_t read_target(struct exchange *x)
{
	const struct json_member *to = json_find(x->body, "to");

	if (to->kind == JSON_INTEGER && to->integer >= 1 && to->integer <= INT32_MAX)
		return to->integer;
	fields_fault(x, "to", "must be a version that it had");
	return 0;
}

/* `least` is the smallest version there is. */
static enum step plan_revert(struct exchange *x, enum call_id call, int least)
{
	enum { VERSION, TO, REVERT_FIELDS };
	static const struct field fields[REVERT_FIELDS] = {
		[VERSION] = {.name = "version", .kind = FIELD_VERSION},
		[TO] = {.name = "to", .kind = FIELD_VERSION, .required = true},
	};
	struct field_value values[REVERT_FIELDS];
	const char *expected = NULL;
	enum versioned_status version = versioned_read(x, NULL, least, &expected);
	int64_t to = 0;
	bool sound;

	if (version != VERSIONED_OK && version != VERSIONED_MALFORMED)
		return versioned_refuse(x, version);
	sound = fields_read(x, fields, REVERT_FIELDS, values);
	if (values[TO].present)
		to = read_target(x);
	if (!sound || to == 0)
		return refuse_fields(x);
	call_start(&x->call, call);
	auth_argument(x);
	key_write_argument(x);
	entity_argument(x);
	call_text(&x->call, expected);
	call_integer(&x->call, &x->arena, to);
	key_argument(x);
	x->resume = reverted;
	return STEP_CALL;
}

enum step history_revert_card(struct exchange *x)
{
	return plan_revert(x, CALL_REVERT_CARD, 1);
}

enum step history_revert_personal(struct exchange *x)
{
	return plan_revert(x, CALL_REVERT_PERSONAL, 0);
}

enum step history_revert_professional(struct exchange *x)
{
	return plan_revert(x, CALL_REVERT_PROFESSIONAL, 0);
}
