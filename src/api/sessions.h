/* Accounts and their sessions: register, sign in, list, end. See exchange.h. */
#ifndef API_SESSIONS_H
#define API_SESSIONS_H

#include "api/exchange.h"

enum step sessions_register(struct exchange *x);
enum step sessions_open(struct exchange *x);
enum step sessions_list(struct exchange *x);
enum step sessions_end(struct exchange *x);
enum step sessions_end_many(struct exchange *x);

#endif
