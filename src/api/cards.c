/* Cards: create, list, read, update, delete. */
#include "api/cards.h"

#include <stdlib.h>
#include <string.h>

#include "api/auth.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/key.h"
#include "api/page.h"
#include "api/refuse.h"
#include "api/text.h"
#include "api/versioned.h"

#define NAME_MAX_POINTS 200

/* The fields that a client may change. */
enum {
	CARD_NAME,
	CARD_TEMPLATE,
	CARD_FIELDS,
	CARD_DESIGN,
	CARD_PUBLIC,
	CARD_CHANGEABLE,
};

#define CHANGEABLE_FIELDS(name_required)                                                \
	[CARD_NAME] = {.name = "name",                                                  \
		.kind = FIELD_LINE,                                                     \
		.max = NAME_MAX_POINTS,                                                 \
		.required = (name_required)},                                           \
	[CARD_TEMPLATE] = {.name = "template_type", .kind = FIELD_TEMPLATE, .max = 64}, \
	[CARD_FIELDS] = {.name = "fields_config", .kind = FIELD_DOCUMENT},              \
	[CARD_DESIGN] = {.name = "design_config", .kind = FIELD_DOCUMENT},              \
	[CARD_PUBLIC] = {.name = "is_public", .kind = FIELD_BOOLEAN}

static void changeable_arguments(struct exchange *x, const struct field_value *values)
{
	for (size_t i = CARD_TEMPLATE; i < CARD_CHANGEABLE; i++)
		call_text(&x->call, values[i].text);
}

/* ---- create -------------------------------------------------------------------------------- */

static enum step created(struct exchange *x)
{
	static const char opening[] = "{\"id\":\"";
	const struct call_row *row = &x->call.row;

	if (row->status != 201)
		return exchange_common(x, "card");
	/* A card's JSON opens with its id (cardkeep_api.card_view): under a key only SQL knows it. */
	MUST(strncmp(row->body, opening, sizeof(opening) - 1) == 0);
	(void)versioned_entity(x);
	reply_header(&x->reply, "Location", "/api/cards/%.*s", UUID_TEXT_BYTES - 1,
		row->body + sizeof(opening) - 1);
	return STEP_ANSWER;
}

enum {
	BASE_SLUG = CARD_CHANGEABLE,
	CREATE_FIELDS,
};

static const struct field create_fields[CREATE_FIELDS] = {
	CHANGEABLE_FIELDS(true),
	[BASE_SLUG] = {.name = "base_slug",
		.kind = FIELD_LINE,
		.max = NAME_MAX_POINTS,
		.nullable = true},
};

const struct field *cards_field(const char *name)
{
	for (size_t i = 0; i < CREATE_FIELDS; i++)
		if (strcmp(create_fields[i].name, name) == 0)
			return &create_fields[i];
	return NULL;
}

enum step cards_create(struct exchange *x)
{
	struct field_value values[CREATE_FIELDS];
	const struct field_value *slug;

	if (!fields_read(x, create_fields, CREATE_FIELDS, values))
		return refuse_fields(x);
	slug = values[BASE_SLUG].text != NULL ? &values[BASE_SLUG] : &values[CARD_NAME];
	call_start(&x->call, CALL_CREATE_CARD);
	auth_argument(x);
	key_write_argument(x);
	call_text(&x->call, values[CARD_NAME].text);
	call_text(&x->call, text_slug(slug->text, slug->len, &x->arena));
	changeable_arguments(x, values);
	key_argument(x);
	x->resume = created;
	return STEP_CALL;
}

/* ---- list ---------------------------------------------------------------------------------- */

#define CURSOR_DIGITS 18 /* of the year 9999, and of a year before our era */
#define CURSOR_LEAST  INT64_C(-210866803200000000) /* PostgreSQL's first moment, in 4714 BC */

/* Where a page goes on: `<microseconds since the epoch>-<uuid>` of the last card before it. What was
 * brought along may be older than the epoch: then there is a sign. */
struct cursor {
	int64_t at_us;
	struct uuid id;
};

static bool cursor_parse(const char *text, struct cursor *ret_cursor)
{
	const char *number = text + (*text == '-');
	const size_t digits = strspn(number, "0123456789");
	const char *id = number + digits + 1;
	struct cursor cursor;

	if (digits == 0 || digits > CURSOR_DIGITS || number[digits] != '-')
		return false;
	cursor.at_us = strtoll(text, NULL, 10);
	if (cursor.at_us < CURSOR_LEAST || strlen(id) != UUID_TEXT_BYTES - 1 ||
		!uuid_parse(id, UUID_TEXT_BYTES - 1, &cursor.id))
		return false;
	*ret_cursor = cursor;
	return true;
}

