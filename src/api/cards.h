/* Cards: create, list, read, update, delete. Each function begins a handler; see exchange.h. */
#ifndef API_CARDS_H
#define API_CARDS_H

#include "api/exchange.h"
#include "api/fields.h"

enum step cards_create(struct exchange *x);
enum step cards_list(struct exchange *x);
enum step cards_read(struct exchange *x);
/* The card is named by the path, or by `id` in the body. */
enum step cards_update(struct exchange *x);
enum step cards_update_by_body(struct exchange *x);
enum step cards_delete(struct exchange *x);

/* What a card's creation says of that field; NULL where it has none. */
const struct field *cards_field(const char *name);

#endif
