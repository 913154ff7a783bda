/* The caller's own rows of the three tables, as PostgREST has them read. */
#ifndef API_POSTGREST_ROWS_H
#define API_POSTGREST_ROWS_H

#include "api/exchange.h"

enum step rows_cards(struct exchange *x);
enum step rows_personal(struct exchange *x);
enum step rows_professional(struct exchange *x);

#endif