static bool read_after(struct exchange *x, struct cursor *ret_cursor)
{
	const char *text = page_after(x);

	if (text == NULL)
		return false;
	if (cursor_parse(text, ret_cursor))
		return true;
	page_after_fault(x);
	return false;
}

static enum step listed(struct exchange *x)
{
	return x->call.row.status == 200 ? page_answer(x) : exchange_common(x, "card");
}

enum step cards_list(struct exchange *x)
{
	struct cursor after;
	int64_t limit = page_limit(x);
	bool goes_on = read_after(x, &after);

	if (x->errors.len > 0)
		return refuse_fields(x);
	call_start(&x->call, CALL_LIST_CARDS);
	auth_argument(x);
	call_integer(&x->call, &x->arena, limit);
	if (goes_on) {
		call_integer(&x->call, &x->arena, after.at_us);
		call_uuid(&x->call, &x->arena, &after.id);
	} else {
		call_text(&x->call, NULL);
		call_text(&x->call, NULL);
	}
	x->resume = listed;
	return STEP_CALL;
}

/* ---- read ---------------------------------------------------------------------------------- */

static enum step read_done(struct exchange *x)
{
	return x->call.row.status == 200 ? versioned_entity(x) : exchange_common(x, "card");
}

enum step cards_read(struct exchange *x)
{
	call_start(&x->call, CALL_READ_CARD);
	auth_argument(x);
	call_uuid(&x->call, &x->arena, &x->card);
	x->resume = read_done;
	return STEP_CALL;
}

/* ---- update -------------------------------------------------------------------------------- */

/* The change that a request asks for, kept while the card is checked to be the one it means. */
struct card_update {
	struct field_value values[CARD_CHANGEABLE];
	const char *expected;
	bool merge;
};

/* Each side fits, both together do not. */
static enum step too_large(struct exchange *x)
{
	fields_fault(x, x->call.row.detail, "is too large once it is merged");
	return exchange_invalid(x);
}

static enum step updated(struct exchange *x)
{
	switch (x->call.row.status) {
	case 200:
		return versioned_entity(x);
	case 409:
		return versioned_conflict(x);
	case 422:
		return too_large(x);
	default:
		return exchange_common(x, "card");
	}
}

static enum step merged(struct exchange *x)
{
	enum step step = updated(x);

	versioned_merge_answered(x);
	return step;
}

static bool any_present(const struct field_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (values[i].present)
			return true;
	return false;
}

/* Merging takes the arguments of an update, and patching asks whether to merge besides. */
static enum step plan_update(struct exchange *x)
{
	const struct card_update *update = x->own;

	if (x->merge_patch)
		call_start(&x->call, CALL_PATCH_CARD);
	else
		call_start(&x->call, update->merge ? CALL_MERGE_CARD : CALL_UPDATE_CARD);
	auth_argument(x);
	key_write_argument(x);
	call_uuid(&x->call, &x->arena, &x->card);
	call_text(&x->call, update->expected);
	call_text(&x->call, update->values[CARD_NAME].text);
	changeable_arguments(x, update->values);
	if (x->merge_patch)
		call_text(&x->call, update->merge ? "t" : "f");
	key_argument(x);
	x->resume = update->merge ? merged : updated;
	return STEP_CALL;
}

/*
 * A client may send back all of the card it read. The path, the token and the card itself say which card it is
 * and whose, so a body that says otherwise was made from another card, and would overwrite this one.
 */
static void check_id(struct exchange *x, const char *name, const struct uuid *own)
{
	const struct json_member *member = json_find(x->body, name);
	struct uuid sent;

	if (member == NULL)
		return;
	if (member->kind != JSON_STRING || !uuid_parse(member->string, member->string_len, &sent) ||
		memcmp(&sent, own, sizeof(sent)) != 0)
		fields_fault(x, name, "is not that of this card");
}

static void check_identity(struct exchange *x)
{
	const struct json_member *slug = json_find(x->body, "slug");

	check_id(x, "id", &x->card);
	if (x->has_caller)
		check_id(x, "user_id", &x->caller);
	if (slug != NULL && slug->kind != JSON_STRING)
		fields_fault(x, "slug", "is not that of this card");
}

/* A slug that direct SQL has changed since is news, which the update itself tells. */
static enum step slug_checked(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	const struct card_update *update = x->own;
	const struct json_member *slug = json_find(x->body, "slug");

	if (row->status != 200 || strcmp(row->detail, slug->string) == 0 ||
		!versioned_expects(update->expected, row->version))
		return plan_update(x);
	fields_fault(x, "slug", "is not that of this card");
	return exchange_invalid(x);
}

static enum step plan_checked_update(struct exchange *x)
{
	if (json_find(x->body, "slug") == NULL)
		return plan_update(x);
	call_start(&x->call, CALL_CHECK_CARD);
	auth_argument(x);
	call_uuid(&x->call, &x->arena, &x->card);
	x->resume = slug_checked;
	return STEP_CALL;
}

