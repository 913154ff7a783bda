/* A threshold with its hysteresis, as an operator writes it. */
#include "base/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FOR_MAX_US (24 * 3600 * CLOCK_S)

/* The word, and the blanks after it. */
static bool take_word(const char **text, const char *word)
{
	const size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0 || strchr(" \t", (*text)[len]) == NULL)
		return false;
	*text += len;
	*text += strspn(*text, " \t");
	return true;
}

/* Digits, at most one point among them: no sign, no exponent, no infinity. What follows is in
 * *text. */
static bool take_digits(const char **text, double *ret)
{
	const size_t len = strspn(*text, "0123456789.");
	char digits[16];
	char *end;

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, *text, len);
	digits[len] = '\0';
	*ret = strtod(digits, &end);
	*text += len;
	return *end == '\0' && end != digits;
}

static bool take_blanks(const char **text)
{
	const size_t len = strspn(*text, " \t");

	*text += len;
	return len > 0 || **text == '\0';
}

static bool take_number(const char **text, double *ret)
{
	if (!take_digits(text, ret))
		return false;
	if (**text == '%') {
		*ret /= 100;
		++*text;
	}
	return take_blanks(text);
}

static bool take_time(const char **text, int64_t *ret_us)
{
	double number;
	double us;

	if (!take_digits(text, &number))
		return false;
	us = number * (**text == 'm' ? 60 : 1) * (double)CLOCK_S;
	if ((**text != 's' && **text != 'm') || us > (double)FOR_MAX_US)
		return false;
	++*text;
	*ret_us = (int64_t)us;
	return take_blanks(text);
}

bool rule_parse(const char *text, struct rule *ret_rule)
{
	struct rule rule = {.on = true};

	if (strcmp(text, "off") == 0) {
		*ret_rule = (struct rule){.on = false};
		return true;
	}
	rule.below = take_word(&text, "below");
	if (!(rule.below || take_word(&text, "above")) || !take_number(&text, &rule.raise) ||
		!take_word(&text, "clear") || !take_number(&text, &rule.clear) ||
		!take_word(&text, "for") || !take_time(&text, &rule.for_us) || *text != '\0')
		return false;
	if (rule_beyond(&rule, rule.clear, rule.raise))
		return false;
	*ret_rule = rule;
	return true;
}

bool rule_beyond(const struct rule *rule, double value, double number)
{
	return rule->below ? value < number : value > number;
}
