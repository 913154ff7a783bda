/* The fields of a card, for other ways to write one. */
#ifndef API_CARDS_H
#define API_CARDS_H

#include "api/fields.h"

/* What a card's creation says of that field; NULL where it has none. */
const struct field *cards_field(const char *name);

#endif
