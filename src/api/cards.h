/* The fields of a card, for other ways to write one. */
#ifndef API_CARDS_H
#define API_CARDS_H

#include "api/fields.h"

/* The rule that a card's creation has for that field; NULL where it has no such field. */
const struct field *cards_field(const char *name);

#endif
