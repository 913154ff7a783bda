/* What cards and profiles were: reading it, and bringing it back. See exchange.h. */
#ifndef API_HISTORY_H
#define API_HISTORY_H

#include "api/exchange.h"

enum step history_read_card(struct exchange *x);
enum step history_revert_card(struct exchange *x);
enum step history_read_personal(struct exchange *x);
enum step history_revert_personal(struct exchange *x);
enum step history_read_professional(struct exchange *x);
enum step history_revert_professional(struct exchange *x);

#endif
