/* The personal and the professional profile: one handler, two tables of fields. */
#include "api/profiles.h"

#include <string.h>

#include "api/auth.h"
#include "api/fields.h"
#include "api/handlers.h"
#include "api/key.h"
#include "api/refuse.h"
#include "api/versioned.h"
#include "base/json_text.h"

#define PROFILE_FIELDS_MAX 15

struct profile {
	enum call_id read;
	enum call_id save;
	enum call_id merge; /* takes the arguments of save */
	size_t own; /* fields of the profile; then `merge`; the rest only travels with them */
	size_t count;
	struct field fields[PROFILE_FIELDS_MAX];
};

#define TEXT(field, points)                                                        \
	{                                                                          \
		.name = field, .kind = FIELD_LINE, .max = points, .nullable = true \
	}
#define LINES(field, points)                                                        \
	{                                                                           \
		.name = field, .kind = FIELD_LINES, .max = points, .nullable = true \
	}
#define EMAIL(field)                                                             \
	{                                                                        \
		.name = field, .kind = FIELD_EMAIL, .max = 254, .nullable = true \
	}
#define WEB(field)                                                              \
	{                                                                       \
		.name = field, .kind = FIELD_WEB, .max = 2048, .nullable = true \
	}
#define BOOKKEEPING                                                                           \
	{.name = "merge", .kind = FIELD_BOOLEAN}, {.name = "version", .kind = FIELD_VERSION}, \
		{.name = "created_at", .kind = FIELD_READ_ONLY},                              \
		{.name = "updated_at", .kind = FIELD_READ_ONLY},                              \
		{.name = "merged", .kind = FIELD_READ_ONLY},                                  \
		{.name = "mergedWith", .kind = FIELD_READ_ONLY},                              \
	{                                                                                     \
		.name = "isNew", .kind = FIELD_READ_ONLY                                      \
	}
#define BOOKKEEPING_COUNT 7

static const struct profile personal = {
	.read = CALL_READ_PERSONAL,
	.save = CALL_SAVE_PERSONAL,
	.merge = CALL_MERGE_PERSONAL,
	.own = 7,
	.count = 7 + BOOKKEEPING_COUNT,
	.fields = {TEXT("full_name", 200), EMAIL("primary_email"), EMAIL("secondary_email"),
		TEXT("primary_phone", 50), TEXT("secondary_phone", 50), WEB("website"),
		LINES("address", 1000), BOOKKEEPING},
};

static const struct profile professional = {
	.read = CALL_READ_PROFESSIONAL,
	.save = CALL_SAVE_PROFESSIONAL,
	.merge = CALL_MERGE_PROFESSIONAL,
	.own = 8,
	.count = 8 + BOOKKEEPING_COUNT,
	.fields = {TEXT("job_title", 200), TEXT("company_name", 200), TEXT("department", 200),
		EMAIL("work_email"), TEXT("work_phone", 50), LINES("work_address", 1000),
		WEB("company_website"), WEB("linkedin_url"), BOOKKEEPING},
};

const struct field *profiles_fields(bool is_professional, size_t *ret_count)
{
	const struct profile *profile = is_professional ? &professional : &personal;

	*ret_count = profile->own;
	return profile->fields;
}

static enum step done(struct exchange *x)
{
	switch (x->call.row.status) {
	case 200:
	case 201:
		return versioned_entity(x);
	case 409:
		return versioned_conflict(x);
	default:
		return exchange_common(x, "profile");
	}
}

static enum step merged(struct exchange *x)
{
	enum step step = done(x);

	versioned_merge_answered(x);
	return step;
}

static enum step plan_read(struct exchange *x, const struct profile *profile)
{
	call_start(&x->call, profile->read);
	auth_argument(x);
	x->resume = done;
	return STEP_CALL;
}

/* The fields to change, as the text of a JSON object: null clears. */
static const char *patch_text(
	struct exchange *x, const struct profile *profile, const struct field_value *values)
{
	struct buf patch = {0};
	const char *text;

	for (size_t i = 0; i < profile->own; i++) {
		if (!values[i].present)
			continue;
		buf_char(&patch, patch.len == 0 ? '{' : ',');
		json_text_quote(&patch, profile->fields[i].name, strlen(profile->fields[i].name));
		buf_char(&patch, ':');
		if (values[i].text != NULL)
			json_text_quote(&patch, values[i].text, values[i].len);
		else
			buf_str(&patch, "null");
	}
	if (patch.len == 0)
		return NULL;
	buf_char(&patch, '}');
	text = mem_arena_copy(&x->arena, patch.data, patch.len);
	buf_free(&patch);
	return text;
}

static enum step plan_save(struct exchange *x, const struct profile *profile)
{
	struct field_value values[PROFILE_FIELDS_MAX];
	const char *expected = NULL;
	const char *patch = NULL;
	enum versioned_status version = versioned_read(x, NULL, 0, &expected);
	bool merge;

	if (version != VERSIONED_OK && version != VERSIONED_MALFORMED)
		return versioned_refuse(x, version);
	if (fields_read(x, profile->fields, profile->count, values)) {
		patch = patch_text(x, profile, values);
		if (patch == NULL)
			fields_fault(x, "body", "must name a field to change");
	}
	if (x->errors.len > 0)
		return refuse_fields(x);
	merge = versioned_merge_asked(x, &values[profile->own]);
	call_start(&x->call, merge ? profile->merge : profile->save);
	auth_argument(x);
	key_write_argument(x);
	call_text(&x->call, expected);
	call_text(&x->call, patch);
	key_argument(x);
	x->resume = merge ? merged : done;
	return STEP_CALL;
}

enum step profiles_read_personal(struct exchange *x)
{
	return plan_read(x, &personal);
}

enum step profiles_save_personal(struct exchange *x)
{
	return plan_save(x, &personal);
}

enum step profiles_read_professional(struct exchange *x)
{
	return plan_read(x, &professional);
}

enum step profiles_save_professional(struct exchange *x)
{
	return plan_save(x, &professional);
}