/* In a merge patch null takes a document away, where an empty one would leave it as it is. */
static void mark_removed(struct exchange *x, struct card_update *update)
{
	for (size_t i = CARD_FIELDS; i <= CARD_DESIGN; i++) {
		const struct json_member *member = json_find(x->body, create_fields[i].name);

		if (member != NULL && member->kind == JSON_NULL)
			update->values[i].text = "null";
	}
}

static void read_update(struct exchange *x, struct card_update *update)
{
	enum {
		CARD_ID = CARD_CHANGEABLE,
		CARD_VERSION,
		CARD_USER,
		CARD_SLUG,
		CARD_CREATED,
		CARD_UPDATED,
		CARD_MERGE,
		CARD_MERGED,
		CARD_MERGED_WITH,
		UPDATE_FIELDS,
	};
	/* A client may send back the whole card it got. */
	static const struct field fields[UPDATE_FIELDS] = {
		CHANGEABLE_FIELDS(false),
		[CARD_ID] = {.name = "id", .kind = FIELD_READ_ONLY},
		[CARD_VERSION] = {.name = "version", .kind = FIELD_VERSION},
		[CARD_USER] = {.name = "user_id", .kind = FIELD_READ_ONLY},
		[CARD_SLUG] = {.name = "slug", .kind = FIELD_READ_ONLY},
		[CARD_CREATED] = {.name = "created_at", .kind = FIELD_READ_ONLY},
		[CARD_UPDATED] = {.name = "updated_at", .kind = FIELD_READ_ONLY},
		[CARD_MERGE] = {.name = "merge", .kind = FIELD_BOOLEAN},
		[CARD_MERGED] = {.name = "merged", .kind = FIELD_READ_ONLY},
		[CARD_MERGED_WITH] = {.name = "mergedWith", .kind = FIELD_READ_ONLY},
	};
	struct field_value values[UPDATE_FIELDS];

	if (fields_read(x, fields, UPDATE_FIELDS, values) && !any_present(values, CARD_CHANGEABLE))
		fields_fault(x, "body", "must name a field to change");
	check_identity(x);
	if (x->errors.len > 0)
		return;
	memcpy(update->values, values, sizeof(update->values));
	update->merge = versioned_merge_asked(x, &values[CARD_MERGE]);
	if (x->merge_patch)
		mark_removed(x, update);
}

enum step cards_update(struct exchange *x)
{
	struct card_update *update = exchange_own(x, sizeof(*update));
	enum versioned_status version;

	version = versioned_read(x, NULL, 1, &update->expected);
	if (version != VERSIONED_OK && version != VERSIONED_MALFORMED)
		return versioned_refuse(x, version);
	read_update(x, update);
	if (x->errors.len > 0)
		return refuse_fields(x);
	return plan_checked_update(x);
}

/* The card is named by `id` in the body, and not by the path. */
enum step cards_update_by_body(struct exchange *x)
{
	const struct json_member *id = json_find(x->body, "id");
	const char *expected = NULL;
	enum versioned_status version;

	if (id != NULL && id->kind == JSON_STRING) {
		if (!uuid_parse(id->string, id->string_len, &x->card))
			return refuse(x, PROBLEM_NOT_FOUND, "no such card");
		x->has_card = true;
		return cards_update(x);
	}
	version = versioned_read(x, NULL, 1, &expected);
	if (version != VERSIONED_OK && version != VERSIONED_MALFORMED)
		return versioned_refuse(x, version);
	fields_fault(x, "id", "must be the id of a card");
	return refuse_fields(x);
}

/* ---- delete -------------------------------------------------------------------------------- */

static enum step deleted(struct exchange *x)
{
	switch (x->call.row.status) {
	case 204:
		reply_start(&x->reply, 204, NULL);
		return STEP_ANSWER;
	case 409:
		return versioned_conflict(x);
	default:
		return exchange_common(x, "card");
	}
}

enum step cards_delete(struct exchange *x)
{
	const char *text = NULL;
	const char *expected = NULL;
	enum versioned_status version;

	if (request_param(&x->request, "version", &x->arena, &text) == REQUEST_PARAM_BAD)
		text = "";
	version = versioned_read(x, text, 1, &expected);
	if (version == VERSIONED_MALFORMED)
		return refuse_fields(x);
	if (version != VERSIONED_OK)
		return versioned_refuse(x, version);
	call_start(&x->call, CALL_DELETE_CARD);
	auth_argument(x);
	key_write_argument(x);
	call_uuid(&x->call, &x->arena, &x->card);
	call_text(&x->call, expected);
	key_argument(x);
	x->resume = deleted;
	return STEP_CALL;
}
