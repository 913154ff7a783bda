/*
 * A threshold with its hysteresis, as an operator writes it:
 *
 *     above 5% clear 3% for 60s        below 95% clear 97% for 2m        off
 *
 * Beyond the first number for the whole time it is on; from then on until the value is back at the
 * second one. `%` divides by a hundred. Pure, thread-safe.
 */
#ifndef BASE_RULE_H
#define BASE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

#define RULE_SYNTAX "off, or like: above 5% clear 3% for 60s"

struct rule {
	bool on;
	bool below;   /* beyond is below the numbers, not above them */
	double raise; /* beyond this: on */
	double clear; /* no longer beyond this: off; never farther out than `raise` */
	int64_t for_us;
};

/* False, and *ret_rule untouched, when the text is none. */
MUST_CHECK bool rule_parse(const char *text, struct rule *ret_rule);
/* Whether the value lies beyond `number`, which is the rule's `raise` or `clear`. */
bool rule_beyond(const struct rule *rule, double value, double number);

#endif
