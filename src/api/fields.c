/* The fields of a body, read by a table. */
#include "api/fields.h"

#include <string.h>

#include "api/secret.h"
#include "api/text.h"
#include "api/url.h"

#define TEMPLATE_BYTES_MAX 64

void fields_fault(struct exchange *x, const char *field, const char *message)
{
	if (x->faults++ < EXCHANGE_FAULTS_MAX)
		problem_field(&x->errors, field, message);
}

static bool is_template(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= TEMPLATE_BYTES_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* What is wrong with a text of that kind, or NULL. */
static const char *kind_fault(enum field_kind kind, const char *text)
{
	switch (kind) {
	case FIELD_EMAIL:
		return url_is_email(text) ? NULL : "must be an e-mail address";
	case FIELD_WEB:
		return url_is_web(text) ? NULL : "must be an http or https address";
	case FIELD_TEMPLATE:
		return is_template(text) ? NULL : "must be 1 to 64 of a-z, 0-9 and -";
	default:
		return NULL;
	}
}

static void clear_text(struct exchange *x, const struct field *field)
{
	if (!field->nullable)
		fields_fault(x, field->name, "must not be empty");
}

const char *fields_clean(struct exchange *x, const struct field *field, const char *text,
	size_t len, const char **ret_text)
{
	const char *cleaned = NULL;

	*ret_text = NULL;
	switch (text_clean(text, len, field->max,
		field->kind == FIELD_LINES ? TEXT_LINES : TEXT_ONE_LINE, &x->arena, &cleaned)) {
	case TEXT_OK:
		*ret_text = cleaned;
		return kind_fault(field->kind, cleaned);
	case TEXT_EMPTY:
		return NULL;
	case TEXT_TOO_LONG:
		return mem_arena_printf(&x->arena, "must be at most %zu characters", field->max);
	case TEXT_CONTROL:
		return "must not contain control characters";
	case TEXT_MARKS:
		return "must not have more than 30 marks on one letter";
	case TEXT_UNSEEN:
		break;
	}
	return "must have a letter or sign that can be seen";
}

static void read_text(struct exchange *x, const struct field *field,
	const struct json_member *member, struct field_value *value)
{
	const char *fault =
		fields_clean(x, field, member->string, member->string_len, &value->text);

	if (fault != NULL)
		fields_fault(x, field->name, fault);
	else if (value->text == NULL)
		clear_text(x, field);
	else
		value->len = strlen(value->text);
}

static void read_secret(struct exchange *x, const struct field *field,
	const struct json_member *member, struct field_value *value)
{
	const char *fault =
		secret_new(x, member->string, member->string_len, &value->text, &value->len);

	if (fault != NULL)
		fields_fault(x, field->name, fault);
}

static void read_password(const struct json_member *member, struct field_value *value)
{
	value->text = member->string;
	value->len = member->string_len;
}

static void read_string(struct exchange *x, const struct field *field,
	const struct json_member *member, struct field_value *value)
{
	if (member->kind == JSON_NULL)
		clear_text(x, field);
	else if (member->kind != JSON_STRING)
		fields_fault(x, field->name, "must be a string");
	else if (field->kind == FIELD_SECRET)
		read_secret(x, field, member, value);
	else if (field->kind == FIELD_PASSWORD)
		read_password(member, value);
	else
		read_text(x, field, member, value);
}

static void read_document(struct exchange *x, const struct field *field,
	const struct json_member *member, struct field_value *value)
{
	if (member->kind == JSON_NULL)
		value->text = "{}";
	else if (member->kind == JSON_OBJECT && member->plain_len > REQUEST_BODY_MAX)
		fields_fault(x, field->name, FIELDS_TOO_LARGE);
	else if (member->kind == JSON_OBJECT)
		value->text = mem_arena_copy(&x->arena, member->raw, member->raw_len);
	else
		fields_fault(x, field->name, "must be an object");
}

static void read_boolean(struct exchange *x, const struct field *field,
	const struct json_member *member, struct field_value *value)
{
	if (member->kind == JSON_BOOLEAN)
		value->text = member->boolean ? "t" : "f";
	else
		fields_fault(x, field->name, "must be true or false");
}

static void read_field(struct exchange *x, const struct field *field,
	const struct json_member *member, struct field_value *value)
{
	value->present = true;
	switch (field->kind) {
	case FIELD_DOCUMENT:
		read_document(x, field, member, value);
		break;
	case FIELD_BOOLEAN:
		read_boolean(x, field, member, value);
		break;
	case FIELD_UUID:
		if (member->kind == JSON_STRING)
			value->text = member->string;
		else
			fields_fault(x, field->name, "must be a string");
		break;
	case FIELD_VERSION:
	case FIELD_READ_ONLY:
		break;
	default:
		read_string(x, field, member, value);
	}
}

static size_t field_index(const struct field *fields, size_t count, const char *name)
{
	size_t i = 0;

	while (i < count && strcmp(fields[i].name, name) != 0)
		i++;
	return i;
}

bool fields_read(struct exchange *x, const struct field *fields, size_t count,
	struct field_value *ret_values)
{
	memset(ret_values, 0, count * sizeof(*ret_values));
	if (json_kind(x->body) != JSON_OBJECT) {
		fields_fault(x, "body", "must be an object");
		return false;
	}
	for (size_t m = 0; m < json_count(x->body); m++) {
		const struct json_member *member = json_at(x->body, m);
		size_t i = field_index(fields, count, member->name);

		if (i == count)
			fields_fault(x, member->name, "is not a field of this request");
		else
			read_field(x, &fields[i], member, &ret_values[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (fields[i].required && !ret_values[i].present)
			fields_fault(x, fields[i].name, "is required");
	if (x->errors.len == 0 && json_spreads(x->body))
		fields_fault(x, "body", FIELDS_TOO_LARGE);
	return x->errors.len == 0;
}
