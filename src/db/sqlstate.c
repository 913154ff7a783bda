/* What an error of PostgreSQL means for a request. */
#include "db/sqlstate.h"

#include <stddef.h>
#include <string.h>

#include "base/must.h"

static const struct rule {
	const char *prefix;         /* five characters, or the two of a class */
	const char *constraint_end; /* NULL: whatever the constraint */
	const char *message_part;   /* NULL: whatever the message */
	enum sqlstate_class class;
} rules[] = {
#define SQLSTATE(code, class, why)                 {code, NULL, NULL, SQLSTATE_##class},
#define SQLSTATE_CONSTRAINT(code, end, class, why) {code, end, NULL, SQLSTATE_##class},
#define SQLSTATE_MESSAGE(code, part, class, why)   {code, NULL, part, SQLSTATE_##class},
#include "catalog/sqlstates.def"
#undef SQLSTATE
#undef SQLSTATE_CONSTRAINT
#undef SQLSTATE_MESSAGE
};

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t end_len = strlen(end);

	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

static bool rule_fits(
	const struct rule *rule, const char *code, const char *constraint, const char *message)
{
	if (strncmp(code, rule->prefix, strlen(rule->prefix)) != 0)
		return false;
	if (rule->constraint_end != NULL)
		return constraint != NULL && ends_with(constraint, rule->constraint_end);
	if (rule->message_part != NULL)
		return message != NULL && strstr(message, rule->message_part) != NULL;
	return true;
}

enum sqlstate_class sqlstate_class(
	const char *code, const char *constraint, const char *message, bool conn_ok)
{
	if (code[0] == '\0')
		return conn_ok ? SQLSTATE_FAILED : SQLSTATE_LOST;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rule_fits(&rules[i], code, constraint, message))
			return rules[i].class;
	return SQLSTATE_FAILED;
}

const char *sqlstate_class_name(enum sqlstate_class class)
{
	static const char *const names[] = {
		[SQLSTATE_TRANSIENT] = "transient",
		[SQLSTATE_UNAVAILABLE] = "unavailable",
		[SQLSTATE_LOST] = "lost",
		[SQLSTATE_STALE] = "stale",
		[SQLSTATE_READ_ONLY] = "read_only",
		[SQLSTATE_TAKEN] = "taken",
		[SQLSTATE_OVERRUN] = "overrun",
		[SQLSTATE_NO_ACCOUNT] = "no_account",
		[SQLSTATE_INPUT] = "input",
		[SQLSTATE_FAILED] = "failed",
	};

	MUST((size_t) class < ARRAY_LEN(names));
	return names[class];
}

static const struct {
	const char *prefix;
	const char *words;
} refusals[] = {
#define REFUSAL(code, words) {code, words},
#include "catalog/refusals.def"
#undef REFUSAL
};

const char *sqlstate_refusal(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (strncmp(code, refusals[i].prefix, strlen(refusals[i].prefix)) == 0)
			return refusals[i].words;
	return NULL;
}
